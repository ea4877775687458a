"""Receivers behind the service: real servers that answer as they are told."""

import gzip
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from tests.collector.peers import TRACES


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class GrpcAnswer:
    """What a gRPC sink answers with.

    Attributes:
        retry_seconds: after which it asks to try again.
        body: of the answer, if the code is OK.
        after_seconds: that it lets pass before it answers.
    """

    code: grpc.StatusCode
    retry_seconds: float | None = None
    body: bytes = b""
    after_seconds: float = 0.0


class GrpcSink:
    """A gRPC receiver of traces. A context manager.

    Args:
        answers: what it answers to the first requests; then it takes everything.
    """

    def __init__(self, *answers: GrpcAnswer, port: int = 0) -> None:
        self.requests: list[bytes] = []
        self.taken: list[bytes] = []
        self._answers = list(answers)
        self._server = grpc.server(ThreadPoolExecutor(2))
        method = grpc.unary_unary_rpc_method_handler(self._export)
        service = TRACES.split("/")[1]
        handler = grpc.method_handlers_generic_handler(service, {"Export": method})
        self._server.add_generic_rpc_handlers((handler,))
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "GrpcSink":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()

    def answer_next(self, *answers: GrpcAnswer) -> None:
        """Answer so to the next requests."""
        self._answers += answers

    def _export(self, content: bytes, context: grpc.ServicerContext) -> bytes:
        self.requests.append(content)
        answer = self._answers.pop(0) if self._answers else GrpcAnswer(grpc.StatusCode.OK)
        time.sleep(answer.after_seconds)
        if answer.code is not grpc.StatusCode.OK:
            context.set_trailing_metadata(_retry_metadata(answer))
            context.abort(answer.code, "not now")
        self.taken.append(content)
        return answer.body


def _retry_metadata(answer: GrpcAnswer) -> tuple[tuple[str, bytes], ...]:
    if answer.retry_seconds is None:
        return ()
    detail = AnyProto()
    detail.Pack(RetryInfo(retry_delay=Duration(nanos=int(answer.retry_seconds * 1e9))))
    status = Status(code=answer.code.value[0], details=[detail])
    return (("grpc-status-details-bin", status.SerializeToString()),)


@dataclass
class HttpAnswer:
    """What an HTTP sink answers with.

    Attributes:
        after_seconds: that it lets pass before it answers.
        cut: the connection is closed before the end of the answer.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    after_seconds: float = 0.0
    cut: bool = False


class HttpSink:
    """An HTTP receiver of traces. A context manager.

    Args:
        answers: what it answers to the first requests; then it takes everything.
    """

    def __init__(self, *answers: HttpAnswer, port: int = 0) -> None:
        self.requests: list[bytes] = []
        self.taken: list[bytes] = []
        self._answers = waiting = list(answers)
        self._connections: list[socket.socket] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                sink._connections.append(self.connection)

            def do_POST(self) -> None:
                packed = self.rfile.read(int(self.headers["Content-Length"]))
                content = gzip.decompress(packed)
                sink.requests.append(content)
                answer = waiting.pop(0) if waiting else HttpAnswer(200)
                time.sleep(answer.after_seconds)
                if answer.status < 300:
                    sink.taken.append(content)
                self.send_response(answer.status)
                for key, value in answer.headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(answer.body) + answer.cut))
                self.end_headers()
                self.wfile.write(answer.body)
                self.close_connection = answer.cut

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its signature
                del format, args

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                del request, client_address  # the other side was faster

        self._server = Server(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/v1/traces"

    def answer_next(self, *answers: HttpAnswer) -> None:
        """Answer so to the next requests."""
        self._answers += answers

    def __enter__(self) -> "HttpSink":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        close_all(self._connections)


def close_all(connections: list[socket.socket]) -> None:
    """As they are when the process of a server ends."""
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
