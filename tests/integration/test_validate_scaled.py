"""The configuration for several replicas is one that the real Collector takes."""

from pathlib import Path

from tests.integration.running import written
from tests.integration.scaled import DEPLOYED
from tests.integration.test_validate import validate


def test_the_configuration_for_replicas_passes_the_collectors_own_validate() -> None:
    done = validate(DEPLOYED)
    assert (done.returncode, done.stderr) == (0, "")


def test_validate_finds_a_wrong_resolver(tmp_path: Path) -> None:
    """So that the test before could fail."""
    dns = {"resolver": {"dns": {"hostnames": ["clawtrace"]}}}
    wrong = written(tmp_path / "wrong.yaml", {"exporters": {"load_balancing/clawtrace": dns}})
    done = validate(DEPLOYED, wrong)
    assert done.returncode != 0
    assert "hostnames" in done.stderr
