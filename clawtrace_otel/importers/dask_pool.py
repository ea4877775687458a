"""Groups on a Dask cluster, whose workers may be on other machines."""

import os
import pickle
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, cast
from uuid import uuid4

import msgspec
from distributed import CancelledError, Client, Future, KilledWorker

from clawtrace_otel.errors import EngineError
from clawtrace_otel.exporters.card_folder import CardFolder
from clawtrace_otel.importers.compile_group import Summary
from clawtrace_otel.importers.dask_task import TOPIC, Job, Unseen, difference, make_call, versions
from clawtrace_otel.importers.importer import Problem
from clawtrace_otel.importers.last_run import FILES, fingerprint, of_cards
from clawtrace_otel.importers.plan import Group
from clawtrace_otel.importers.worker import Result
from clawtrace_otel.settings import Settings
from clawtrace_otel.storage.urls import Where, parse_where

if TYPE_CHECKING:
    from distributed.client import VersionsDict

KILLED = "the workers that read it were killed, perhaps for want of memory"

_POLL_SECONDS = 0.2

LOOK_SECONDS = 5.0
"""Between questions whether there are workers."""

ALONE_SECONDS = 60.0
"""Without any worker before the run ends."""


class DaskPool:
    """Compiles groups on a cluster.

    Args:
        engine: address of its scheduler, such as ``tcp://host:8786``.
        settings: for the compilers.
        folder: of the cards, a path that all workers have too, or a URL.
        tell: is called now and then with the bytes that were read so far.
    """

    def __init__(
        self, engine: str, settings: Settings, folder: Where, tell: Callable[[int], None]
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._folder = folder
        self._tell = tell

    def run(self, groups: list[Group]) -> Iterator[tuple[Group, Result]]:
        """Compile groups, the largest first; each comes with what became of it.

        A group whose worker is killed is read again by another. Dask gives it up when that happens
        more often than its scheduler allows (``allowed-failures``, 3); whatever else the workers
        had in hand is then given up with it. Each of these is read once more, alone: if it kills
        its workers again, that is its problem.

        Raises:
            ClawTraceError: the cluster cannot be used, or a card cannot be written.
        """
        if not groups:
            return
        with self._connected() as client, _told(self._engine), self._job() as job:
            run = _Run(client, job, self._engine, self._tell)
            try:
                for suspect in (yield from run.read(groups)):
                    if (yield from run.read([suspect])):
                        problem = Problem(suspect.paths[0], 0, KILLED)
                        yield suspect, Result(Summary(problems=[problem]), {})
            finally:
                run.cancel()

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        try:
            client = Client(self._engine, set_as_default=False)
        except (OSError, ValueError) as e:
            msg = f"no Dask scheduler answers at {self._engine!r}: {e}"
            raise EngineError(msg) from e
        with client:
            yield client

    @contextmanager
    def _job(self) -> Iterator[Job]:
        """The job, with its mark in the folder meanwhile."""
        name = f"clawtrace-compile-{uuid4().hex}"
        store = CardFolder(self._folder).store
        settings = _with_absolute_paths(of_cards(self._settings))
        mark = f".{name}"
        store.write(mark, "")
        try:
            folder = parse_where(self._folder)
            where = folder.absolute() if isinstance(folder, Path) else folder.text
            yield Job(name, settings, where, fingerprint(settings), mark)
        finally:
            store.remove(mark)


class _Run:
    """One run on a cluster."""

    def __init__(self, client: Client, job: Job, engine: str, tell: Callable[[int], None]) -> None:
        self._client = client
        self._job = job
        self._engine = engine
        self._tell = tell
        self._read = 0
        self._sent = 0
        self._running: dict[str, tuple[Group, Future[Result | Unseen]]] = {}
        self._done: SimpleQueue[str] = SimpleQueue()
        self._look_at = self._alone_since = time.monotonic()
        client.subscribe_topic(TOPIC, self._count)

    def read(self, groups: list[Group]) -> Generator[tuple[Group, Result], None, list[Group]]:
        """Have groups read; returns those that were in hand where workers were killed."""
        killed = []
        for group in sorted(groups, key=lambda group: -group.size):
            self._send(group)
        while self._running:
            self._tell(self._read)
            try:
                group, future = self._running.pop(self._done.get(timeout=_POLL_SECONDS))
            except Empty:
                self._look_for_workers()
                continue
            try:
                result = self._result(future)
            except KilledWorker:
                killed.append(group)
                continue
            if isinstance(result, Unseen):
                self._send_unseen(group, result)
            else:
                yield group, _with_paths_of(group, result)
        return killed

    def cancel(self) -> None:
        """Have nothing more read."""
        futures = [future for _, future in self._running.values()]
        if futures and self._client.status == "running":
            self._client.cancel(futures)
        self._running.clear()

    def _send(self, group: Group, *, check: bool = True) -> None:
        there = replace(group, paths=[_absolute(path) for path in group.paths])
        self._sent += 1
        key = f"{self._job.run}-{self._sent}"
        call = make_call(self._job, there, check=check)
        future = self._client.submit(pickle.loads, call, key=key, pure=False)
        self._running[key] = group, future
        future.add_done_callback(lambda future: self._done.put(future.key))

    def _send_unseen(self, group: Group, unseen: Unseen) -> None:
        """What is not here either is sent once more, to be told like any file that is gone."""
        if here := [path for path in unseen.paths if os.access(path, os.R_OK)]:
            msg = f"worker {unseen.worker} cannot read {here[0]}, which must be there as it is here"
            raise EngineError(msg)
        self._send(group, check=False)

    def _result(self, future: "Future[Result | Unseen]") -> Result | Unseen:
        try:
            return future.result()
        except ModuleNotFoundError as e:
            wanted = versions()
            found = cast("VersionsDict", self._client.get_versions(packages=list(wanted)))
            for worker, told in found["workers"].items():
                if text := difference(worker, told["packages"], wanted):
                    raise EngineError(text) from e
            raise

    def _count(self, event: tuple[float, tuple[str, int]]) -> None:
        run, size = event[1]
        if run == self._job.run:
            self._read += size

    def _look_for_workers(self) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        if self._client.nthreads():
            self._alone_since = now
        elif now - self._alone_since > ALONE_SECONDS:
            msg = f"{self._engine} has had no workers for {ALONE_SECONDS:.0f} s"
            raise EngineError(msg)


@contextmanager
def _told(engine: str) -> Iterator[None]:
    """Errors of the connection as ours."""
    try:
        yield
    except OSError as e:
        msg = f"engine {engine}: {e}"
        raise EngineError(msg) from e
    except CancelledError as e:
        msg = f"engine {engine}: the connection was lost. What was done is remembered: run it again"
        raise EngineError(msg) from e


def _with_paths_of(group: Group, result: Result) -> Result:
    """The result with the paths as they were given."""
    given = {_absolute(path): path for path in group.paths}
    problems = result.summary.problems
    problems[:] = [replace(p, path=given.get(p.path, p.path)) for p in problems]
    return result


def _with_absolute_paths(settings: Settings) -> Settings:
    named = {name: value for name in FILES if (value := getattr(settings, name))}
    return msgspec.structs.replace(
        settings, **{name: str(_absolute(Path(value))) for name, value in named.items()}
    )


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 a link keeps its own name
