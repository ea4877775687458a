"""Deliveries with fixed ids, and what a journal says of them."""

from collections.abc import Iterable

from clawtrace_otel.collector.journal.interface import Delivery, Journal, Written
from clawtrace_otel.exporters.card_folder import CardMark
from clawtrace_otel.semconv.step import Evaluation, Step
from tests.collector.otlp import trace_id

A, B, C = (trace_id(n) for n in (1, 2, 3))


def span_id(n: int) -> str:
    """The n-th span id, in hex."""
    return f"{n:016x}"


def step(n: int, trace: str = A) -> Step:
    """The n-th step of a trace."""
    return Step(trace_id=trace, span_id=span_id(n), name=f"step {n}")


def steps(*numbers: int, trace: str = A) -> Delivery:
    """A delivery of steps of one trace."""
    return Delivery(steps={trace: [step(n, trace) for n in numbers]})


def told(name: str, trace: str = A) -> Delivery:
    """A delivery of an evaluation."""
    return Delivery(evaluations=[(trace, Evaluation(name=name))])


def forwards(*bodies: bytes) -> Delivery:
    """A delivery of requests to be sent on."""
    return Delivery(forwards=list(bodies))


def ids(found: Iterable[Step]) -> list[int]:
    """The numbers of steps."""
    return [int(one.span_id, 16) for one in found]


def close_card(journal: Journal, name: str, at: float = 100.0, card: str = "") -> None:
    """What the card writer does when it closes a trace."""
    record = journal.read(name)
    mark = CardMark(record.mark.revision, b"digest", closed=True)
    journal.save(name, Written(record.changes, mark, card, at=at))
