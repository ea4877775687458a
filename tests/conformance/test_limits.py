"""Points 7 and 8: how large requests and answers may be."""

import functools
import gzip
import io
import json
from collections.abc import Callable

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clawtrace_otel.settings import default
from tests.collector import otlp
from tests.collector.peers import JSON, PROTOBUF, Answer, export, post
from tests.conformance.checklist import must, should
from tests.conformance.target import Target, only_ours
from tests.conformance.wire import RETRYABLE, call, post_large, status_in

MIB = 1 << 20
MAX_ANSWER = 4 * MIB
BOMB = 256 * MIB

KINDS = pytest.mark.parametrize("kind", [PROTOBUF, JSON])
ENCODINGS = pytest.mark.parametrize("encoding", [None, "gzip"])


def padded(size: int, trace: int = 1, kind: str = PROTOBUF) -> bytes:
    """A valid request of just so many bytes."""
    made = otlp.request(otlp.llm(2, trace, note="x" * size))
    for _ in range(4):  # the lengths that stand before texts have lengths themselves
        content = made.SerializeToString() if kind == PROTOBUF else otlp.as_json(made)
        value = made.resource_spans[0].scope_spans[0].spans[0].attributes[-1].value
        value.string_value = "x" * (len(value.string_value) + size - len(content))
        if len(content) == size:
            return content
    msg = f"no request has {size} bytes"
    raise AssertionError(msg)


def post_over(target: Target, kind: str, encoding: str | None) -> Answer:
    content = padded(target.limit + 1, kind=kind)
    sent = gzip.compress(content, 1) if encoding else content
    return post_large(target.http, sent, kind, encoding)


@must(7)
@KINDS
@ENCODINGS
def test_a_request_over_the_limit_is_answered_413(
    limited: Target, kind: str, encoding: str | None
) -> None:
    assert post_over(limited, kind, encoding).status == 413


@must(7)
@KINDS
@ENCODINGS
def test_a_request_over_the_limit_is_not_tried_again(
    limited: Target, kind: str, encoding: str | None
) -> None:
    answer = post_over(limited, kind, encoding)
    assert 400 <= answer.status < 600
    assert answer.status not in RETRYABLE
    assert "Retry-After" not in answer.headers


@must(7)
@KINDS
def test_a_request_over_the_limit_is_answered_with_a_status(limited: Target, kind: str) -> None:
    assert status_in(post_over(limited, kind, "gzip"), kind).message


@must(7)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_an_export_over_the_limit_exhausts_a_resource_for_good(
    limited: Target, packed: bool
) -> None:
    outcome = call(limited.grpc, padded(limited.limit + 1), packed=packed)
    assert (outcome.code, outcome.retry) == ("RESOURCE_EXHAUSTED", None)


@functools.cache
def bomb() -> bytes:
    """256 MiB in half a megabyte."""
    packed = io.BytesIO()
    with gzip.open(packed, "wb", 6) as file:
        for _ in range(BOMB // MIB):
            file.write(bytes(MIB))
    return packed.getvalue()


@must(7)
@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_a_small_body_that_unpacks_to_256_mib_is_refused(target: Target, kind: str) -> None:
    assert len(bomb()) < MIB
    answer = post(target.http, bomb(), content_type=kind, encoding="gzip")
    assert 400 <= answer.status < 500
    target.check_alive()


@must(7)
@KINDS
def test_a_request_of_just_the_limit_is_taken(limited: Target, kind: str) -> None:
    only_ours(limited)
    content = padded(limited.limit, kind=kind)
    for encoding in (None, "gzip"):
        sent = gzip.compress(content, 1) if encoding else content
        assert post(limited.http, sent, content_type=kind, encoding=encoding).status == 200
    if kind == PROTOBUF:
        export(limited.grpc, content, packed=True)


@must(7)
def test_our_limit_is_the_recommended_one_unless_set() -> None:
    assert default("max_request_bytes") == 64 * MIB


@should(7)
@pytest.mark.slow
def test_a_request_of_63_mib_is_taken_by_default(target: Target, trace: int) -> None:
    content = padded(63 * MIB, trace)
    assert post_large(target.http, content, PROTOBUF, None).status == 200
    assert call(target.grpc, content).code == "OK"
    target.arrived(trace)


def without_ids(kind: str) -> bytes:
    """A request of 100,000 spans that must all be rejected."""
    made = otlp.request(*[Span(name="bad", span_id=bytes(3))] * 100_000)
    return otlp.as_json(made) if kind == JSON else made.SerializeToString()


def with_start(value: object) -> bytes:
    """A request in JSON whose span starts at any value."""
    span = {"startTimeUnixNano": value}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


LONG = 5 * MIB

MISTAKES: dict[str, Callable[[str], bytes]] = {
    "many rejected": without_ids,
    "a long value": lambda kind: {
        JSON: json.dumps({"resourceSpans": "x" * LONG}).encode(),
        PROTOBUF: b"\x0a\x04" + b"\xff" * LONG,
    }[kind],
    "a long number": lambda kind: {
        JSON: with_start("x" * LONG),
        PROTOBUF: b"\x0a" + b"\xff" * LONG,
    }[kind],
}


@must(8)
@KINDS
@pytest.mark.parametrize("name", MISTAKES)
def test_the_answer_to_a_long_mistake_is_short(target: Target, kind: str, name: str) -> None:
    content = MISTAKES[name](kind)
    if len(content) > target.limit:
        pytest.skip("the receiver takes no requests so long")
    answer = post(target.http, content, content_type=kind)
    assert answer.status in (200, 400), answer.status
    assert len(answer.body) <= MAX_ANSWER


@must(8)
@pytest.mark.parametrize("name", MISTAKES)
def test_the_answer_to_a_long_mistake_is_short_over_grpc(target: Target, name: str) -> None:
    outcome = call(target.grpc, MISTAKES[name](PROTOBUF))
    assert outcome.code != "UNAVAILABLE", outcome.message[:200]
    assert len(outcome.body) + len(outcome.message) <= MAX_ANSWER
