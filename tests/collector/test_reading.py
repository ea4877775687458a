"""How requests are read: one message, in time, of an announced size, and after the gate."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import grpc
import pytest
from google.rpc.code_pb2 import DEADLINE_EXCEEDED, UNIMPLEMENTED
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcExporter,
)
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpExporter,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from clawtrace_otel.collector.receivers import reading
from tests.collector import otlp, peers
from tests.collector.peers import PROTOBUF, InProcess, export, post

MAX_BYTES = 1 << 20
CONTENT = otlp.body(*otlp.run())


@pytest.fixture(scope="module", name="service")
def _service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    folder = tmp_path_factory.mktemp("reading")
    with InProcess(folder, max_request_bytes=MAX_BYTES) as service:
        yield service


EXPORTERS: dict[str, Callable[[InProcess], SpanExporter]] = {
    "gRPC": lambda s: GrpcExporter(endpoint=s.grpc, insecure=True),
    "gRPC, gzip": lambda s: GrpcExporter(
        endpoint=s.grpc, insecure=True, compression=grpc.Compression.Gzip
    ),
    "HTTP": lambda s: HttpExporter(endpoint=f"http://{s.http}/v1/traces"),
    "HTTP, gzip": lambda s: HttpExporter(
        endpoint=f"http://{s.http}/v1/traces", compression=Compression.Gzip
    ),
}


@pytest.mark.parametrize("name", EXPORTERS)
def test_opentelemetrys_exporters_are_served(service: InProcess, name: str) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(EXPORTERS[name](service)))
    with provider.get_tracer("tests").start_as_current_span("chat gpt-4o") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        trace_id = span.get_span_context().trace_id
    provider.shutdown()
    assert peers.until((service.cards / f"{trace_id:032x}.yaml").exists)


def stream(service: InProcess, messages: Iterator[bytes]) -> grpc.RpcError:
    """The error of a call that sends other than one message."""
    with peers.channel(service.grpc) as channel, pytest.raises(grpc.RpcError) as caught:
        channel.stream_unary(peers.TRACES)(messages, timeout=10)
    return caught.value


@pytest.mark.parametrize("messages", [[], [CONTENT, CONTENT], [CONTENT, b"", b""]])
def test_a_call_has_exactly_one_message(service: InProcess, messages: list[bytes]) -> None:
    """Source: gRPC's status codes, UNIMPLEMENTED: a violation of cardinality."""
    error = stream(service, iter(messages))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert peers.status_of(error).code == UNIMPLEMENTED


@pytest.mark.parametrize("messages", [[bytes(MAX_BYTES + 1)], [CONTENT, bytes(MAX_BYTES + 1)]])
def test_a_message_that_is_too_large_exhausts_a_resource(
    service: InProcess, messages: list[bytes]
) -> None:
    assert stream(service, iter(messages)).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_size_over_the_limit_is_answered_before_anything_is_sent(service: InProcess) -> None:
    with closing(HTTPConnection(service.http, timeout=10)) as connection:
        connection.putrequest("POST", "/v1/traces")
        connection.putheader("Content-Type", PROTOBUF)
        connection.putheader("Content-Length", str(MAX_BYTES + 1))
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_a_body_without_a_size_is_read_up_to_the_limit(service: InProcess) -> None:
    def chunked(size: int) -> int:
        with closing(HTTPConnection(service.http, timeout=10)) as connection:
            headers = {"Content-Type": PROTOBUF, "Content-Encoding": "gzip"}
            parts = [gzip.compress(CONTENT), *[b"x" * 1000] * (size // 1000)]
            connection.request("POST", "/v1/traces", iter(parts), headers, encode_chunked=True)
            return connection.getresponse().status

    assert chunked(0) == 200
    assert chunked(2 * MAX_BYTES) == 413


def test_a_grpc_message_that_does_not_come_is_not_waited_for(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "READ_SECONDS", 0.3)
    end = threading.Event()

    def and_then_nothing(messages: list[bytes]) -> Iterator[bytes]:
        yield from messages
        end.wait(10)

    nothing: list[bytes] = []
    for messages in (nothing, [CONTENT]):
        started = time.monotonic()
        error = stream(service, and_then_nothing(messages))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert peers.status_of(error).code == DEADLINE_EXCEEDED
        assert "did not come in within 0.3 s" in error.details()
        assert time.monotonic() - started < 5
    end.set()
    export(service.grpc, CONTENT)


def test_an_http_body_that_does_not_come_is_not_waited_for(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "READ_SECONDS", 0.3)
    host, _, port = service.http.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as sender:
        head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\n"
        sender.sendall(f"{head}Content-Length: 100\r\n\r\nhalf".encode())
        answer = b""
        while not answer.partition(b"\r\n\r\n")[2]:
            answer += sender.recv(4096)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert Status.FromString(answer.partition(b"\r\n\r\n")[2]).code == DEADLINE_EXCEEDED
    assert post(service.http, CONTENT).status == 200


def test_what_is_left_of_a_connection_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    """Also one whose request is half there."""
    with InProcess(tmp_path) as service:
        host, _, port = service.http.rpartition(":")
        with (
            socket.create_connection((host, int(port))) as idle,
            socket.create_connection((host, int(port))) as half,
        ):
            half.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\n")
            assert idle.getpeername()
            started = time.monotonic()
            service.stop()
            assert time.monotonic() - started < 10
