"""What a journal promises to those who use it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from clawtrace_otel.exporters.card_folder import CardMark
from clawtrace_otel.semconv.step import Evaluation, Step


class Place(NamedTuple):
    """Where a delivery stands.

    Attributes:
        part: which card of its trace it goes to; 1 unless the trace was removed or is very long.
        number: how many deliveries of this part came up to this one, itself included.
        late: the trace was closed before.
    """

    part: int = 1
    number: int = 0
    late: bool = False


@dataclass(slots=True)
class Delivery:
    """What one commit brings.

    Attributes:
        steps: by trace id.
        evaluations: (trace id, evaluation) pairs from log records.
        forwards: encoded requests to be sent on.
        known: trace id -> the delivery up to which ``forwards`` take account of the trace. Traces
            that are not in it may be further than that.
    """

    steps: dict[str, list[Step]] = field(default_factory=dict)
    evaluations: list[tuple[str, Evaluation]] = field(default_factory=list)
    forwards: list[bytes] = field(default_factory=list)
    known: dict[str, Place] = field(default_factory=dict)

    def traces(self) -> list[str]:
        """The ids of all traces that it changes."""
        return list(dict.fromkeys([*self.steps, *(trace for trace, _ in self.evaluations)]))


@dataclass(frozen=True, slots=True)
class TraceRecord:
    """All that the journal holds of a trace, or of one part of it.

    Attributes:
        changes: deliveries so far.
        compiled: deliveries that the last card knew.
        damaged: deliveries that can no longer be read.
        mark: of the last card.
        card: name of the card that the trace shares with others; "" if it shares none.
        removed: its steps were removed, the time to keep them being over.
    """

    steps: list[Step] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    changes: int = 0
    compiled: int = 0
    damaged: int = 0
    mark: CardMark = field(default_factory=CardMark)
    card: str = ""
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What is remembered of a trace whose card was written.

    Attributes:
        changes: deliveries that the card knows.
        card: name of the card that the trace shares with others; "" if it shares none.
        session: conversation id; ``None`` if it is as before.
        cost: of the card in 1e-12 USD, 0 for a trace that is on another one's card; ``None`` if it
            is as before.
        at: Unix seconds.
    """

    changes: int
    mark: CardMark
    card: str = ""
    session: str | None = None
    cost: int | None = None
    at: float = 0.0


OnOthers = Callable[[dict[str, Place]], None]
"""Is told of traces that others added to since they were looked at, and where a delivery stands."""


class Journal(Protocol):
    """A journal. Its methods may be called by several threads.

    A *name* is that of a card, which is the trace id or, for a further part of a trace, the trace
    id and the number of the part (:mod:`clawtrace_otel.collector.journal.names`).

    Every method raises :class:`clawtrace_otel.errors.JournalError` if the journal cannot be read or
    written; nothing of what it was to write is kept then.

    Attributes:
        shared: other processes may write to it, too.
        where: its address, without passwords.
    """

    shared: bool
    where: str

    def append(
        self, delivery: Delivery, on_others: OnOthers | None = None
    ) -> dict[str, list[Place]]:
        """Commit a delivery; when this returns, it is durable.

        Args:
            delivery: what to commit.
            on_others: is called before the commit if others added to traces beyond what is
                ``known`` of them. It may change ``forwards``; nobody adds to them meanwhile.

        Returns:
            Where the delivery of each trace stands: in one place, unless a part becomes full by it.
        """

    def latest(self, trace_id: str, known: Place | None = None) -> tuple[Place, list[Step]]:
        """What the part of a trace that is being filled holds, beyond what is known of it."""

    def latest_of(self, known: dict[str, Place | None]) -> dict[str, tuple[Place, list[Step]]]:
        """What :meth:`latest` says of several traces; those that take a while may be left out."""

    def before(self, trace_id: str, place: Place) -> list[Step]:
        """What the part of a trace held before a delivery."""

    def holds_span(self, trace_id: str, span_id: str) -> bool:
        """Whether an earlier part of a very long trace has a span."""

    def steps(self, name: str) -> list[Step]:
        """The steps of a trace, in the order in which they were delivered."""

    def read(self, name: str) -> TraceRecord:
        """All that is known of a trace."""

    def card_of(self, name: str) -> str:
        """The name of the card that a trace shares with others; "" if it shares none."""

    def sharing(self, card: str) -> list[str]:
        """The names that share a card."""

    def of_session(self, session: str, limit: int) -> list[str]:
        """The names of traces that have a card with a conversation id, the latest first."""

    def claim(self, name: str) -> bool:
        """Take the right to write a card; ``False`` if another replica has it."""

    def confirm(self, name: str) -> None:
        """Make sure that the right to write a card was not lost with a connection."""

    def release(self, name: str) -> None:
        """Give back the right to write a card."""

    def save(self, name: str, written: Written) -> None:
        """Remember the card that was written, and how many deliveries it knew."""

    def mark_closed(self, names: Iterable[str], at: float) -> None:
        """Traces whose cards were written are closed, at a time in Unix seconds."""

    def set_aside(self, name: str) -> str:
        """Keep the card of a damaged trace; what it does not know goes to a new part.

        Returns:
            The name of the new part.
        """

    def unfinished(self) -> list[str]:
        """The names of all that is open, or has changed since the last card."""

    def next_forward(self) -> tuple[int, bytes] | None:
        """The oldest request that is still to be sent on, with its id. It is claimed."""

    def forwarded(self, forward_id: int) -> None:
        """Forget a request that was sent on."""

    def release_forward(self) -> None:
        """Give back the request that was claimed."""

    def forward_backlog(self) -> tuple[int, int]:
        """How many requests are to be sent on, and their bytes."""

    def expired(self, before: float, limit: int) -> list[str]:
        """Names that were closed before a time in Unix seconds, and have not changed since."""

    def remove(self, names: Iterable[str]) -> None:
        """Remove all that is known of traces but that they were there."""

    def removed(self, after: str, limit: int) -> list[str]:
        """Names that were removed, in order."""

    def forget(self, names: Iterable[str]) -> None:
        """Forget that traces were there."""

    def size(self) -> int:
        """Bytes that it takes."""

    def close(self) -> None:
        """Close all connections."""
