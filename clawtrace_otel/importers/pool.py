"""Groups in parallel: one process each, as many at a time as there are cores."""

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized

from clawtrace_otel.exporters.card_folder import CardFolder
from clawtrace_otel.importers.compile_group import Summary
from clawtrace_otel.importers.importer import Problem
from clawtrace_otel.importers.plan import Group
from clawtrace_otel.importers.worker import Result, Worker
from clawtrace_otel.settings import Settings
from clawtrace_otel.storage.urls import Where
from clawtrace_otel.tracecard.factory import make_compiler

MIN_BYTES = 16 * 1024 * 1024
"""Less is read sooner than a second process has started."""

MAX_JOBS = 8
"""Unless told; each may need some hundred MB."""

_POLL_SECONDS = 0.2

DIED = "the process that read it was killed, perhaps for want of memory"


def cores() -> int:
    """Those that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def jobs_for(groups: list[Group], asked: int = 0) -> int:
    """How many processes are worth it.

    Args:
        groups: to be compiled.
        asked: by the user; 0 if they did not.
    """
    if asked:
        return min(asked, len(groups))
    if sum(group.size for group in groups) < MIN_BYTES:
        return 1
    return min(cores(), MAX_JOBS, len(groups))


class Pool:
    """Compiles groups in processes.

    Args:
        settings: for the compilers.
        folder: of the cards, a path or URL.
        jobs: processes.
        tell: is called now and then with the bytes that were read so far.
    """

    def __init__(
        self, settings: Settings, folder: Where, jobs: int, tell: Callable[[int], None]
    ) -> None:
        # Not "fork": whoever calls us may have threads.
        self._context = get_context("spawn")
        self._counter = self._context.Value("q", 0)
        self._initial = (settings, folder, self._counter)
        self._jobs = jobs
        self._tell = tell

    def run(self, groups: list[Group]) -> Iterator[tuple[Group, Result]]:
        """Compile groups, the largest first; each comes with what became of it.

        A process that dies is the problem of the group that it read, found out by reading each
        that was in hand again alone.

        Raises:
            ClawTraceError: a card cannot be written.
            ModuleNotFoundError: packages of an extra are missing.
        """
        waiting = deque(sorted(groups, key=lambda group: -group.size))
        while waiting:
            for suspect in (yield from self._run(waiting, self._jobs)):
                if (yield from self._run(deque([suspect]), 1)):
                    problem = Problem(suspect.paths[0], 0, DIED)
                    yield suspect, Result(Summary(problems=[problem]), {})

    def _run(
        self, waiting: deque[Group], jobs: int
    ) -> Generator[tuple[Group, Result], None, list[Group]]:
        """Returns the groups that were in hand when a process died; then the rest still waits."""
        with ProcessPoolExecutor(
            jobs, self._context, initializer=start_worker, initargs=self._initial
        ) as executor:
            running: dict[Future[Result], Group] = {}
            while waiting or running:
                while waiting and len(running) < jobs:
                    group = waiting.popleft()
                    try:
                        running[executor.submit(run_here, group)] = group
                    except BrokenProcessPool:
                        return [*running.values(), group]
                done, _ = wait(running, _POLL_SECONDS, FIRST_COMPLETED)
                self._tell(self._counter.value)
                for future in done:
                    try:
                        result = future.result()
                    except BrokenProcessPool:
                        return list(running.values())
                    yield running.pop(future), result
        return []


@dataclass(slots=True)
class _Here:
    """What a process of the pool has to work with."""

    worker: Worker
    count: Callable[[int], None]


_here: _Here | None = None


def start_worker(settings: Settings, folder: Where, counter: "Synchronized[int]") -> None:
    """Make the worker of a process of the pool: the one that this is called in.

    Args:
        settings: for the compiler.
        folder: of the cards, a path or URL.
        counter: of all processes: bytes that were read.
    """
    global _here

    def count(size: int) -> None:
        with counter.get_lock():
            counter.value += size

    # Ctrl-C ends all processes of a terminal; cards are whole at any moment.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _here = _Here(Worker(make_compiler(settings), CardFolder(folder)), count)


def run_here(group: Group) -> Result:
    """Compile a group with the worker of this process."""
    if _here is None:
        msg = "start_worker was not called"
        raise RuntimeError(msg)
    return _here.worker.run([group], _here.count)
