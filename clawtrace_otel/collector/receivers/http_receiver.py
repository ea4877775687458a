"""OTLP over HTTP: protobuf and JSON on one port, with or without gzip."""

import asyncio
import json
import logging
import math
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)

from clawtrace_otel.collector.ingest import FailedError, UnavailableError
from clawtrace_otel.collector.reader import Body
from clawtrace_otel.collector.receivers.addresses import split_address
from clawtrace_otel.collector.receivers.answers import http_status, retry_seconds, trace_response
from clawtrace_otel.collector.receivers.listener import Listener
from clawtrace_otel.collector.receivers.reading import (
    SlowError,
    announced_size,
    check_size,
    read_body,
)
from clawtrace_otel.collector.receivers.reception import Reception
from clawtrace_otel.collector.receivers.unpack import gunzip
from clawtrace_otel.collector.security.access import Access
from clawtrace_otel.collector.security.tokens import UnauthenticatedError
from clawtrace_otel.errors import ClawTraceError, ConfigError
from clawtrace_otel.otlp.json_body import logs_to_protobuf, traces_to_protobuf

_log = logging.getLogger(__name__)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

GRACE_SECONDS = 5.0
"""For requests under way when the service stops."""

IDLE_SECONDS = 60.0
"""For the headers of a request to come in, the first as well as the next."""

_log = logging.getLogger(__name__)
_log.addFilter(lambda record: not (record.exc_info and _is_bad_request(record.exc_info[1])))

Handler = Callable[[Body], Awaitable[Message]]
ToProtobuf = Callable[[bytes], bytes]


class HttpReceiver:
    """An OTLP/HTTP server.

    Args:
        reception: takes the requests.
        address: ``host:port``; port 0 takes a free one.
        access: who may send, and how much.
    """

    def __init__(self, reception: Reception, address: str, access: Access) -> None:
        self._reception = reception
        self._address = address
        self._access = access
        self._listener: Listener | None = None
        # One at a time, so that what is being unpacked has bounds too.
        self._unpacker = ThreadPoolExecutor(1, "clawtrace-unpack")
        app = web.Application(client_max_size=access.max_request_bytes)
        app.router.add_post("/v1/traces", self._route(self._traces, traces_to_protobuf))
        app.router.add_post("/v1/logs", self._route(self._logs, logs_to_protobuf))
        app.router.add_post("/v1/metrics", self._route(self._metrics, bytes))
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=GRACE_SECONDS,
            keepalive_timeout=IDLE_SECONDS,
            logger=_log,
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
        if self._runner.server is None:
            raise AssertionError
        self._listener = Listener(
            self._runner.server, self._access.max_connections, self._access.tls
        )
        try:
            return await self._listener.start(host.strip("[]"), port)
        except OSError as e:
            msg = f"cannot listen on {self._address} for HTTP: {e}; choose another with --http"
            raise ConfigError(msg) from e

    async def stop(self) -> None:
        """Take no new requests, and wait for those under way."""
        if self._listener:
            await self._listener.stop()
        await self._runner.cleanup()
        await asyncio.to_thread(self._unpacker.shutdown)

    def _route(
        self, handle: Handler, to_protobuf: ToProtobuf
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def route(request: web.Request) -> web.Response:
            kind = request.content_type
            try:
                sender = self._access.guard.admit(request.headers.get("Authorization"))
                if unsupported := _unsupported(request):
                    return unsupported
                check_size(request, self._access.max_request_bytes)
                async with self._access.gate.read(announced_size(request)):
                    body = await self._read(request, sender, to_protobuf)
                    self._access.gate.has_read(len(body))
                return _respond(await handle(body), kind)
            except ClawTraceError as e:
                return _respond_failure(e, self._reception.refuse(e), kind)
            except ConnectionError:
                raise  # nobody is there to be answered
            except Exception:
                _log.exception("a request failed")
                error = FailedError("internal error, see the log of the service")
                return _respond_failure(error, self._reception.refuse(error), kind)

        return route

    async def _read(self, request: web.Request, sender: str, to_protobuf: ToProtobuf) -> Body:
        limit = self._access.max_request_bytes
        body = await read_body(request, limit)
        if _encoding(request) == "gzip":
            body = await self._in_thread(lambda: gunzip(body, limit))
        self._access.guard.charge(sender, len(body))
        if request.content_type == JSON:
            body = await self._in_thread(lambda: to_protobuf(body))
        return Body(body)

    async def _traces(self, body: Body) -> Message:
        return trace_response(await self._reception.take("traces", body))

    async def _logs(self, body: Body) -> Message:
        await self._reception.take("logs", body)
        return ExportLogsServiceResponse()

    async def _metrics(self, body: Body) -> Message:
        """Accepted and dropped: an agent that sends all signals here must not log errors."""
        del body
        return ExportMetricsServiceResponse()

    async def _in_thread(self, unpack: Callable[[], bytes]) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._unpacker, unpack)


def _is_bad_request(error: BaseException | None) -> bool:
    """Whether aiohttp could not read a request; its message quotes headers, which hold tokens."""
    return isinstance(error, HttpProcessingError)


def _encoding(request: web.Request) -> str:
    return request.headers.get("Content-Encoding", "identity").strip().lower()


def _unsupported(request: web.Request) -> web.Response | None:
    if request.content_type not in (PROTOBUF, JSON):
        return web.Response(status=415, text=f"Content-Type must be {PROTOBUF} or {JSON}")
    if _encoding(request) not in ("gzip", "identity"):
        return web.Response(status=415, text="Content-Encoding must be gzip")
    return None


def _respond(message: Message, kind: str, status: int = 200) -> web.Response:
    if kind == JSON:
        body = json.dumps(MessageToDict(message)).encode()
    else:
        body = message.SerializeToString()
    return web.Response(body=body, status=status, content_type=kind)


def _respond_failure(error: ClawTraceError, status: Status, kind: str) -> web.Response:
    response = _respond(status, kind if kind == JSON else PROTOBUF, http_status(error))
    if isinstance(error, UnavailableError):
        response.headers["Retry-After"] = str(math.ceil(retry_seconds(error)))
    if isinstance(error, UnauthenticatedError):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, SlowError):
        response.force_close()
    return response
