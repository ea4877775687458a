"""Compiles groups: in this process, or one after the other in a process of its own."""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Protocol

from clawtrace_otel.exporters.card_folder import CardFolder, CardMark
from clawtrace_otel.importers.card_keeper import CardKeeper
from clawtrace_otel.importers.compile_group import Summary, compile_records, read
from clawtrace_otel.importers.plan import Group
from clawtrace_otel.importers.reading import watched_by
from clawtrace_otel.importers.registry import importer
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.settings import Settings
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.factory import make_compiler

TOLD_BYTES = 1024 * 1024
"""Read before the watcher is told."""


@dataclass(slots=True)
class Result:
    """What became of a group.

    Attributes:
        before: the cards that stood there before, by trace id.
    """

    summary: Summary
    before: dict[str, CardMark]


class SpanWatcher(Protocol):
    """Is shown what is read."""

    def see(self, span: Span, step: Step) -> None:
        """A span, and what was read from it."""

    def flush(self) -> None:
        """A group has ended."""


class Worker:
    """Compiles groups into a folder.

    Args:
        compiler: makes the cards.
        folder: takes them.
        watcher: is shown each span.
    """

    def __init__(
        self,
        compiler: Compiler,
        folder: CardFolder,
        watcher: SpanWatcher | None = None,
    ) -> None:
        self._compiler = compiler
        self._folder = folder
        self._watcher = watcher

    def run(
        self,
        groups: Sequence[Group],
        tell: Callable[[int], None],
        known: Mapping[str, CardMark] | None = None,
    ) -> Result:
        """Compile groups as one: their traces are the same where their ids are.

        Args:
            groups: usually one.
            tell: is called with numbers of bytes that were read.
            known: what counts as the last cards, by trace id.

        Raises:
            ClawTraceError: a card cannot be written.
            ModuleNotFoundError: packages of an extra are missing.
        """
        keeper = CardKeeper(self._folder, known)
        records = chain.from_iterable(read(importer(g.kind), g.paths) for g in groups)
        see = self._watcher.see if self._watcher else None
        with watched_by(Rarely(tell)):
            summary = compile_records(
                records, self._compiler, keeper.keep, see, where=groups[0].paths[0]
            )
        if self._watcher is not None:
            self._watcher.flush()
        return Result(summary, keeper.before)


class Rarely:
    """Adds numbers up, and passes the sum on when it is worth a call."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._sum = 0

    def __call__(self, size: int) -> None:
        """Add a number."""
        self._sum += size
        if self._sum >= TOLD_BYTES:
            self._tell(self._sum)
            self._sum = 0


@dataclass(slots=True)
class _Here:
    """What this process has to work with."""

    worker: Worker
    count: Callable[[int], None]


_here: _Here | None = None


def start_worker(settings: Settings, folder: Path, counter: "Synchronized[int]") -> None:
    """Make the worker of this process.

    Args:
        settings: for the compiler.
        folder: of the cards.
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
