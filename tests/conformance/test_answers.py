"""Points 9 to 12 and 15: what success and failure look like."""

import gzip
import json

import pytest
from google.rpc.code_pb2 import INVALID_ARGUMENT
from google.rpc.error_details_pb2 import BadRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector import otlp
from tests.collector.peers import JSON, PROTOBUF, export, post
from tests.conformance.checklist import may, must, should
from tests.conformance.target import Target
from tests.conformance.wire import RETRYABLE, call, details_in, response_in, status_in

KINDS = pytest.mark.parametrize("kind", [PROTOBUF, JSON])
EMPTY = {PROTOBUF: b"", JSON: b"{}"}


@should(9)
@KINDS
def test_an_empty_request_is_a_success(target: Target, kind: str) -> None:
    response_in(post(target.http, EMPTY[kind], content_type=kind), kind)


@should(9)
def test_an_empty_export_is_a_success(target: Target) -> None:
    assert call(target.grpc, b"").code == "OK"


@must(10)
@KINDS
@pytest.mark.parametrize("empty", [True, False], ids=["of nothing", "of a span"])
def test_full_success_has_no_partial_success(
    target: Target, trace: int, kind: str, empty: bool
) -> None:
    made = otlp.request(otlp.llm(2, trace))
    content = otlp.as_json(made) if kind == JSON else made.SerializeToString()
    answer = post(target.http, EMPTY[kind] if empty else content, content_type=kind)
    assert not response_in(answer, kind).HasField("partial_success")


@must(10)
def test_full_success_over_grpc_has_no_partial_success(target: Target, trace: int) -> None:
    answer = export(target.grpc, otlp.body(otlp.llm(2, trace)))
    assert not answer.HasField("partial_success")


def with_bad_span(trace: int) -> ExportTraceServiceRequest:
    """A good span, and one that no receiver can keep."""
    return otlp.request(otlp.llm(2, trace), Span(name="bad", span_id=bytes(8)))


def check_partial(target: Target, answer: ExportTraceServiceResponse) -> None:
    """A partial success says how many and why. Receivers may also keep every span."""
    if not answer.partial_success.ByteSize() and not target.own:
        pytest.skip("the receiver rejects no part of a request")
    assert answer.partial_success.rejected_spans == 1
    assert answer.partial_success.error_message.isascii()
    assert len(answer.partial_success.error_message) > 10


@must(11)
@KINDS
def test_a_partial_success_is_200_with_a_count_and_a_message(
    target: Target, trace: int, kind: str
) -> None:
    made = with_bad_span(trace)
    content = otlp.as_json(made) if kind == JSON else made.SerializeToString()
    check_partial(target, response_in(post(target.http, content, content_type=kind), kind))


@must(11)
def test_a_partial_success_is_ok_with_a_count_and_a_message(target: Target, trace: int) -> None:
    check_partial(target, export(target.grpc, with_bad_span(trace).SerializeToString()))


BAD = {
    "garbage": (PROTOBUF, b"\xff\xff\xff"),
    "cut": (PROTOBUF, otlp.body(otlp.llm(2))[:-5]),
    "wrong wire type": (PROTOBUF, b"\x08\x01\x0d"),
    "not JSON": (JSON, b"{"),
    "not an object": (JSON, b"[]"),
    "wrong type": (JSON, b'{"resourceSpans": 1}'),
    "not UTF-8": (JSON, b'{"resourceSpans": "\xff"}'),
    "no body": (JSON, b""),
}


@must(12)
@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_decoded_is_answered_400_with_a_status(target: Target, name: str) -> None:
    kind, content = BAD[name]
    answer = post(target.http, content, content_type=kind)
    assert (answer.status, "Retry-After" in answer.headers) == (400, False)
    status = status_in(answer, kind)
    assert status.code in (0, INVALID_ARGUMENT)  # the specification lets it be left out


@should(12)
@pytest.mark.parametrize("name", BAD)
def test_the_status_of_a_400_has_a_message(target: Target, name: str) -> None:
    kind, content = BAD[name]
    assert status_in(post(target.http, content, content_type=kind), kind).message


@should(12)
@pytest.mark.parametrize("name", BAD)
def test_the_status_of_a_400_describes_the_bad_request(target: Target, name: str) -> None:
    kind, content = BAD[name]
    status = status_in(post(target.http, content, content_type=kind), kind)
    (found,) = details_in(status, BadRequest)
    assert found.field_violations[0].description


@should(12)
@pytest.mark.parametrize("name", [name for name, (kind, _) in BAD.items() if kind == PROTOBUF])
def test_what_cannot_be_decoded_is_an_invalid_argument(target: Target, name: str) -> None:
    outcome = call(target.grpc, BAD[name][1])
    assert (outcome.code, outcome.retry) == ("INVALID_ARGUMENT", None)
    assert outcome.message


@must(12)
@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_decoded_is_not_tried_again(target: Target, name: str) -> None:
    kind, content = BAD[name]
    answer = post(target.http, content, content_type=kind)
    assert answer.status not in RETRYABLE
    if kind == PROTOBUF:
        code = call(target.grpc, content).code
        assert code in ("INVALID_ARGUMENT", "INTERNAL", "UNKNOWN", "UNIMPLEMENTED")


@may(15)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
def test_other_methods_are_answered_405(target: Target, method: str) -> None:
    answer = post(target.http, b"", method=method)
    assert answer.status == 405
    assert method == "HEAD" or answer.headers["Content-Type"].startswith("text/plain")


@may(15)
@pytest.mark.parametrize("kind", [None, "text/plain", "application/octet-stream", "json", "a/b/c"])
def test_other_content_types_are_answered_415(target: Target, kind: str | None) -> None:
    answer = post(target.http, b"{}", content_type=kind)
    assert answer.status == 415
    assert answer.headers["Content-Type"].startswith("text/plain")


PACKED = gzip.compress(otlp.body(*otlp.run(4)))

DAMAGED = {
    "no gzip": b"no gzip",
    "empty": b"",
    "header alone": PACKED[:10],
    "cut": PACKED[:-9],
    "checksum": PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:],
    "length": PACKED[:-1] + b"\x7f",
    "trailing": PACKED + b"rest",
}


@must(15)
@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_gzip_is_answered_400_with_a_status(target: Target, name: str) -> None:
    answer = post(target.http, DAMAGED[name], encoding="gzip")
    assert answer.status == 400
    assert status_in(answer, PROTOBUF).message


@must(15)
def test_damaged_gzip_is_answered_400_in_json_to_a_sender_of_json(target: Target) -> None:
    answer = post(target.http, b"no gzip", content_type=JSON, encoding="gzip")
    assert answer.status == 400
    assert json.loads(answer.body)["message"]
    assert status_in(answer, JSON)
