"""What the tests of faults rest on: the ledger finds what is lost and what is doubled."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector import otlp, peers
from tests.collector.faults import workload
from tests.collector.faults.ledger import Ledger, check_forwarded, number_of
from tests.collector.peers import InProcess, export

SPANS = workload.trace(1, 40, random.Random(1))


@pytest.fixture(name="service")
def _service(tmp_path: Path) -> InProcess:
    """A service that has stopped; a trace is on its card."""
    with InProcess(tmp_path) as service:
        for request in workload.requests(SPANS, 7):
            export(service.grpc, request.body)
        peers.card(service.cards, where=peers.is_complete)
    return service


def ledger() -> Ledger:
    made = Ledger()
    made.acknowledged(SPANS)
    made.acknowledged(SPANS[:9])
    return made


def card(service: InProcess, part: str = "") -> Path:
    return service.cards / f"{otlp.trace_id(1)}{part}.yaml"


def test_a_trace_that_is_complete_is_balanced(service: InProcess) -> None:
    ledger().check(service.cards, service.journal)
    assert ledger().balance(service.cards, service.journal).in_cards == 40


@pytest.mark.parametrize("kind", [otlp.llm, otlp.tool, otlp.span])
def test_a_span_that_is_on_no_card_is_lost(service: InProcess, kind: Callable[..., Span]) -> None:
    books = ledger()
    books.acknowledged([kind(99, 1, 1)])
    found = books.balance(service.cards, service.journal)
    assert (found.spans, found.lost, found.duplicated, found.in_cards) == (41, 1, 0, 0)


def test_a_card_that_is_gone_is_a_loss(service: InProcess) -> None:
    card(service).unlink()
    assert ledger().balance(service.cards).lost > 20


def test_a_card_that_is_there_twice_is_a_double(service: InProcess) -> None:
    shutil.copy(card(service), card(service, "-2"))
    found = ledger().balance(service.cards, service.journal)
    assert found.duplicated > 20
    assert found.lost == 0


def test_a_call_in_the_place_of_another_is_found(service: InProcess) -> None:
    """There are as many calls as there must be, but one is lost and one is doubled."""
    changed = [otlp.llm(n, 1, 1) if n == first_call() else span for n, span in numbered(SPANS)]
    books = Ledger()
    books.acknowledged(changed)
    found = books.balance(service.cards, service.journal)
    assert (found.lost, found.in_cards) == (1, 0)


def numbered(spans: list[Span]) -> list[tuple[int, Span]]:
    return [(number_of(span.span_id), span) for span in spans]


def first_call() -> int:
    calls = (n for n, s in numbered(SPANS) if "gen_ai.usage.input_tokens" in otlp.attributes_of(s))
    return next(calls)


def test_a_span_that_was_not_sent_on_or_in_two_requests_is_found() -> None:
    whole, part = otlp.body(*SPANS), otlp.body(SPANS[0])
    assert check_forwarded(ledger(), [whole, whole], [whole, whole]) == 1
    for taken in ([otlp.body(*SPANS[1:])], [whole, part]):
        with pytest.raises(AssertionError):
            check_forwarded(ledger(), taken, taken)
