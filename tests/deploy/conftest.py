"""What the scaled topology is made of."""

import pytest

from tests.deploy.manifests import DEPLOY, Yaml, loaded, render


@pytest.fixture(scope="package", name="rendered")
def _rendered() -> list[Yaml]:
    return render()


@pytest.fixture(scope="package")
def collector() -> Yaml:
    (one,) = loaded(DEPLOY / "collector-config.yaml")
    return one
