"""What tests of the cluster share: runs on it, and workers that are killed while they read."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from distributed import Client

from clawtrace_otel.importers.compile_folder import FolderRun, Outcome
from clawtrace_otel.importers.dask_pool import DaskPool
from clawtrace_otel.importers.plan import Group, Plan
from clawtrace_otel.settings import Settings

T = TypeVar("T")

DEADLINE_SECONDS = 90.0

LOOKS = 100
"""At what workers read, before they are asked again who they are."""


def compiled(
    plan: Plan, folder: Path, engine: str = "", settings: Settings | None = None
) -> Outcome:
    """What a run did, on a cluster if one is named."""
    folder.mkdir(exist_ok=True)
    runs = partial(DaskPool, engine) if engine else None
    return FolderRun(plan, folder, settings or Settings(), jobs=1, engine=runs).run()


def files(folder: Path) -> dict[str, str]:
    """Cards, and the notes on the run; nothing else may be there."""
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def until(found: Callable[[], T | None]) -> T:
    """What is found, once it is."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def reader(observer: Client, *paths: Path) -> int:
    """The process of the worker that reads one of these files, once one does."""
    wanted = {str(path.resolve()) for path in paths}

    def found() -> int | None:
        pids: dict[str, int] = observer.run(os.getpid, on_error="ignore")
        for _ in range(LOOKS):  # to ask the cluster each time would take longer than to read one
            for pid in pids.values():
                if wanted.intersection(_open_files(pid)):
                    return pid
            time.sleep(0.005)
        return None

    return until(found)


def kill(pid: int) -> None:
    """Kill a process and wait for its end."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: _has_ended(pid))


def _has_ended(pid: int) -> bool:
    """Whether all that it had open is closed; its parent may not have asked for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "ZX"
    except OSError:
        return True


def _open_files(pid: int) -> list[str]:
    try:
        return [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:  # one was closed meanwhile, or the process has ended
        return []


class Pipe:
    """A file that whoever reads it waits for.

    Args:
        path: where it is made.
    """

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self.group = Group("otlp", f"otlp:{path}", [path], {str(path): (1 << 40, 0)})

    @contextmanager
    def held(self) -> Iterator[None]:
        """Meanwhile whoever reads waits: nothing comes, and no end."""
        descriptor = os.open(self.path, os.O_RDWR)
        try:
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def met(self) -> Iterator[None]:
        """From when somebody reads; afterwards they find that it is empty."""
        descriptor = until(self._open)
        try:
            yield
        finally:
            os.close(descriptor)

    def replace(self, content: bytes) -> None:
        """Put a file in its place, for who opens it from now on."""
        other = self.path.with_suffix(".new")
        other.write_bytes(content)
        other.replace(self.path)

    def _open(self) -> int | None:
        try:
            return os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads
            return None
