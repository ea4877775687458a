"""The configuration that is shipped is one that the real Collector takes."""

import subprocess
from pathlib import Path

from tests.collector.sinks import GrpcSink
from tests.integration.programs import need
from tests.integration.running import SHIPPED, Collector, shipped, written

SECONDS = 60


def validate(*configs: Path) -> subprocess.CompletedProcess[str]:
    """Run the Collector's own ``validate``."""
    flags = (f"--config={config}" for config in configs)
    command = [str(need("otelcol")), "validate", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_the_shipped_configuration_passes_the_collectors_own_validate() -> None:
    done = validate(SHIPPED)
    assert (done.returncode, done.stderr) == (0, "")


def test_validate_finds_a_key_that_is_misspelled(tmp_path: Path) -> None:
    """So that the test before could fail."""
    wrong = {"exporters": {"otlp_grpc/clawtrace": {"sending_queue": {"num_consumer": 1}}}}
    done = validate(SHIPPED, written(tmp_path / "wrong.yaml", wrong))
    assert done.returncode != 0
    assert "num_consumer" in done.stderr


def test_the_shipped_configuration_starts_without_a_warning_and_ends_with_status_0(
    tmp_path: Path,
) -> None:
    with (
        GrpcSink() as sink,
        Collector(tmp_path, *shipped(tmp_path, f"127.0.0.1:{sink.port}")) as collector,
    ):
        assert collector.end() == 0
        warnings = [line for line in collector.log.splitlines() if "\twarn\t" in line]
        assert warnings == []
    assert list((tmp_path / "queue").iterdir())
