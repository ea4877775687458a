"""Receivers behind the service: real servers that answer as they are told."""

import gzip
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
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
    """An error that a gRPC sink answers with."""

    code: grpc.StatusCode
    retry_seconds: float | None = None


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

    def _export(self, content: bytes, context: grpc.ServicerContext) -> bytes:
        self.requests.append(content)
        if self._answers:
            answer = self._answers.pop(0)
            context.set_trailing_metadata(_retry_metadata(answer))
            context.abort(answer.code, "not now")
        self.taken.append(content)
        return b""


def _retry_metadata(answer: GrpcAnswer) -> tuple[tuple[str, bytes], ...]:
    if answer.retry_seconds is None:
        return ()
    detail = AnyProto()
    detail.Pack(RetryInfo(retry_delay=Duration(nanos=int(answer.retry_seconds * 1e9))))
    status = Status(code=answer.code.value[0], details=[detail])
    return (("grpc-status-details-bin", status.SerializeToString()),)


@dataclass
class HttpAnswer:
    """What an HTTP sink answers with."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class HttpSink:
    """An HTTP receiver of traces. A context manager.

    Args:
        answers: what it answers to the first requests; then it takes everything.
    """

    def __init__(self, *answers: HttpAnswer) -> None:
        self.requests: list[bytes] = []
        self.taken: list[bytes] = []
        waiting = list(answers)
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                packed = self.rfile.read(int(self.headers["Content-Length"]))
                content = gzip.decompress(packed)
                sink.requests.append(content)
                answer = waiting.pop(0) if waiting else HttpAnswer(200)
                if answer.status == 200:
                    sink.taken.append(content)
                self.send_response(answer.status)
                for key, value in answer.headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its signature
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def __enter__(self) -> "HttpSink":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
