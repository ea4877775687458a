"""The steps of traces that are not complete yet; in memory, and on disk when they are many."""

from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from clawtrace_otel.collector.journal.interface import Delivery
from clawtrace_otel.collector.journal.sqlite import SqliteJournal
from clawtrace_otel.importers.importer import Told
from clawtrace_otel.semconv.step import Evaluation, Step
from clawtrace_otel.tracecard.joined_traces import JoinedTraces

MAX_STEPS = 50_000
"""Steps kept in memory; beyond it all go to a temporary file."""

MAX_LONE_CALLS = 50_000
"""Calls outside of any agent that are remembered, to be compared with their like."""


class TraceStore:
    """Collects steps by trace. To be used in a ``with`` statement: it may hold a temporary file.

    Args:
        max_steps: kept in memory.
    """

    def __init__(self, max_steps: int = MAX_STEPS) -> None:
        self._max_steps = max_steps
        self._kept = 0
        self._joined = JoinedTraces(MAX_LONE_CALLS)
        self._order: dict[str, None] = {}
        self._lone: set[str] = set()
        self._steps: dict[str, list[Step]] = {}
        self._told: dict[str, list[Evaluation]] = {}
        self._folder: TemporaryDirectory[str] | None = None
        self._spilled: SqliteJournal | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._spilled is not None:
            self._spilled.close()
        if self._folder is not None:
            self._folder.cleanup()

    def add(self, step: Step) -> None:
        """Keep a step."""
        self._order[step.trace_id] = None
        self._steps.setdefault(step.trace_id, []).append(step)
        self._joined.add(step)
        if step.kind == "llm" and not step.parent_id:
            self._lone.add(step.trace_id)
        self._kept += 1
        if self._kept > self._max_steps:
            self._spill()

    def tell(self, told: Told) -> None:
        """Keep an evaluation."""
        self._told.setdefault(told.trace_id, []).append(told.evaluation)

    def traces(self) -> list[str]:
        """The ids of the traces, in the order in which they were met."""
        return list(self._order)

    def same(self, trace_id: str) -> list[str]:
        """The traces that are one run, this one among them; the card is that of the first."""
        return self._joined.traces(trace_id)

    def holds(self, trace_id: str) -> bool:
        """Whether there is anything of a trace."""
        return trace_id in self._order

    def is_lone(self, trace_id: str) -> bool:
        """Whether a call of the trace could be a call of another trace, too."""
        return trace_id in self._lone

    def take(self, trace_id: str) -> tuple[list[Step], list[Evaluation]]:
        """All that is known of a trace; it is forgotten, but for its place and its lone call."""
        kept = self._steps.pop(trace_id, [])
        self._kept -= len(kept)
        told = self._told.pop(trace_id, [])
        if self._spilled is None:
            return kept, told
        return self._spilled.steps(trace_id) + kept, told

    def forget(self, trace_id: str) -> None:
        """Forget that there was a trace."""
        self._order.pop(trace_id, None)
        self._lone.discard(trace_id)

    def _spill(self) -> None:
        if self._spilled is None:
            self._folder = TemporaryDirectory(prefix="clawtrace-")
            self._spilled = SqliteJournal(Path(self._folder.name) / "steps.db")
        self._spilled.append(Delivery(steps=self._steps))
        self._steps = {}
        self._kept = 0
