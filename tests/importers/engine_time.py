"""How long a run takes with two processes here, and with two workers of a cluster.

``python -m tests.importers.engine_time PATH...`` prints both, of three runs the shortest each.
"""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.importers.local_cluster import local_cluster

PROGRAM = Path(sys.executable).with_name("clawtrace")
RUNS = 3


def seconds(paths: list[str], *options: str) -> float:
    """Of the shortest of some runs of ``clawtrace compile``, each into an empty folder."""
    times = []
    for _ in range(RUNS):
        with TemporaryDirectory() as folder:
            began = time.monotonic()
            command = [str(PROGRAM), "compile", *paths, "-o", folder, *options]
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.monotonic() - began)
    return min(times)


def main() -> None:
    """Measure and print."""
    paths = sys.argv[1:]
    local = seconds(paths, "--jobs", "2")
    with local_cluster(2) as address:
        engine = seconds(paths, "--engine", address)
    print(f"2 processes: {local:.1f} s; 2 workers: {engine:.1f} s; ratio {engine / local:.2f}")


if __name__ == "__main__":
    main()
