"""Points 1 to 6: how requests come in."""

import gzip
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.collector import otlp
from tests.collector.peers import JSON, PROTOBUF, TRACES, export, post
from tests.conformance.checklist import may, must, should
from tests.conformance.target import Target
from tests.conformance.wire import call, connect, head, kind_of, read_answer, response_in

SPELLINGS = {
    "application/json; charset=utf-8": JSON,
    "application/json;charset=UTF-8": JSON,
    "Application/JSON": JSON,
    "APPLICATION/X-PROTOBUF": PROTOBUF,
    "application/x-protobuf; proto=tests": PROTOBUF,
}


def in_kind(kind: str, trace: int) -> bytes:
    """A request of one span."""
    made = otlp.request(otlp.llm(2, trace))
    return otlp.as_json(made) if kind == JSON else made.SerializeToString()


@must(1)
def test_a_unary_export_is_answered_ok(target: Target, trace: int) -> None:
    export(target.grpc, otlp.body(otlp.llm(2, trace)))
    target.arrived(trace)


@should(1)
def test_an_unknown_method_is_answered_so_that_it_is_not_tried_again(target: Target) -> None:
    assert call(target.grpc, b"", TRACES.replace("Export", "Import")).code == "UNIMPLEMENTED"


@must(2)
def test_a_post_over_http_1_1_is_answered_200(target: Target, trace: int) -> None:
    content = otlp.body(otlp.llm(2, trace))
    with closing(connect(target.http)) as connection:
        connection.sendall(head(len(content), f"Content-Type: {PROTOBUF}") + content)
        assert connection.recv(13) == b"HTTP/1.1 200 "
    target.arrived(trace)


@must(2)
def test_a_connection_takes_one_request_after_another(target: Target, trace: int) -> None:
    with closing(connect(target.http)) as connection:
        for n in (2, 3):
            content = otlp.body(otlp.llm(n, trace))
            connection.sendall(head(len(content), f"Content-Type: {PROTOBUF}") + content)
            assert read_answer(connection).status == 200
    target.arrived(trace, 2)


@must(2)
def test_a_body_may_come_in_chunks(target: Target, trace: int) -> None:
    content = otlp.body(otlp.llm(2, trace))
    parts = [content[:50], content[50:], b""]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    with closing(connect(target.http)) as connection:
        lines = (f"Content-Type: {PROTOBUF}", "Transfer-Encoding: chunked")
        connection.sendall(head(None, *lines) + chunks)
        assert read_answer(connection).status == 200
    target.arrived(trace)


@must(2)
def test_a_sender_may_wait_to_be_told_to_continue(target: Target, trace: int) -> None:
    content = otlp.body(otlp.llm(2, trace))
    with closing(connect(target.http)) as connection:
        lines = (f"Content-Type: {PROTOBUF}", "Expect: 100-continue")
        connection.sendall(head(len(content), *lines))
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(content)
        assert read_answer(connection).status == 200
    target.arrived(trace)


def over_grpc(target: Target, trace: int, *, packed: bool) -> None:
    export(target.grpc, otlp.body(otlp.llm(2, trace)), packed=packed)


def over_http(target: Target, trace: int, kind: str, encoding: str | None) -> None:
    content = in_kind(kind, trace)
    sent = gzip.compress(content) if encoding == "gzip" else content
    response_in(post(target.http, sent, content_type=kind, encoding=encoding), kind)


WAYS: dict[str, Callable[[Target, int], None]] = {
    "gRPC": lambda target, trace: over_grpc(target, trace, packed=False),
    "gRPC, gzip": lambda target, trace: over_grpc(target, trace, packed=True),
    "protobuf": lambda target, trace: over_http(target, trace, PROTOBUF, None),
    "protobuf, gzip": lambda target, trace: over_http(target, trace, PROTOBUF, "gzip"),
    "JSON": lambda target, trace: over_http(target, trace, JSON, None),
    "JSON, gzip": lambda target, trace: over_http(target, trace, JSON, "gzip"),
}


@must(3)
@pytest.mark.parametrize("way", WAYS)
def test_a_span_comes_out_as_it_went_in_by(target: Target, trace: int, way: str) -> None:
    WAYS[way](target, trace)
    for landed in target.arrived(trace):
        assert landed.span == otlp.llm(2, trace)


@may(3)
def test_the_encoding_may_be_named_identity(target: Target, trace: int) -> None:
    over_http(target, trace, PROTOBUF, "identity")


@may(3)
def test_a_gzip_body_may_have_several_members(target: Target, trace: int) -> None:
    content = otlp.body(otlp.llm(2, trace))
    sent = gzip.compress(content[:50]) + gzip.compress(content[50:])
    response_in(post(target.http, sent, encoding="gzip"), PROTOBUF)
    target.arrived(trace)


@should(4)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_encoding_is_known_by_the_content_type(
    target: Target, trace: int, spelling: str
) -> None:
    content = in_kind(SPELLINGS[spelling], trace)
    assert post(target.http, content, content_type=spelling).status == 200
    target.arrived(trace)


@must(5)
@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_success_has_the_content_type_of_the_request(target: Target, trace: int, kind: str) -> None:
    answer = post(target.http, in_kind(kind, trace), content_type=kind)
    assert kind_of(answer) == kind


@must(5)
@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_failure_has_the_content_type_of_the_request(target: Target, kind: str) -> None:
    answer = post(target.http, b"\xff\xff", content_type=kind)
    assert answer.status >= 400
    assert kind_of(answer) == kind


@must(6)
def test_requests_at_the_same_time_are_all_answered_and_none_is_lost(
    target: Target, trace: int
) -> None:
    def send(n: int) -> bool:
        content = otlp.body(otlp.llm(n, trace))
        if n % 2:
            return call(target.grpc, content).code == "OK"
        return post(target.http, content).status == 200

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(send, range(1, 81)))
    spans = target.arrived(trace, 80)
    assert len({landed.span.span_id for landed in spans}) == len(spans)
