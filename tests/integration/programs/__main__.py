"""Build programs: `python -m tests.integration.programs [NAME...]`, one line of result for each."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from tests.integration.programs import PROGRAMS, Program
from tests.integration.programs.build import BuildError, build
from tests.integration.programs.go import find_go


def main() -> int:
    """Build what the command line names, or all, where Go is there."""
    parser = argparse.ArgumentParser(description="Build the programs that integration tests need.")
    parser.add_argument("name", nargs="*", help=", ".join(PROGRAMS))
    parser.add_argument("--update-sums", action="store_true", help="pin what the manifest asks for")
    options = parser.parse_args()
    names = options.name or list(PROGRAMS)
    if unknown := [name for name in names if name not in PROGRAMS]:
        parser.error(f"no such program: {', '.join(unknown)}")
    go, why_not = find_go()
    failed = False
    for name in names:
        try:
            said = _made(PROGRAMS[name], go, why_not, update_sums=options.update_sums)
        except (BuildError, subprocess.TimeoutExpired) as e:
            said, failed = f"failed: {e}", True
        print(f"{name}: {said}", flush=True)
    return failed


def _made(program: Program, go: Path | None, why_not: str, *, update_sums: bool) -> str:
    if program.path.exists():
        return "cached"
    if go is None:
        return f"skipped: {why_not}"
    started = time.monotonic()
    build(program, go, update_sums=update_sums)
    return f"built in {time.monotonic() - started:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
