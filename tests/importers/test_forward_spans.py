"""Imported spans, enriched and sent to a real receiver."""

from collections.abc import Iterable
from dataclasses import replace

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clawtrace_otel.errors import ClawTraceError, ConfigError
from clawtrace_otel.importers import forward_spans
from clawtrace_otel.importers.compile_group import compile_records, read
from clawtrace_otel.importers.formats.otlp_file import IMPORTER
from clawtrace_otel.importers.forward_spans import SpanForwarder
from clawtrace_otel.otlp.encode import encode_request
from clawtrace_otel.otlp.traces import decode_traces
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.span import Event, Span
from clawtrace_otel.tracecard.compile import Compiler
from tests.collector.sinks import GrpcAnswer, GrpcSink, HttpAnswer, HttpSink, free_port
from tests.importers.captures import FIXTURE, SPANS
from tests.importers.compile_files import compile_files
from tests.importers.records import read_file

OURS = "clawtrace."


def forward(url: str, times: int = 1, give_up_seconds: float = 30) -> SpanForwarder:
    """Compile the fixture and forward its spans."""
    with SpanForwarder(url, Compiler(), give_up_seconds) as forwarder:
        for _ in range(times):
            compile_records(read(IMPORTER, [FIXTURE]), Compiler(), see=forwarder.see)
            forwarder.flush()
    return forwarder


def spans_of(bodies: list[bytes]) -> list[Span]:
    return [received.span for body in bodies for received in decode_traces(body).received]


def added(bodies: list[bytes], span_id: str, trace_id: str) -> dict[str, object]:
    """The attributes of a span that are ours."""
    for body in bodies:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    if (span.span_id.hex(), span.trace_id.hex()) == (span_id, trace_id):
                        return {
                            item.key: getattr(item.value, item.value.WhichOneof("value") or "")
                            for item in span.attributes
                            if item.key.startswith(OURS)
                        }
    raise KeyError(span_id)


def without_ours(span: Span) -> Span:
    kept = {key: value for key, value in span.attributes.items() if not key.startswith(OURS)}
    return replace(span, attributes=kept)


def by_id(spans: Iterable[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: (span.trace_id, span.span_id))


@pytest.mark.parametrize("times", [1, 2])
def test_every_span_arrives_once_as_it_was(times: int) -> None:
    with GrpcSink() as sink:
        forwarder = forward(sink.url, times)
    assert (forwarder.sent, forwarder.rejected) == (SPANS, 0)
    assert by_id(map(without_ours, spans_of(sink.taken))) == by_id(read_file(FIXTURE).spans)


def test_a_root_comes_after_its_children_with_the_sums_of_the_trace() -> None:
    with GrpcSink() as sink:
        forward(sink.url)
    spans = [span for span in spans_of(sink.taken) if span.trace_id.endswith("01")]
    assert [bool(span.parent_id) for span in spans] == [True] * 5 + [False]
    root = spans[-1]
    cards = compile_files([FIXTURE], Compiler()).cards
    (card,) = (card for card in cards if card["trace_id"] == root.trace_id)
    sums = added(sink.taken, root.span_id, root.trace_id)
    assert sums[a.CLAWTRACE_TRACE_LLM_CALLS] == card["total"]["llm_calls"] > 1
    assert sums[a.CLAWTRACE_TRACE_TOOL_CALLS] == card["total"]["tool_calls"]


def test_requests_have_a_bounded_number_of_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward_spans, "MAX_SPANS", 4)
    monkeypatch.setattr(forward_spans, "MAX_ROOTS", 1)
    with GrpcSink() as sink:
        forward(sink.url)
    assert [len(spans_of([body])) for body in sink.taken] == [4, 4, 4, 4, 1]


@pytest.mark.slow
def test_a_busy_receiver_is_waited_for() -> None:
    busy = GrpcAnswer(grpc.StatusCode.UNAVAILABLE)
    with GrpcSink(busy, busy) as sink:
        assert forward(sink.url).sent == SPANS
        assert len(sink.requests) == 3


def test_what_a_receiver_refuses_is_counted_with_the_reason() -> None:
    with HttpSink(HttpAnswer(400)) as sink:
        forwarder = forward(sink.url)
    assert (forwarder.sent, forwarder.rejected) == (0, SPANS)
    assert forwarder.reason == "HTTP 400"


@pytest.mark.slow
def test_a_receiver_that_is_not_there_is_given_up() -> None:
    with pytest.raises(ClawTraceError, match="took no spans for 1 s"):
        forward(f"http://127.0.0.1:{free_port()}", give_up_seconds=1)


def test_a_url_that_is_none_is_told_before_anything_is_read() -> None:
    with pytest.raises(ConfigError, match="forward is 'nowhere'"):
        SpanForwarder("nowhere", Compiler())


def test_a_span_of_any_importer_is_encoded_as_it_is() -> None:
    span = Span(
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
        "00f067aa0ba902b7",
        "execute_tool read_file",
        1,
        2,
        attributes={
            a.GEN_AI_TOOL_NAME: "read_file",
            a.GEN_AI_TOOL_CALL_ARGUMENTS: {"path": "a", "lines": [1, 2.5, True, None, b"x"]},
            a.GEN_AI_USAGE_INPUT_TOKENS: 2**70,
        },
        events=[Event(a.EXCEPTION_EVENT, {a.EXCEPTION_MESSAGE: "gone"})],
        failed=True,
        status_message="gone",
        scope="scope",
        service="service",
        links=[("0af7651916cd43dd8448eb211c80319d", "b7ad6b7169203332"), ("", "odd")],
    )
    (read_again,) = decode_traces(encode_request([(span, {a.GEN_AI_TOOL_NAME: "other"})])).received
    span.attributes = {**span.attributes, a.GEN_AI_USAGE_INPUT_TOKENS: str(2**70)}
    span.links = span.links[:1]
    assert read_again.span == span
