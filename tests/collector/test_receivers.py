"""OTLP 1.11 as senders see it: transports, encodings, limits and answers."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc.code_pb2 import INVALID_ARGUMENT, RESOURCE_EXHAUSTED
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from clawtrace_otel.collector.receivers.unpack import MAX_MEMBERS
from tests.collector import otlp, peers
from tests.collector.peers import JSON, PROTOBUF, InProcess, export, post, refused

MAX_BYTES = 1 << 20


@pytest.fixture(scope="module", name="service")
def _service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    folder = tmp_path_factory.mktemp("receivers")
    with InProcess(folder, max_request_bytes=MAX_BYTES) as service:
        yield service


def by_grpc(service: InProcess, *, packed: bool) -> None:
    answer = export(service.grpc, otlp.body(*otlp.run()), packed=packed)
    assert answer == ExportTraceServiceResponse()


def by_http(service: InProcess, content: bytes, content_type: str, *, packed: bool) -> None:
    encoding = "gzip" if packed else None
    sent = gzip.compress(content) if packed else content
    answer = post(service.http, sent, content_type=content_type, encoding=encoding)
    assert answer.status == 200, answer
    assert answer.body == (b"{}" if "json" in content_type.lower() else b"")


WAYS: dict[str, Callable[[InProcess], None]] = {
    "gRPC": lambda s: by_grpc(s, packed=False),
    "gRPC, gzip": lambda s: by_grpc(s, packed=True),
    "protobuf": lambda s: by_http(s, otlp.body(*otlp.run()), PROTOBUF, packed=False),
    "protobuf, gzip": lambda s: by_http(s, otlp.body(*otlp.run()), PROTOBUF, packed=True),
    "protobuf, capitals": lambda s: by_http(
        s, otlp.body(*otlp.run()), "Application/X-Protobuf", packed=False
    ),
    "JSON": lambda s: by_http(s, otlp.as_json(otlp.request(*otlp.run())), JSON, packed=False),
    "JSON, gzip": lambda s: by_http(s, otlp.as_json(otlp.request(*otlp.run())), JSON, packed=True),
    "JSON, charset": lambda s: by_http(
        s,
        otlp.as_json(otlp.request(*otlp.run())),
        "APPLICATION/JSON; charset=UTF-8",
        packed=True,
    ),
}


def test_every_transport_and_encoding_gives_the_same_bytes_of_card(tmp_path: Path) -> None:
    texts = {}
    for n, (name, send) in enumerate(WAYS.items()):
        folder = tmp_path / str(n)
        with InProcess(folder) as service:
            send(service)
            card = peers.card(service.cards, where=peers.is_complete)
        assert card["total"]["llm_calls"] == 2
        texts[name] = (service.cards / f"{otlp.trace_id(1)}.yaml").read_bytes()
    assert len(set(texts.values())) == 1, texts


def test_spans_with_impossible_ids_are_rejected_and_the_rest_is_kept(service: InProcess) -> None:
    short, zero, good = otlp.llm(1, 2), otlp.llm(2, 2), otlp.llm(3, 2)
    short.trace_id = b"\1" * 8
    zero.span_id = bytes(8)
    partial = export(service.grpc, otlp.body(short, good, zero)).partial_success
    assert partial.rejected_spans == 2
    assert "spans[0]: trace_id has 8 bytes, not 16" in partial.error_message
    assert "spans[2]: span_id is all zero" in partial.error_message
    card = peers.card(service.cards, 2)
    assert card["total"]["llm_calls"] == 1


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_a_body_that_is_no_request_is_answered_400_with_a_status(
    service: InProcess, path: str, encoding: str | None
) -> None:
    content = b"\xff\xff\xff"
    sent = gzip.compress(content) if encoding else content
    answer = post(service.http, sent, path, PROTOBUF, encoding)
    assert (answer.status, answer.headers["Content-Type"]) == (400, PROTOBUF)
    status = Status.FromString(answer.body)
    assert status.code == INVALID_ARGUMENT
    assert "in protobuf" in status.message
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\xff", b'{"resourceSpans": 1, "resourceLogs": 1}', b"[" * 100_000]
)
def test_json_that_is_no_request_is_answered_400_in_json(
    service: InProcess, path: str, content: bytes
) -> None:
    answer = post(service.http, content, path, JSON)
    assert (answer.status, answer.headers["Content-Type"]) == (400, JSON)
    status = json.loads(answer.body)
    assert status["code"] == INVALID_ARGUMENT
    assert status["message"]


@pytest.mark.parametrize("method", [peers.TRACES, peers.LOGS])
def test_a_grpc_body_that_is_no_request_is_an_invalid_argument(
    service: InProcess, method: str
) -> None:
    error = refused(service.grpc, b"\xff\xff\xff", method)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert peers.status_of(error).code == INVALID_ARGUMENT


PACKED = gzip.compress(otlp.body(*otlp.run(4)))


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip",
        b"",
        PACKED[:10],
        PACKED[:-9],
        PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:],
        PACKED + b"rest",
        gzip.compress(b"") * (MAX_MEMBERS + 1),
    ],
    ids=["garbage", "empty", "header alone", "cut", "checksum", "trailing", "too many members"],
)
def test_damaged_gzip_is_answered_400_and_never_taken_for_a_short_request(
    service: InProcess, content: bytes
) -> None:
    answer = post(service.http, content, encoding="gzip")
    assert answer.status == 400
    assert "gzip" in Status.FromString(answer.body).message


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_requests_over_the_limit_are_answered_413(
    service: InProcess, content_type: str, encoding: str | None
) -> None:
    content = bytes(MAX_BYTES + 1)
    sent = gzip.compress(content) if encoding else content
    answer = post(service.http, sent, content_type=content_type, encoding=encoding)
    assert (answer.status, answer.headers["Content-Type"]) == (413, content_type)
    assert "Retry-After" not in answer.headers
    if content_type == PROTOBUF:
        assert Status.FromString(answer.body).code == RESOURCE_EXHAUSTED
    else:
        assert json.loads(answer.body)["code"] == RESOURCE_EXHAUSTED


@pytest.mark.slow
def test_a_bomb_does_not_fill_the_memory(tmp_path: Path) -> None:
    """What is unpacked is bounded by the limit, whatever the request would unpack to."""
    bomb = gzip.compress(bytes(128 << 20), 1)
    with peers.Program(tmp_path, max_request_bytes=4 << 20) as program:
        export(program.grpc, otlp.body(*otlp.run()))
        before = peak_bytes(program.pid)
        for _ in range(2):
            assert post(program.http, bomb, encoding="gzip").status == 413
            with pytest.raises(grpc.RpcError):
                export(program.grpc, bytes(128 << 20), packed=True)
        assert peak_bytes(program.pid) - before < 64 << 20


def peak_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = (line for line in lines if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024
