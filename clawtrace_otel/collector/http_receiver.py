"""OTLP over HTTP: protobuf and JSON on one port, with or without gzip."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc.code_pb2 import INTERNAL, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)

from clawtrace_otel.collector.addresses import split_address
from clawtrace_otel.collector.answers import RETRY_SECONDS, failure, trace_response
from clawtrace_otel.collector.ingest import Ingest
from clawtrace_otel.collector.unpack import TooLargeError, gunzip
from clawtrace_otel.errors import ClawTraceError, ConfigError
from clawtrace_otel.otlp.json_body import logs_to_protobuf, traces_to_protobuf

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

GRACE_SECONDS = 5.0
"""For requests under way when the service stops."""

_HTTP_STATUS = {INVALID_ARGUMENT: 400, RESOURCE_EXHAUSTED: 413, INTERNAL: 500, UNAVAILABLE: 503}

Handler = Callable[[bytes, bool], Awaitable[Message]]


class HttpReceiver:
    """An OTLP/HTTP server.

    Args:
        ingest: takes the requests.
        address: ``host:port``; port 0 takes a free one.
        max_request_bytes: of a request, also after decompression; larger ones are answered 413.
    """

    def __init__(self, ingest: Ingest, address: str, max_request_bytes: int) -> None:
        self._ingest = ingest
        self._address = address
        self._max_request_bytes = max_request_bytes
        # One at a time, so that what is being unpacked has bounds too.
        self._unpacker = ThreadPoolExecutor(1, "clawtrace-unpack")
        app = web.Application(client_max_size=max_request_bytes)
        app.router.add_post("/v1/traces", self._route(self._traces))
        app.router.add_post("/v1/logs", self._route(self._logs))
        app.router.add_post("/v1/metrics", self._route(self._metrics))
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=GRACE_SECONDS,
            auto_decompress=False,  # aiohttp takes a gzip body that ends early for a whole one
        )

    async def start(self) -> int:
        """Listen.

        Returns:
            The port.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        host, port = split_address(self._address, "--http")
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, host.strip("[]"), port, reuse_port=False)
            await site.start()
        except OSError as e:
            msg = f"cannot listen on {self._address} for HTTP: {e}; choose another with --http"
            raise ConfigError(msg) from e
        bound: int = self._runner.addresses[0][1]
        return bound

    async def stop(self) -> None:
        """Take no new requests, and wait for those under way."""
        await self._runner.cleanup()
        await asyncio.to_thread(self._unpacker.shutdown)

    def _route(self, handle: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def route(request: web.Request) -> web.Response:
            kind = request.content_type
            encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
            if kind not in (PROTOBUF, JSON):
                return _unsupported(f"Content-Type must be {PROTOBUF} or {JSON}")
            if encoding not in ("gzip", "identity"):
                return _unsupported("Content-Encoding must be gzip")
            try:
                body = await self._read(request)
                if encoding == "gzip":
                    body = await self._in_thread(lambda: gunzip(body, self._max_request_bytes))
                return _respond(await handle(body, kind == JSON), kind)
            except ClawTraceError as e:
                return _respond_failure(failure(e), kind)

        return route

    async def _read(self, request: web.Request) -> bytes:
        try:
            return await request.read()
        except web.HTTPRequestEntityTooLarge as e:
            msg = f"the request has over {self._max_request_bytes} bytes"
            raise TooLargeError(msg) from e

    async def _traces(self, body: bytes, is_json: bool) -> Message:
        if is_json:
            body = await self._in_thread(lambda: traces_to_protobuf(body))
        return trace_response(await self._ingest.submit("traces", body))

    async def _logs(self, body: bytes, is_json: bool) -> Message:
        if is_json:
            body = await self._in_thread(lambda: logs_to_protobuf(body))
        await self._ingest.submit("logs", body)
        return ExportLogsServiceResponse()

    async def _metrics(self, body: bytes, is_json: bool) -> Message:
        """Accepted and dropped: an agent that sends all signals here must not log errors."""
        del body, is_json
        return ExportMetricsServiceResponse()

    async def _in_thread(self, unpack: Callable[[], bytes]) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._unpacker, unpack)


def _unsupported(text: str) -> web.Response:
    return web.Response(status=415, text=text)


def _respond(message: Message, kind: str, status: int = 200) -> web.Response:
    if kind == JSON:
        body = json.dumps(MessageToDict(message)).encode()
    else:
        body = message.SerializeToString()
    return web.Response(body=body, status=status, content_type=kind)


def _respond_failure(status: Status, kind: str) -> web.Response:
    response = _respond(status, kind, _HTTP_STATUS[status.code])
    if status.code == UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response
