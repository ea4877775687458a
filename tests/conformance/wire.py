"""Requests as bytes on the wire, so that they may be wrong, and what is in the answers."""

import http.client
import json
import socket
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TypeVar

import grpc
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.collector.peers import PROTOBUF, TRACES, Answer, channel

M = TypeVar("M", bound=Message)

SECONDS = 30

RETRYABLE = {429, 502, 503, 504}
"""HTTP statuses after which a sender tries again."""


def connect(address: str) -> socket.socket:
    """A TCP connection."""
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), SECONDS)


def head(length: int | None, *lines: str, method: str = "POST", path: str = "/v1/traces") -> bytes:
    """The head of an HTTP request."""
    size = [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: tests", *size, *lines, "", ""]).encode()


def read_answer(connection: socket.socket) -> Answer:
    """The next answer on a connection.

    Raises:
        http.client.HTTPException: it is none.
        OSError: the connection was closed.
    """
    with http.client.HTTPResponse(connection, method="POST") as response:
        response.begin()
        return Answer(response.status, dict(response.headers), response.read())


def send(address: str, content: bytes) -> Answer:
    """One answer to bytes on a connection of their own, even if not all of them are taken."""
    with closing(connect(address)) as connection:
        with suppress(ConnectionError):
            connection.sendall(content)
        return read_answer(connection)


def post_large(address: str, content: bytes, kind: str, encoding: str | None) -> Answer:
    """A request that the receiver may answer before it has read all of it."""
    lines = [f"Content-Type: {kind}", *([f"Content-Encoding: {encoding}"] if encoding else [])]
    return send(address, head(len(content), *lines) + content)


def kind_of(answer: Answer) -> str:
    """The media type of an answer."""
    return answer.headers.get("Content-Type", "").partition(";")[0]


def status_in(answer: Answer, kind: str) -> Status:
    """The ``google.rpc.Status`` that an answer consists of."""
    assert kind_of(answer) == kind, answer
    if kind == PROTOBUF:
        return Status.FromString(answer.body)
    return ParseDict(json.loads(answer.body), Status())


def response_in(answer: Answer, kind: str) -> ExportTraceServiceResponse:
    """The response that a successful answer consists of."""
    assert (answer.status, kind_of(answer)) == (200, kind), answer
    if kind == PROTOBUF:
        return ExportTraceServiceResponse.FromString(answer.body)
    return ParseDict(json.loads(answer.body), ExportTraceServiceResponse())


def details_in(status: Status, kind: type[M]) -> list[M]:
    """The details of a Status that are of a kind."""
    made = [(detail, kind()) for detail in status.details]
    return [one for detail, one in made if detail.Unpack(one)]


@dataclass
class Outcome:
    """What became of a gRPC call.

    Attributes:
        code: name of its status code.
        body: what it was answered if the code is OK.
        message: why it was not accepted.
        status: the ``google.rpc.Status`` that came with it, or an empty one.
    """

    code: str
    body: bytes = b""
    message: str = ""
    status: Status = field(default_factory=Status)

    @property
    def retry(self) -> RetryInfo | None:
        """When the sender may try again, if it may."""
        return next(iter(details_in(self.status, RetryInfo)), None)


def call(address: str, content: bytes, method: str = TRACES, *, packed: bool = False) -> Outcome:
    """One gRPC call on a channel of its own."""
    compression = grpc.Compression.Gzip if packed else grpc.Compression.NoCompression
    try:
        with channel(address) as opened:
            send_one = opened.unary_unary(method)
            return Outcome("OK", send_one(content, timeout=SECONDS, compression=compression))
    except grpc.RpcError as e:
        packed_status = dict(e.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        return Outcome(
            e.code().name, message=e.details() or "", status=Status.FromString(packed_status)
        )
