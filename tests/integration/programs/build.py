"""Builds a program from the modules that its folder pins."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from filelock import FileLock

from tests.integration.programs import CACHE, HERE, Program

_SECONDS = 1500  # two cores take five minutes for the largest
_BUILDER = "go.opentelemetry.io/collector/cmd/builder"
_MANIFEST = "otelcol-builder.yaml"
_BUILT = Path("build", "otelcol-contrib")


class BuildError(Exception):
    """Says what could not be built, and why."""


def build(program: Program, go: Path, *, update_sums: bool = False) -> None:
    """Build a program into the cache, once at a time on this machine.

    Args:
        program: of Go.
        go: the toolchain.
        update_sums: write `otelcol/go.sum` again if the manifest has changed.

    Raises:
        BuildError: it cannot be built.
    """
    cache = CACHE / "programs"
    cache.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache / f"{program.name}.lock")
    with lock, tempfile.TemporaryDirectory(dir=cache) as scratch:
        if program.path.exists():
            return
        built = Path(scratch) / program.name
        if program.package:
            _compile(program, go, built)
        else:
            _generate(program, go, Path(scratch), update_sums=update_sums)
        program.path.parent.mkdir(exist_ok=True)
        built.rename(program.path)


def _compile(program: Program, go: Path, built: Path) -> None:
    flags = ["-trimpath", "-mod=readonly", f"-ldflags={program.flags}", "-o", str(built)]
    _run([go, "build", *flags, program.package], HERE / program.name)


def _generate(program: Program, go: Path, scratch: Path, *, update_sums: bool) -> None:
    """By the Collector's own builder, which resolves modules anew: the sums must not differ."""
    for folder in program.folders:
        shutil.copytree(folder, scratch, dirs_exist_ok=True)
    pinned = HERE / program.name / "go.sum"
    used = scratch / _BUILT.parent / "go.sum"
    used.parent.mkdir()
    shutil.copy(pinned, used)
    _run([go, "run", "-mod=readonly", _BUILDER, "--config", _MANIFEST], scratch)
    if update_sums:
        shutil.copy(used, pinned)
    elif used.read_bytes() != pinned.read_bytes():
        msg = f"{pinned} does not fit {_MANIFEST}: run with --update-sums and read the diff"
        raise BuildError(msg)
    (scratch / _BUILT).rename(scratch / program.name)


def _run(command: list[str | Path], folder: Path) -> None:
    # The sums stand in the folders; not every mirror of the checksum database knows all modules.
    env = {**os.environ, "CGO_ENABLED": "0", "GOSUMDB": "off", "GOTOOLCHAIN": "local"}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        wanted = [line for line in done.stderr.splitlines() if "go: downloading" not in line]
        msg = f"{' '.join(map(str, command))}: exit status {done.returncode}\n"
        raise BuildError(msg + "\n".join(wanted[-20:]))
