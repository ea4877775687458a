"""Programs of others that tests run beside the service: `python -m tests.integration.programs`.

Each has a folder here that pins every module it is built from. What was built is kept in the
user's cache, by a digest of that folder, so that a build is only ever paid once.
"""

import hashlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clawtrace-otel"
"""What tests need and is dear to make again."""

_COLLECTOR = "github.com/open-telemetry/opentelemetry-collector-contrib"
_JAEGER = "github.com/jaegertracing/jaeger"


@dataclass(frozen=True)
class Program:
    """One that is built from Go modules.

    Attributes:
        package: with its `main`; empty if the Collector's builder writes it.
        flags: for the linker.
        built_by: the folders of the tools that make it.
    """

    name: str
    package: str = ""
    flags: str = "-s -w"
    built_by: tuple[str, ...] = ()

    @property
    def folders(self) -> list[Path]:
        """With all that decides what is built."""
        return [HERE / name for name in (self.name, *self.built_by)]

    @property
    def path(self) -> Path:
        """Where it is once it was built."""
        files = sorted(file for folder in self.folders for file in folder.iterdir())
        machine = f"{platform.system()} {platform.machine()}"
        digest = hashlib.blake2b(machine.encode(), digest_size=6)
        for file in files:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
        return CACHE / "programs" / f"{self.name}-{digest.hexdigest()}" / self.name


PROGRAMS = {
    program.name: program
    for program in (
        Program("otelcol", built_by=("builder",)),
        # Jaeger v2.13.0: its Go module has the tag v1.76.0.
        Program(
            "jaeger",
            f"{_JAEGER}/cmd/jaeger",
            f"-s -w -X {_JAEGER}/internal/version.latestVersion=v2.13.0",
        ),
        Program("telemetrygen", f"{_COLLECTOR}/cmd/telemetrygen"),
    )
}


def need(name: str) -> Path:
    """A program; the test that calls is skipped if it was not built.

    Args:
        name: a key of :data:`PROGRAMS`.
    """
    path = PROGRAMS[name].path
    if not path.exists():
        pytest.skip(f"{name} is not built: make otelcol")
    return path
