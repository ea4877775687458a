"""OTLP over HTTP: protobuf and JSON on one port, with or without gzip."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)

from clawtrace_otel.collector.answers import (
    RETRY_SECONDS,
    invalid,
    trace_response,
    unavailable,
)
from clawtrace_otel.collector.ingest import Ingest, UnavailableError
from clawtrace_otel.errors import ConfigError, DecodeError
from clawtrace_otel.otlp.json_body import logs_to_protobuf, traces_to_protobuf

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

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
        app = web.Application(client_max_size=max_request_bytes)
        app.router.add_post("/v1/traces", self._route(self._traces))
        app.router.add_post("/v1/logs", self._route(self._logs))
        app.router.add_post("/v1/metrics", self._route(self._metrics))
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)

    async def start(self) -> int:
        """Listen.

        Returns:
            The port.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        host, _, port = self._address.rpartition(":")
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, host.strip("[]"), int(port), reuse_port=False)
            await site.start()
        except (OSError, ValueError) as e:
            await self._runner.cleanup()
            msg = f"cannot listen on {self._address} for HTTP: {e}; choose another with --http"
            raise ConfigError(msg) from e
        bound: int = self._runner.addresses[0][1]
        return bound

    async def stop(self) -> None:
        """Take no new requests, and wait for those under way."""
        await self._runner.cleanup()

    def _route(self, handle: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def route(request: web.Request) -> web.Response:
            is_json = request.content_type == JSON
            if not is_json and request.content_type != PROTOBUF:
                text = f"Content-Type must be {PROTOBUF} or {JSON}"
                return web.Response(status=415, text=text)
            try:
                body = await request.read()
                return _respond(await handle(body, is_json), is_json)
            except (DecodeError, ContentEncodingError) as e:
                return _respond(invalid(str(e)), is_json, status=400)
            except UnavailableError as e:
                response = _respond(unavailable(str(e)), is_json, status=503)
                response.headers["Retry-After"] = str(RETRY_SECONDS)
                return response

        return route

    async def _traces(self, body: bytes, is_json: bool) -> Message:
        data = traces_to_protobuf(body) if is_json else body
        return trace_response(await self._ingest.submit("traces", data))

    async def _logs(self, body: bytes, is_json: bool) -> Message:
        await self._ingest.submit("logs", logs_to_protobuf(body) if is_json else body)
        return ExportLogsServiceResponse()

    async def _metrics(self, body: bytes, is_json: bool) -> Message:
        """Accepted and dropped: an agent that sends all signals here must not log errors."""
        del body, is_json
        return ExportMetricsServiceResponse()


def _respond(message: Message | Status, is_json: bool, status: int = 200) -> web.Response:
    if is_json:
        return web.json_response(MessageToDict(message), status=status)
    return web.Response(body=message.SerializeToString(), status=status, content_type=PROTOBUF)
