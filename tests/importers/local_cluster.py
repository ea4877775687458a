"""A Dask cluster in processes of its own; it ends with its standard input.

``python -m tests.importers.local_cluster WORKERS`` prints the scheduler's address.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

ALLOWED_FAILURES = 1
"""Workers that a group may kill before Dask gives it up; its default is 3."""

_ENVIRONMENT = {
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(ALLOWED_FAILURES),
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
}


@contextmanager
def local_cluster(workers: int) -> Iterator[str]:
    """A scheduler and workers of one thread each on 127.0.0.1; gives its address."""
    command = [sys.executable, "-m", "tests.importers.local_cluster", str(workers)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **_ENVIRONMENT},
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            try:
                process.wait(30)
            finally:
                process.kill()


@contextmanager
def odd_worker(
    address: str,
    code: str = "",
    environment: Mapping[str, str] | None = None,
    before: tuple[str, ...] = (),
) -> Iterator[None]:
    """One more worker, which is not like this machine.

    Args:
        address: of the scheduler.
        code: it runs first.
        environment: it has besides.
        before: its command, such as a program that runs another.
    """
    main = f"{code}\nfrom distributed.cli.dask_worker import main\nmain()"
    options = ["--no-nanny", "--no-dashboard", "--nthreads", "1", "--host", "127.0.0.1"]
    with subprocess.Popen(
        [*before, sys.executable, "-c", main, address, *options],
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    ) as process:
        try:
            yield
        finally:
            process.kill()


def main() -> None:
    """Run until standard input is closed."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=int(sys.argv[1]),
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
