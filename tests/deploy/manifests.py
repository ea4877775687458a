"""The files of ``deploy/`` as values."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.test_compose import ROOT

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"

_SHIFTS = {"Ki": 10, "Mi": 20, "Gi": 30}

Yaml = dict[str, Any]


def loaded(path: Path) -> list[Yaml]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


@cache
def written() -> list[tuple[str, Yaml]]:
    """Every resource with the file where it stands."""
    files = (*KUBERNETES.glob("*.yaml"), *KUBERNETES.glob("*/service-*.yaml"))
    return [(path.name, one) for path in sorted(files) for one in loaded(path)]


def named(resources: list[Yaml], kind: str, name: str) -> Yaml:
    (found,) = [r for r in resources if r["kind"] == kind and r["metadata"]["name"] == name]
    return found


def resources() -> list[Yaml]:
    return [one for _, one in written()]


def workload(name: str) -> Yaml:
    """A Deployment or StatefulSet."""
    (found,) = [
        r for r in resources() if "template" in r.get("spec", {}) and r["metadata"]["name"] == name
    ]
    return found


def pod(name: str) -> Yaml:
    spec: Yaml = workload(name)["spec"]["template"]["spec"]
    return spec


def container(name: str) -> Yaml:
    [found] = pod(name)["containers"]
    given: Yaml = found
    return given


def environment(name: str) -> Yaml:
    return {one["name"]: one.get("value") for one in container(name)["env"]}


def in_bytes(quantity: str) -> int:
    """A quantity as Kubernetes writes it."""
    number, unit = re.findall(r"^(\d+)(Ki|Mi|Gi)$", quantity)[0]
    return int(number) << _SHIFTS[unit]


@cache
def render() -> list[Yaml]:
    """What ``kubectl apply -k deploy`` would apply."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed here")
    done = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))
