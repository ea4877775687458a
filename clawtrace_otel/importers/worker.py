"""Compiles groups into a folder of cards, in this process."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from clawtrace_otel.exporters.card_folder import CardFolder, CardMark
from clawtrace_otel.importers.card_keeper import CardKeeper
from clawtrace_otel.importers.compile_group import Summary, compile_records, read
from clawtrace_otel.importers.formats.reading import watched_by
from clawtrace_otel.importers.plan import Group
from clawtrace_otel.importers.registry import importer
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler

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


class Runner(Protocol):
    """Compiles groups, somewhere."""

    def run(self, groups: list[Group]) -> Iterator[tuple[Group, Result]]:
        """Compile groups; each comes with what became of it, in any order.

        Raises:
            ClawTraceError: a card cannot be written.
            ModuleNotFoundError: packages of an extra are missing.
        """


class Here:
    """Compiles groups in this process, one after another.

    Args:
        worker: to be used.
        tell: is called with numbers of bytes that were read.
    """

    def __init__(self, worker: Worker, tell: Callable[[int], None]) -> None:
        self._worker = worker
        self._tell = tell

    def run(self, groups: list[Group]) -> Iterator[tuple[Group, Result]]:
        """See :class:`Runner`."""
        for group in groups:
            yield group, self._worker.run([group], self._tell)


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
