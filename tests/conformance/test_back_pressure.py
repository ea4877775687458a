"""Points 13 and 14: a receiver that has too much to do says so, and when to come again."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import partial

import pytest

from tests.collector import otlp, peers
from tests.collector.peers import PROTOBUF, Answer, post
from tests.conformance.checklist import may, must, should
from tests.conformance.target import Target
from tests.conformance.wire import RETRYABLE, Outcome, call, status_in

REQUESTS = 60
SPANS = 50
"""Of one request: so many that taking them takes a while."""

AGAIN = ("UNAVAILABLE", "ABORTED", "CANCELLED", "DEADLINE_EXCEEDED", "OUT_OF_RANGE", "DATA_LOSS")
"""gRPC codes after which a sender tries again."""


@dataclass
class Flood:
    """What became of many requests at the same time.

    Attributes:
        refused: the bodies that were not taken.
    """

    trace: int
    outcomes: list[Outcome] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)


@contextmanager
def under_pressure(target: Target) -> Iterator[None]:
    """Our service has no room; another one can send nothing on."""
    if target.sink and not target.own:
        target.sink.busy = True
    yield
    if target.sink:
        target.sink.busy = False


@pytest.fixture(scope="module", name="flood")
def _flood(busy: Target) -> Flood:
    made = Flood(busy.trace("flood"))

    def send(n: int) -> None:
        spans = (otlp.llm(n * SPANS + k + 1, made.trace) for k in range(SPANS))
        content = otlp.body(*spans)
        if n % 2:
            outcome = call(busy.grpc, content)
            taken = outcome.code == "OK"
            made.outcomes += [] if taken else [outcome]
        else:
            answer = post(busy.http, content)
            taken = answer.status == 200
            made.answers += [] if taken else [answer]
        made.refused += [] if taken else [content]

    with under_pressure(busy), ThreadPoolExecutor(12) as pool:
        list(pool.map(send, range(REQUESTS)))
    if not (made.outcomes and made.answers) and not busy.own:
        pytest.skip("the receiver takes everything, whatever waits behind it")
    assert made.outcomes
    assert made.answers
    return made


@should(13)
def test_what_is_refused_for_now_may_be_tried_again(flood: Flood) -> None:
    assert {outcome.code for outcome in flood.outcomes} <= set(AGAIN)
    assert {answer.status for answer in flood.answers} <= RETRYABLE


@must(13)
def test_what_is_refused_for_now_is_answered_with_a_status(flood: Flood) -> None:
    for answer in flood.answers:
        assert status_in(answer, PROTOBUF).message


@may(13)
def test_a_sender_is_told_how_long_to_wait_over_grpc(flood: Flood) -> None:
    for outcome in flood.outcomes:
        assert outcome.retry is not None
        assert outcome.retry.retry_delay.ToMilliseconds() > 0


@may(13)
def test_a_sender_is_told_how_long_to_wait_over_http(flood: Flood) -> None:
    """In seconds, or until when."""
    for answer in flood.answers:
        wait = answer.headers["Retry-After"]
        assert int(wait) > 0 if wait.isdigit() else parsedate_to_datetime(wait)


@should(14)
def test_back_pressure_is_unavailable(flood: Flood) -> None:
    assert {outcome.code for outcome in flood.outcomes} == {"UNAVAILABLE"}


@should(14)
def test_back_pressure_is_429_or_503(flood: Flood) -> None:
    assert {answer.status for answer in flood.answers} <= {429, 503}


def is_taken(target: Target, content: bytes) -> bool:
    """Whether there is room for a request now."""
    return call(target.grpc, content).code == "OK"


@must(14)
def test_what_was_refused_is_taken_later_and_nothing_came_twice(busy: Target, flood: Flood) -> None:
    for content in flood.refused:
        peers.until(partial(is_taken, busy, content))
    spans = busy.landed(flood.trace, REQUESTS * SPANS)
    time.sleep(0.2)
    assert len(busy.landed(flood.trace)) == len(spans) == REQUESTS * SPANS
