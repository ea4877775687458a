"""Spans sent on: complete, enriched, once, and again after a failure."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from clawtrace_otel.collector.forwarding.senders import make_sender
from clawtrace_otel.errors import ConfigError
from tests.collector import otlp, peers, sinks
from tests.collector.peers import InProcess, Program, export
from tests.collector.sinks import GrpcAnswer, GrpcSink, HttpAnswer, HttpSink

Sink = GrpcSink | HttpSink
ADDED = ("clawtrace.",)


@pytest.fixture(name="sink", params=[GrpcSink, HttpSink])
def _sink(request: pytest.FixtureRequest) -> Iterator[Sink]:
    with request.param() as sink:
        yield sink


def sent(sink: Sink, count: int) -> dict[int, Span]:
    """Wait for ``count`` spans, by number."""
    spans = peers.until(lambda: found if len(found := otlp.spans_of(sink.taken)) >= count else None)
    assert len(spans) == count
    return {int.from_bytes(span.span_id, "big"): span for span in spans}


def test_spans_are_sent_on_with_costs_and_repeats(tmp_path: Path, sink: Sink) -> None:
    with InProcess(tmp_path, forward=sink.url) as service:
        export(service.grpc, otlp.body(*otlp.run()))
        spans = sent(sink, 5)
        card = peers.card(service.cards, where=peers.is_complete)
    call, repeat, root = (otlp.attributes_of(spans[n]) for n in (2, 5, 1))
    assert call["clawtrace.cost.usd"] == card["steps"][0]["usd"]
    assert call["clawtrace.cost.source"] == "genai-prices"
    assert repeat["clawtrace.repeat.of"] == f"{3:016x}"
    assert repeat["clawtrace.repeat.kind"] == "equal"
    assert repeat["clawtrace.repeat.count"] == 2
    assert "clawtrace.repeat.verdict" in repeat
    assert root["clawtrace.trace.cost.usd"] == card["total"]["cost_usd"]
    assert root["clawtrace.trace.llm_calls"] == 2
    assert root["clawtrace.trace.tool_calls"] == 2


def test_everything_else_is_sent_on_as_it_came(tmp_path: Path, sink: Sink) -> None:
    original = rich_request()
    with InProcess(tmp_path, forward=sink.url) as service:
        export(service.grpc, original.SerializeToString())
        sent(sink, 2)
    (data,) = sink.taken
    forwarded = ExportTraceServiceRequest.FromString(data)
    for span in spans_in(forwarded):
        kept = [item for item in span.attributes if not item.key.startswith(ADDED)]
        assert len(kept) < len(span.attributes)
        del span.attributes[:]
        span.attributes.extend(kept)
    assert forwarded.SerializeToString() == original.SerializeToString()


def spans_in(request: ExportTraceServiceRequest) -> list[Span]:
    return [s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]


def rich_request() -> ExportTraceServiceRequest:
    """Two calls with all that a span can carry, and fields of a later protocol."""
    unknown = b"\xfa\x3f\x03new"  # field 1023, bytes
    one = otlp.llm(2, 1, 7)
    one.trace_state = "vendor=1"
    one.flags = 0x301
    one.kind = Span.SPAN_KIND_CLIENT
    one.dropped_attributes_count, one.dropped_events_count, one.dropped_links_count = 1, 2, 3
    one.links.add(trace_id=b"\1" * 16, span_id=b"\2" * 8, trace_state="l=1", flags=1)
    one.events.add(time_unix_nano=5, name="event", attributes=[otlp.key_value("a", 1)])
    one.status.CopyFrom(Status(message="no", code=Status.STATUS_CODE_ERROR))
    values = [AnyValue(bytes_value=b"\0\xff"), AnyValue(double_value=-0.0), AnyValue()]
    one.attributes.append(
        KeyValue(key="list", value=AnyValue(array_value=ArrayValue(values=values)))
    )
    one.attributes.append(otlp.key_value("list", "a key that is there twice"))
    one.MergeFromString(unknown)
    two = otlp.llm(3, 1, 2)
    made = otlp.request(one)
    (resource_spans,) = made.resource_spans
    resource_spans.schema_url = "https://opentelemetry.io/schemas/1.43.0"
    resource_spans.resource.dropped_attributes_count = 4
    resource_spans.resource.MergeFromString(unknown)
    resource_spans.scope_spans[0].schema_url = "https://opentelemetry.io/schemas/1.42.0"
    resource_spans.scope_spans[0].scope.version = "1"
    resource_spans.scope_spans[0].scope.attributes.append(otlp.key_value("s", 1))
    resource_spans.MergeFromString(unknown)
    other = made.resource_spans.add().scope_spans.add()
    other.spans.append(two)
    other.MergeFromString(unknown)
    made.MergeFromString(unknown)
    return made


def test_attributes_that_are_there_are_neither_changed_nor_doubled(
    tmp_path: Path, sink: Sink
) -> None:
    """As when the agent's process enriched the span already."""
    given = otlp.llm(1, clawtrace__cost__usd=9.5, clawtrace__trace__llm_calls=7)
    with InProcess(tmp_path, forward=sink.url) as service:
        export(service.grpc, otlp.body(given))
        attributes = otlp.attributes_of(sent(sink, 1)[1])
    assert attributes["clawtrace.cost.usd"] == 9.5
    assert attributes["clawtrace.trace.llm_calls"] == 7


def test_rejected_spans_are_not_sent_on(tmp_path: Path, sink: Sink) -> None:
    bad = otlp.llm(2)
    bad.trace_id = b""
    with InProcess(tmp_path, forward=sink.url) as service:
        export(service.grpc, otlp.body(bad, otlp.llm(1)))
        assert list(sent(sink, 1)) == [1]


@pytest.mark.slow
def test_spans_wait_for_a_receiver_that_is_down(tmp_path: Path) -> None:
    port = sinks.free_port()
    with InProcess(tmp_path, forward=f"http://127.0.0.1:{port}") as service:
        export(service.grpc, otlp.body(*otlp.run()))
        peers.card(service.cards, where=peers.is_complete)
        with GrpcSink(port=port) as sink:
            sent(sink, 5)
            export(service.grpc, otlp.body(*otlp.run(), *otlp.run(2)))
            spans = peers.until(
                lambda: found if len(found := otlp.spans_of(sink.taken)) >= 10 else None
            )
    assert len(spans) == 10


BUSY: list[Callable[[], Sink]] = [
    lambda: GrpcSink(GrpcAnswer(grpc.StatusCode.UNAVAILABLE, 0.1)),
    lambda: GrpcSink(GrpcAnswer(grpc.StatusCode.UNAVAILABLE)),
    lambda: GrpcSink(GrpcAnswer(grpc.StatusCode.RESOURCE_EXHAUSTED, 0.1)),
    lambda: HttpSink(HttpAnswer(503, {"Retry-After": "1"})),
    lambda: HttpSink(HttpAnswer(429)),
    lambda: HttpSink(HttpAnswer(502, {"Retry-After": "Sat, 21 Nov 2026 18:00:00 GMT"})),
]


@pytest.mark.parametrize("make", BUSY)
def test_a_receiver_that_is_busy_is_tried_again_with_the_same_bytes(
    tmp_path: Path, make: Callable[[], Sink]
) -> None:
    with make() as sink, InProcess(tmp_path, forward=sink.url) as service:
        export(service.grpc, otlp.body(*otlp.run()))
        sent(sink, 5)
        first, second = sink.requests
    assert first == second


REFUSING: list[Callable[[], Sink]] = [
    lambda: GrpcSink(GrpcAnswer(grpc.StatusCode.INVALID_ARGUMENT)),
    lambda: GrpcSink(GrpcAnswer(grpc.StatusCode.RESOURCE_EXHAUSTED)),
    lambda: HttpSink(HttpAnswer(400)),
    lambda: HttpSink(HttpAnswer(307, {"Location": "/elsewhere"})),
]


@pytest.mark.parametrize("make", REFUSING)
def test_what_a_receiver_refuses_is_dropped_and_logged_and_the_next_is_sent(
    tmp_path: Path, make: Callable[[], Sink], caplog: pytest.LogCaptureFixture
) -> None:
    with make() as sink, InProcess(tmp_path, forward=sink.url) as service:
        export(service.grpc, otlp.body(otlp.llm(1)))
        peers.until(lambda: "was refused" in caplog.text)
        export(service.grpc, otlp.body(otlp.llm(1, 2)))
        (span,) = sent(sink, 1).values()
    assert span.trace_id.hex() == otlp.trace_id(2)
    assert len(sink.requests) == 2


def test_an_answer_that_is_no_otlp_does_not_stop_forwarding(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        HttpSink(HttpAnswer(200, body=b"<html>")) as sink,
        InProcess(tmp_path, forward=sink.url) as service,
    ):
        export(service.grpc, otlp.body(otlp.llm(1)))
        sent(sink, 1)
        export(service.grpc, otlp.body(otlp.llm(1, 2)))
        peers.until(lambda: len(otlp.spans_of(sink.taken)) == 2)
    assert "its answer is no OTLP" in caplog.text


def test_requests_are_split_below_the_limit_of_grpc(tmp_path: Path) -> None:
    spans = [otlp.llm(n, 1, 1, note="x" * 300_000) for n in range(2, 32)]
    with GrpcSink() as sink, InProcess(tmp_path, forward=sink.url) as service:
        export(service.grpc, otlp.body(*spans))
        sent(sink, 30)
    assert len(sink.taken) > 1
    assert max(len(data) for data in sink.taken) <= 4 << 20


@pytest.mark.slow
def test_what_was_not_sent_when_the_process_was_killed_is_sent_the_same(tmp_path: Path) -> None:
    down = f"http://127.0.0.1:{sinks.free_port()}"
    with Program(tmp_path, forward=down) as program:
        for n in range(1, 6):
            export(program.grpc, otlp.body(*otlp.run(n)))
        program.end(signal.SIGKILL)
    with GrpcSink(*[GrpcAnswer(grpc.StatusCode.UNAVAILABLE)] * 2) as sink:
        with InProcess(tmp_path, forward=sink.url):
            spans = peers.until(
                lambda: found if len(found := otlp.spans_of(sink.taken)) >= 25 else None
            )
        assert len(sink.taken) == 5
        assert sink.requests == [*sink.requests[:1] * 2, *sink.taken]
    assert len({(span.trace_id, span.span_id) for span in spans}) == 25


def test_what_waits_is_sent_before_the_service_stops(tmp_path: Path) -> None:
    """A receiver that came back is tried once more, in the middle of a long pause."""
    with HttpSink(HttpAnswer(503, {"Retry-After": "200"})) as sink:
        with InProcess(tmp_path, forward=sink.url) as service:
            export(service.grpc, otlp.body(*otlp.run()))
            peers.until(lambda: sink.requests)
        sent(sink, 5)


@pytest.mark.parametrize("url", ["localhost", "http://localhost", "ftp://a:1", "http://a:port"])
def test_a_forward_url_without_host_and_port_is_an_error(url: str) -> None:
    with pytest.raises(ConfigError, match="it must be a URL such as"):
        make_sender(url)


def test_an_answer_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    endless = HttpAnswer(200, body=b"x" * (20 << 20))
    with HttpSink(endless) as sink, InProcess(tmp_path, forward=sink.url) as service:
        export(service.grpc, otlp.body(*otlp.run(1)))
        export(service.grpc, otlp.body(*otlp.run(2)))
        peers.until(lambda: len(otlp.spans_of(sink.taken)) == 10)
