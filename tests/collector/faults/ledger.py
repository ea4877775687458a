"""What was acknowledged, held against what is in cards, in the journal and at the forward sink."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clawtrace_otel.collector.journal.names import split_name
from clawtrace_otel.collector.journal.sqlite import SqliteJournal
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths, read_card
from clawtrace_otel.tracecard.tree import unique
from tests.collector import otlp
from tests.collector.faults.workload import ROOT


class Sums(NamedTuple):
    """What the cards of a trace say of its spans."""

    llm_calls: int = 0
    tool_calls: int = 0
    steps: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


def add(one: Sums, other: Sums) -> Sums:
    """Both together."""
    return Sums(*(a + b for a, b in zip(one, other, strict=True)))


@dataclass(slots=True)
class Acknowledged:
    """What was acknowledged of a trace.

    Attributes:
        numbers: of its spans, as bits.
        sums: that its cards must have together.
    """

    numbers: int = 0
    sums: Sums = field(default_factory=Sums)

    def add(self, span: Span) -> None:
        """A span was acknowledged, for the first time or again."""
        bit = 1 << number_of(span.span_id)
        if not self.numbers & bit:
            self.numbers |= bit
            self.sums = add(self.sums, _sums_of_span(span))


@dataclass(slots=True)
class Balance:
    """How it came out.

    Attributes:
        spans: that were acknowledged.
        in_cards: spans of traces whose cards have them all, exactly once.
        problems: a line for each trace that is not as it must be.
    """

    spans: int = 0
    in_cards: int = 0
    lost: int = 0
    duplicated: int = 0
    problems: list[str] = field(default_factory=list)


class Ledger:
    """Takes down what is acknowledged. May be used by several threads."""

    def __init__(self) -> None:
        self.traces: dict[str, Acknowledged] = {}
        self._lock = threading.Lock()

    def acknowledged(self, spans: Iterable[Span]) -> None:
        """Spans were acknowledged."""
        with self._lock:
            for span in spans:
                self.traces.setdefault(span.trace_id.hex(), Acknowledged()).add(span)

    def spans(self) -> int:
        """How many spans were acknowledged."""
        return sum(trace.numbers.bit_count() for trace in self.traces.values())

    def balance(self, cards: Path, journal: Path | None = None) -> Balance:
        """Read all cards, and the journal if it is given; the service must have stopped.

        The cards show all calls and steps. Spans that are no steps are looked up in the journal.
        """
        result = Balance(spans=self.spans())
        found = sums_of_cards(cards, result.problems)
        kept = spans_of_journal(journal) if journal else None
        for trace_id, trace in self.traces.items():
            sums = found.pop(trace_id, Sums())
            self._compare(trace_id, trace, sums, kept, result)
        for trace_id in found:
            result.duplicated += found[trace_id].steps + 1
            result.problems.append(f"{trace_id}: has a card, and nothing of it was acknowledged")
        return result

    def _compare(
        self,
        trace_id: str,
        trace: Acknowledged,
        sums: Sums,
        kept: dict[str, Counter[int]] | None,
        result: Balance,
    ) -> None:
        # A trace without calls has no card, though it may have agents.
        expected = trace.sums if trace.sums.llm_calls or trace.sums.tool_calls else Sums()
        lost = max(0, expected.steps - sums.steps)
        doubled = max(0, sums.steps - expected.steps)
        if sums != expected:
            lost += not (lost or doubled)
            result.problems.append(f"{trace_id}: {sums} on cards, {expected} acknowledged")
        elif kept is not None:
            lost, doubled = _difference(trace.numbers, kept.get(trace_id, Counter()))
            if lost or doubled:
                result.problems.append(f"{trace_id}: {lost} lost, {doubled} doubled in the journal")
        result.lost += lost
        result.duplicated += doubled
        if not lost and not doubled:
            result.in_cards += trace.numbers.bit_count()

    def check(self, cards: Path, journal: Path | None = None) -> None:
        """Every acknowledged span is in exactly one card."""
        result = self.balance(cards, journal)
        found = (result.lost, result.duplicated, result.problems[:5])
        assert found == (0, 0, []), found
        assert result.in_cards == result.spans > 0


def sums_of_cards(folder: Path, problems: list[str]) -> dict[str, Sums]:
    """Trace id -> the sums of all its cards. Cards that do not say complete are problems."""
    sums: dict[str, Sums] = {}
    for path in card_paths(folder):
        card = read_card(path)
        trace_id, part = split_name(path.stem)
        if part == 1 and card["status"] != "complete":
            problems.append(f"{path.name}: status {card['status']}")
        sums[trace_id] = add(sums.get(trace_id, Sums()), _sums_of_card(card))
    return sums


def spans_of_journal(path: Path) -> dict[str, Counter[int]]:
    """Trace id -> number of each span -> how many parts have it."""
    journal = SqliteJournal(path)
    try:
        found: dict[str, Counter[int]] = {}
        for name in _names(journal):
            numbers = found.setdefault(split_name(name)[0], Counter())
            numbers.update(int(step.span_id, 16) for step in unique(journal.steps(name)))
        return found
    finally:
        journal.close()


def check_forwarded(ledger: Ledger, requests: Sequence[bytes], taken: Sequence[bytes]) -> int:
    """Every acknowledged span was sent on, in one request; that was re-sent the same if at all.

    Args:
        ledger: what was acknowledged.
        requests: all that came to the sink.
        taken: those of them that it took.

    Returns:
        How many requests were sent more than once.
    """
    assert set(taken) <= set(requests)
    distinct = dict.fromkeys(taken)
    numbers: dict[str, Counter[int]] = {}
    for span in otlp.spans_of(list(distinct)):
        numbers.setdefault(span.trace_id.hex(), Counter())[number_of(span.span_id)] += 1
    for trace_id, trace in ledger.traces.items():
        assert _difference(trace.numbers, numbers.pop(trace_id, Counter())) == (0, 0), trace_id
    assert not numbers
    return sum(count > 1 for count in Counter(requests).values())


def count_taken(taken: Sequence[bytes]) -> int:
    """How many different spans a sink took."""
    return len({(span.trace_id, span.span_id) for span in otlp.spans_of(taken)})


def number_of(span_id: bytes) -> int:
    """The number of a span."""
    return int.from_bytes(span_id, "big")


def _difference(numbers: int, found: Counter[int]) -> tuple[int, int]:
    """How many of the numbers, given as bits, are missing, and how many there are too many."""
    lost = sum(not found[n] for n in _bits(numbers))
    doubled = sum(count - (numbers >> n & 1) for n, count in found.items() if count)
    return lost, doubled


def _bits(numbers: int) -> Iterator[int]:
    return (n for n in range(numbers.bit_length()) if numbers >> n & 1)


def _names(journal: SqliteJournal) -> list[str]:
    rows = journal.query("SELECT trace, part FROM traces")
    return [f"{bytes(t).hex()}-{part}" if part > 1 else bytes(t).hex() for t, part in rows]


def _sums_of_span(span: Span) -> Sums:
    attributes = otlp.attributes_of(span)
    operation = attributes.get("gen_ai.operation.name")
    if operation == "chat":
        tokens = (attributes[f"gen_ai.usage.{way}_tokens"] for way in ("input", "output"))
        return Sums(1, 0, 1, *(int(str(n)) for n in tokens))
    if operation == "execute_tool":
        return Sums(0, 1, 1)
    is_helper = operation == "invoke_agent" and number_of(span.span_id) != ROOT
    return Sums(0, 0, int(is_helper))


def _sums_of_card(card: Card) -> Sums:
    total = card["total"]
    return Sums(
        total["llm_calls"],
        total["tool_calls"],
        len(card["steps"]) + card.get("folded", {}).get("steps", 0),
        total["tokens"]["input"],
        total["tokens"]["output"],
    )
