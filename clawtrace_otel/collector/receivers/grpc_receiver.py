"""OTLP over gRPC. Bodies stay bytes until the ingest thread decodes them.

The methods are unary for clients. Here they are stream-unary, which is the same on the wire: so the
sender is known and there is room before its message is received (docs/decisions/0015-receivers.md).
"""

from collections.abc import Awaitable, Callable

import grpc

from clawtrace_otel.collector.reader import Body
from clawtrace_otel.collector.receivers.addresses import split_address
from clawtrace_otel.collector.receivers.answers import trace_response
from clawtrace_otel.collector.receivers.reading import Context, read_message
from clawtrace_otel.collector.receivers.reception import Reception
from clawtrace_otel.collector.security.access import Access
from clawtrace_otel.errors import ClawTraceError, ConfigError

TRACES = "opentelemetry.proto.collector.trace.v1.TraceService"
LOGS = "opentelemetry.proto.collector.logs.v1.LogsService"
METRICS = "opentelemetry.proto.collector.metrics.v1.MetricsService"

Handler = Callable[[Body], Awaitable[bytes]]

_CODES = {code.value[0]: code for code in grpc.StatusCode}

_OPTIONS = (
    # Two services on one port would each get a part of the spans.
    ("grpc.so_reuseport", 0),
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_concurrent_streams", 100),
    # Left to itself gRPC takes in tens of megabytes of a message that nobody has asked for yet.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 256 << 10),
    ("grpc.max_metadata_size", 16 << 10),
    ("grpc.absolute_max_metadata_size", 16 << 10),
    ("grpc.max_connection_idle_ms", 300_000),
    # A peer that is gone without a word is found after 80 s.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


class GrpcReceiver:
    """An OTLP/gRPC server.

    Args:
        reception: takes the requests.
        address: ``host:port``; port 0 takes a free one.
        access: who may send, and how much.
    """

    def __init__(self, reception: Reception, address: str, access: Access) -> None:
        self._reception = reception
        self._address = address
        self._access = access
        self._server = grpc.aio.server(
            options=[
                *_OPTIONS,
                ("grpc.max_receive_message_length", access.max_request_bytes),
                ("grpc.max_allowed_incoming_connections", access.max_connections),
            ]
        )
        for service, handle in (
            (TRACES, self._traces),
            (LOGS, self._logs),
            (METRICS, self._metrics),
        ):
            method = grpc.stream_unary_rpc_method_handler(self._route(handle))
            generic = grpc.method_handlers_generic_handler(service, {"Export": method})
            self._server.add_generic_rpc_handlers((generic,))

    async def start(self) -> int:
        """Listen.

        Returns:
            The port.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        split_address(self._address, "--grpc")
        try:
            port = self._add_port()
        except RuntimeError as e:
            msg = f"cannot listen on {self._address} for gRPC: {e}; choose another with --grpc"
            raise ConfigError(msg) from e
        await self._server.start()
        return port

    async def stop(self, grace_seconds: float) -> None:
        """Take no new requests, and wait for those under way."""
        await self._server.stop(grace_seconds)

    def _add_port(self) -> int:
        if self._access.tls:
            credentials = self._access.tls.grpc_credentials()
            port: int = self._server.add_secure_port(self._address, credentials)
        else:
            port = self._server.add_insecure_port(self._address)
        return port

    def _route(self, handle: Handler) -> Callable[[object, Context], Awaitable[bytes]]:
        async def route(messages: object, context: Context) -> bytes:
            del messages
            try:
                return await handle(await self._read(context))
            except ClawTraceError as e:
                status = self._reception.refuse(e)
                metadata = (("grpc-status-details-bin", status.SerializeToString()),)
                await context.abort(_CODES[status.code], status.message, metadata)
                raise

        return route

    async def _read(self, context: Context) -> Body:
        sender = self._access.guard.admit(_authorization(context))
        async with self._access.gate.read():
            body = Body(await read_message(context))
            self._access.gate.has_read(len(body))
        self._access.guard.charge(sender, len(body))
        return body

    async def _traces(self, body: Body) -> bytes:
        return trace_response(await self._reception.take("traces", body)).SerializeToString()

    async def _logs(self, body: Body) -> bytes:
        await self._reception.take("logs", body)
        return b""

    async def _metrics(self, body: Body) -> bytes:
        """Accepted and dropped: an agent that sends all signals here must not log errors."""
        del body
        return b""


def _authorization(context: Context) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization" and isinstance(value, str):
            return value
    return None
