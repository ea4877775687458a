"""Points 22 to 24 and 26: what receivers make of spans."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector import otlp, peers
from tests.collector.peers import JSON, PROTOBUF, export, post
from tests.conformance.checklist import may, must, should
from tests.conformance.target import Target, only_ours
from tests.conformance.wire import call, response_in

IDS: dict[str, dict[str, bytes]] = {
    "a short trace id": {"trace_id": b"\1" * 8},
    "a long trace id": {"trace_id": b"\1" * 17},
    "no trace id": {"trace_id": b""},
    "a trace id of zeros": {"trace_id": bytes(16)},
    "a short span id": {"span_id": b"\1" * 7},
    "a long span id": {"span_id": b"\1" * 16},
    "no span id": {"span_id": b""},
    "a span id of zeros": {"span_id": bytes(8)},
}


def with_ids(trace: int, ids: dict[str, bytes]) -> ExportTraceServiceRequest:
    """A span with these ids, and one that is as it should be."""
    wrong = otlp.llm(3, trace)
    for name, value in ids.items():
        setattr(wrong, name, value)
    return otlp.request(wrong, otlp.llm(2, trace))


@should(22)
@pytest.mark.parametrize("way", ["gRPC", PROTOBUF, JSON])
@pytest.mark.parametrize("name", IDS)
def test_a_span_is_rejected_alone_that_has(target: Target, trace: int, name: str, way: str) -> None:
    made = with_ids(trace, IDS[name])
    if way == "gRPC":
        answer = export(target.grpc, made.SerializeToString())
    else:
        content = otlp.as_json(made) if way == JSON else made.SerializeToString()
        answer = response_in(post(target.http, content, content_type=way), way)
    assert answer.partial_success.rejected_spans == 1
    for landed in target.arrived(trace):
        assert landed.span.span_id == otlp.llm(2).span_id


ENVELOPES = {
    "no scope": {"resourceSpans": [{"resource": {}}]},
    "no span": {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "tests"}}]}]},
    "nothing": {"resourceSpans": [{}, {"scopeSpans": [{}]}]},
}


@should(23)
@pytest.mark.parametrize("name", ENVELOPES)
def test_an_envelope_is_accepted_that_has(target: Target, name: str) -> None:
    content = json.dumps(ENVELOPES[name]).encode()
    assert post(target.http, content, content_type=JSON).status == 200


@should(23)
def test_empty_envelopes_are_accepted_in_protobuf(target: Target) -> None:
    for content in (b"\x0a\x00", b"\x0a\x02\x12\x00", b"\x0a\x00" * 3):
        assert call(target.grpc, content).code == "OK"
        assert post(target.http, content).status == 200


def send_five_times(target: Target, spans: list[Span]) -> None:
    """In every encoding, in another order, and two in one request."""
    made = otlp.request(*spans)
    export(target.grpc, otlp.body(*reversed(spans)))
    post(target.http, gzip.compress(made.SerializeToString()), encoding="gzip")
    post(target.http, otlp.as_json(made), content_type=JSON)
    export(target.grpc, otlp.body(*spans, *spans), packed=True)


def card_text(cards: Path, trace: int) -> str:
    """Wait for the card of a trace whose root has ended."""
    peers.card(cards, trace, where=peers.is_complete)
    return (cards / f"{otlp.trace_id(trace)}.yaml").read_text()


@should(24)
def test_what_is_sent_five_times_counts_once(target: Target, trace: int) -> None:
    cards, once, later = only_ours(target), target.trace("once"), target.trace("later")
    export(target.grpc, otlp.body(*otlp.run(once)))
    send_five_times(target, otlp.run(trace))
    first = card_text(cards, trace)
    assert first.replace(otlp.trace_id(trace), "") == card_text(cards, once).replace(
        otlp.trace_id(once), ""
    )
    send_five_times(target, otlp.run(trace))
    export(target.grpc, otlp.body(*otlp.run(later)))
    card_text(cards, later)
    assert card_text(cards, trace) == first


@should(24)
def test_what_is_sent_five_times_is_sent_on_as_it_was(target: Target, trace: int) -> None:
    """Our service sends it on once; a receiver that remembers nothing cannot."""
    later = target.trace("sent later")
    send_five_times(target, otlp.run(trace))
    export(target.grpc, otlp.body(otlp.llm(2, later)))
    target.landed(later)
    spans = {landed.span.SerializeToString() for landed in target.landed(trace, 5)}
    assert spans == {span.SerializeToString() for span in otlp.run(trace)}
    assert len(target.landed(trace)) == 5 or not target.own


def open_span(trace: int) -> Span:
    """A call that has not ended, as some libraries send it when it starts."""
    made = otlp.llm(2, trace, 1)
    made.end_time_unix_nano = 0
    return made


def pending_span(trace: int) -> Span:
    """What Logfire sends when a span starts: a span of its own below it, which takes no time."""
    made = otlp.llm(77, trace, 2, logfire__span_type="pending_span")
    made.start_time_unix_nano = made.end_time_unix_nano = otlp.llm(2).start_time_unix_nano
    return made


@should(26)
@pytest.mark.parametrize("opening", [open_span, pending_span], ids=["open", "pending"])
def test_a_call_that_was_sent_when_it_started_counts_once(
    target: Target, trace: int, opening: Callable[[int], Span]
) -> None:
    cards = only_ours(target)
    export(target.grpc, otlp.body(opening(trace)))
    export(target.grpc, otlp.body(*otlp.run(trace)))
    card = peers.card(cards, trace, where=peers.is_complete)
    once = trace ^ 1
    export(target.grpc, otlp.body(*otlp.run(once)))
    assert card["total"] == peers.card(cards, once, where=peers.is_complete)["total"]


@may(26)
def test_the_end_of_an_open_span_comes_out_behind(target: Target, trace: int) -> None:
    export(target.grpc, otlp.body(open_span(trace)))
    target.landed(trace)
    export(target.grpc, otlp.body(otlp.llm(2, trace, 1)))
    spans = [landed.span.end_time_unix_nano for landed in target.landed(trace, 2)]
    assert spans == [0, otlp.llm(2).end_time_unix_nano]


@must(26)
def test_an_open_span_is_accepted(target: Target, trace: int) -> None:
    assert call(target.grpc, otlp.body(open_span(trace))).code == "OK"
