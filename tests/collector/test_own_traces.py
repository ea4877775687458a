"""Spans of the service's own work: sent to another service, never to itself."""

import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanProto

from clawtrace_otel.collector.telemetry.identity import new_identity
from clawtrace_otel.collector.telemetry.own_address import leads_to_itself
from clawtrace_otel.collector.telemetry.own_traces import OwnTraces, only_own
from clawtrace_otel.errors import ConfigError
from clawtrace_otel.otlp.traces import decode_traces
from tests.collector import otlp, peers
from tests.collector.peers import InProcess, Program
from tests.collector.sinks import GrpcSink, free_port

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

START_NS = 1_790_000_000_000_000_000


def sent_by(url: str) -> None:
    """A service's spans of one request and one card, sent until nothing waits."""
    own = OwnTraces(url, new_identity())
    own.ingested("http", START_NS, spans=5, rejected=1)
    own.card(TRACE, START_NS, revision=2)
    own.close()


def received(sink: GrpcSink) -> Iterator[SpanProto]:
    for request in map(ExportTraceServiceRequest.FromString, sink.taken):
        for resource_spans in request.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                yield from scope_spans.spans


def values(span: SpanProto) -> dict[str, str | int]:
    return {kv.key: kv.value.string_value or kv.value.int_value for kv in span.attributes}


@pytest.mark.parametrize(
    "url",
    [lambda s: f"http://{s.grpc}", lambda s: f"http://{s.http}/v1/traces"],
    ids=["grpc", "http"],
)
def test_another_service_receives_them(tmp_path: Path, url: Callable[[InProcess], str]) -> None:
    with GrpcSink() as sink, InProcess(tmp_path, forward=sink.url) as target:
        sent_by(url(target))
        peers.until(lambda: len(list(received(sink))) == 2)
        ingest, card = sorted(received(sink), key=lambda span: span.name, reverse=True)
        (request, *_) = map(ExportTraceServiceRequest.FromString, sink.taken)
        assert list(target.cards.iterdir()) == []
    assert (ingest.name, ingest.kind) == ("clawtrace.ingest", SpanProto.SPAN_KIND_SERVER)
    assert values(ingest) == {
        "network.protocol.name": "http",
        "clawtrace.ingest.spans": 5,
        "clawtrace.ingest.rejected_spans": 1,
    }
    assert (card.name, card.kind) == ("clawtrace.card", SpanProto.SPAN_KIND_INTERNAL)
    assert values(card) == {"clawtrace.card.trace_id": TRACE, "clawtrace.card.revision": 2}
    for span in (ingest, card):
        assert span.start_time_unix_nano == START_NS
        assert span.end_time_unix_nano > time.time_ns() - 60_000_000_000
        assert not span.parent_span_id
    assert ingest.trace_id != card.trace_id
    resource = {
        kv.key: kv.value.string_value for kv in request.resource_spans[0].resource.attributes
    }
    assert resource["service.name"] == "clawtrace-collector"
    assert {"service.version", "service.instance.id"} < set(resource)


def test_nothing_is_sent_where_no_target_is_set() -> None:
    with GrpcSink() as sink:
        sent_by("")
        assert sink.requests == []


def test_the_standard_sampler_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    with GrpcSink() as sink:
        sent_by(sink.url)
        assert sink.requests == []


def test_the_name_of_the_service_cannot_be_changed_and_more_can_be_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "planner")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    with GrpcSink() as sink:
        sent_by(sink.url)
        (request,) = map(ExportTraceServiceRequest.FromString, sink.taken)
    resource = {
        kv.key: kv.value.string_value for kv in request.resource_spans[0].resource.attributes
    }
    assert resource["service.name"] == "clawtrace-collector"
    assert resource["deployment.environment.name"] == "test"


def test_a_target_that_is_down_delays_the_end_by_seconds_only() -> None:
    began = time.monotonic()
    sent_by(f"http://127.0.0.1:{free_port()}")
    assert time.monotonic() - began < 8


def test_a_service_whose_target_is_down_still_ends_well(tmp_path: Path) -> None:
    with Program(tmp_path, own_traces=f"http://127.0.0.1:{free_port()}") as service:
        peers.export(service.grpc, otlp.body(*otlp.run()))
        began = time.monotonic()
        assert service.end() == 0
        assert time.monotonic() - began < 15
        peers.card(service.cards)
    assert "Traceback" not in service.log


def test_own_spans_are_known_also_after_a_collector_renamed_the_service() -> None:
    with GrpcSink() as sink:
        sent_by(sink.url)
        (body,) = sink.taken
    request = ExportTraceServiceRequest.FromString(body)
    for kv in request.resource_spans[0].resource.attributes:
        kv.value.string_value = "renamed"
    own = [received.span for received in decode_traces(request.SerializeToString()).received]
    assert len(own) == 2
    assert only_own(own)


def test_a_request_with_one_span_of_an_agent_is_not_only_own() -> None:
    with GrpcSink() as sink:
        sent_by(sink.url)
        (body,) = sink.taken
    request = ExportTraceServiceRequest.FromString(body)
    request.MergeFrom(otlp.request(otlp.llm(1)))
    spans = [received.span for received in decode_traces(request.SerializeToString()).received]
    assert len(spans) == 3
    assert not only_own(spans)


SPELLINGS = ["127.0.0.1", "localhost", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "127.0.1.1"]


@pytest.mark.parametrize("listening", ["127.0.0.1", "localhost", "0.0.0.0", "::1", "::"])
@pytest.mark.parametrize("spelled", SPELLINGS)
def test_however_it_is_spelled_an_address_of_its_own_is_known(listening: str, spelled: str) -> None:
    assert leads_to_itself(spelled, 4317, [("127.0.0.1", 9), (listening, 4317)])
    assert not leads_to_itself(spelled, 4319, [(listening, 4317), (listening, 4318)])


def test_the_name_of_the_machine_is_its_own_where_it_listens_on_all_interfaces() -> None:
    assert leads_to_itself(socket.gethostname(), 4317, [("0.0.0.0", 4317)])


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "no-such-host.invalid", "a" * 300])
def test_an_address_of_another_machine_or_of_none_is_not_its_own(host: str) -> None:
    assert not leads_to_itself(host, 4317, [("0.0.0.0", 4317), ("::", 4317), ("127.0.0.1", 4317)])


@pytest.mark.parametrize(
    ("setting", "receiver", "host"),
    [
        ("own_traces", "grpc", "localhost"),
        ("own_traces", "http", "0.0.0.0"),
        ("forward", "grpc", "[::1]"),
        ("forward", "http", "127.0.0.1"),
    ],
)
def test_a_service_that_would_send_to_itself_does_not_start(
    tmp_path: Path, setting: str, receiver: str, host: str
) -> None:
    port = free_port()
    url = f"http://{host}:{port}" + ("/v1/traces" if receiver == "http" else "")
    addresses = {receiver: f"127.0.0.1:{port}"}
    program = Program(tmp_path, **addresses, **{setting: url})
    program.launch()
    assert program.wait() == 1
    assert f"{setting} is '{url}', and that is this service" in program.log


def test_a_target_that_is_no_url_is_named(tmp_path: Path) -> None:
    program = Program(tmp_path, own_traces="jaeger:4317")
    program.launch()
    assert program.wait() == 1
    assert "own_traces is 'jaeger:4317'; it must be a URL" in program.log


@pytest.mark.parametrize(("path", "package"), [("", "grpc"), ("/v1/traces", "http")])
def test_a_package_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, path: str, package: str
) -> None:
    module = f"opentelemetry.exporter.otlp.proto.{package}.trace_exporter"
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        ConfigError, match=f"pip install opentelemetry-exporter-otlp-proto-{package}"
    ):
        OwnTraces(f"http://127.0.0.1:4317{path}", new_identity())
