"""What the workers of a Dask cluster do: read a group and write its cards."""

import os
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock

from distributed import get_worker

from clawtrace_otel.errors import ClawTraceError, EngineError
from clawtrace_otel.exporters.card_folder import CardFolder
from clawtrace_otel.importers.last_run import fingerprint
from clawtrace_otel.importers.plan import Group
from clawtrace_otel.importers.worker import Result, Worker
from clawtrace_otel.settings import Settings
from clawtrace_otel.storage.urls import Where
from clawtrace_otel.tracecard.factory import make_compiler

TOPIC = "clawtrace-otel"
"""Of the events that tell what was read: name of the run, bytes."""

_PACKAGES = ("clawtrace-otel", "genai-prices")
"""Cards depend on their versions."""


@dataclass(frozen=True, slots=True)
class Job:
    """What all groups of a run have in common.

    Attributes:
        run: its name.
        settings: for the compiler; paths are absolute.
        folder: of the cards, an absolute path or a URL.
        made: fingerprint of the settings, and of the files that they name.
        mark: a file in the folder, by which a worker knows that it is the same one.
    """

    run: str
    settings: Settings
    folder: Where
    made: str
    mark: str


@dataclass(frozen=True, slots=True)
class Unseen:
    """A worker cannot read files that it was to read.

    Attributes:
        worker: its address.
    """

    worker: str
    paths: list[Path]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of :func:`read_there`: unpickling it makes the call.

    A worker that cannot import the function that it is sent loses its connection instead of saying
    so. It is sent ``pickle.loads``, which all have, and this as bytes. What needs the same version
    is pickled once more, so that versions are compared first.

    Attributes:
        versions: of packages, on the machine that sends it.
        content: the arguments of :func:`read_there`, pickled.
    """

    versions: dict[str, str]
    content: bytes

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return call_there, (self.versions, self.content)


def make_call(job: Job, group: Group, *, check: bool) -> bytes:
    """A call of :func:`read_there`, to be unpickled on a worker."""
    return pickle.dumps(Call(versions(), pickle.dumps((job, group, check))))


def versions() -> dict[str, str]:
    """Of the packages that cards depend on; empty where one is not installed."""
    return {name: _version(name) for name in _PACKAGES}


def call_there(wanted: dict[str, str], content: bytes) -> Result | Unseen:
    """Call :func:`read_there` if the worker has the versions that are wanted.

    Raises:
        EngineError: it has others, or see there.
    """
    worker = get_worker().address
    if text := difference(worker, versions(), wanted):
        raise EngineError(text)
    job, group, check = pickle.loads(content)
    try:
        return read_there(job, group, check=check)
    except ModuleNotFoundError as e:
        msg = f"worker {worker}: {e}. Install there what is installed here, with all extras"
        raise EngineError(msg) from None
    except (ClawTraceError, OSError) as e:
        msg = f"worker {worker}: {e}"
        raise EngineError(msg) from None


def difference(worker: str, found: Mapping[str, str | None], wanted: dict[str, str]) -> str:
    """What is to be done about the versions of a worker; empty if they are those that are wanted.

    Args:
        worker: its address.
        found: its versions by package; empty or ``None`` where it has none.
        wanted: those of this machine.
    """
    for name, here in wanted.items():
        there = found.get(name)
        if there != here:
            has = f"has {name} {there}" if there else f"has no {name}"
            return f"worker {worker} {has}, and here is {here}: install the same version there"
    return ""


def read_there(job: Job, group: Group, *, check: bool) -> Result | Unseen:
    """Compile a group in this process, which is a worker.

    Args:
        job: what all groups have in common.
        group: with absolute paths.
        check: read only if all files are there.

    Raises:
        ClawTraceError: a card cannot be written, or the worker sees other files than we do.
        ModuleNotFoundError: packages of an extra are missing.
    """
    if check and (paths := [p for p in group.paths if not os.access(p, os.R_OK)]):
        return Unseen(get_worker().address, paths)
    tell = _Teller(job.run)
    # The readers tell one watcher a process; and threads would not make Python read sooner.
    with _lock:
        return _worker_for(job).run([group], tell)


_lock = Lock()
_last: tuple[Job, Worker] | None = None


def _worker_for(job: Job) -> Worker:
    """The worker of the last group, if that was of the same job: it knows prices already."""
    global _last
    if _last is None or _last[0] != job:
        _last = None
        _last = job, _make_worker(job)
    return _last[1]


def _make_worker(job: Job) -> Worker:
    folder = CardFolder(job.folder)
    if folder.store.missing([job.mark]):
        msg = (
            f"{folder.where} is another folder there than here: cards need a folder that all "
            "machines have at the same path, or object storage"
        )
        raise EngineError(msg)
    if fingerprint(job.settings) != job.made:
        msg = "the price file is another one there than here"
        raise EngineError(msg)
    return Worker(make_compiler(job.settings), folder)


class _Cancelled(BaseException):
    """Nobody waits for the group any more. No ``Exception``: that would be a problem of a file."""


class _Teller:
    """Tells the run what was read, and ends the task if the run was cancelled.

    Args:
        run: its name.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._worker = get_worker()
        self._key = self._worker.get_current_task()

    def __call__(self, size: int) -> None:
        task = self._worker.state.tasks.get(self._key)
        if task is None or task.state == "cancelled":
            raise _Cancelled
        self._worker.log_event(TOPIC, (self._run, size))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
