"""OTLP over gRPC. Bodies stay bytes until the ingest thread decodes them."""

from typing import TypeAlias

import grpc

from clawtrace_otel.collector.addresses import split_address
from clawtrace_otel.collector.answers import failure, trace_response
from clawtrace_otel.collector.ingest import Accepted, Ingest, Signal
from clawtrace_otel.errors import ClawTraceError, ConfigError

TRACES = "opentelemetry.proto.collector.trace.v1.TraceService"
LOGS = "opentelemetry.proto.collector.logs.v1.LogsService"
METRICS = "opentelemetry.proto.collector.metrics.v1.MetricsService"

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class GrpcReceiver:
    """An OTLP/gRPC server.

    Args:
        ingest: takes the requests.
        address: ``host:port``; port 0 takes a free one.
        max_request_bytes: of a request, also after decompression; larger ones are answered
            RESOURCE_EXHAUSTED.
    """

    def __init__(self, ingest: Ingest, address: str, max_request_bytes: int) -> None:
        self._ingest = ingest
        self._address = address
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", max_request_bytes),
                # Two services on one port would each get a part of the spans.
                ("grpc.so_reuseport", 0),
            ]
        )
        for service, handler in (
            (TRACES, self._traces),
            (LOGS, self._logs),
            (METRICS, self._metrics),
        ):
            method = grpc.unary_unary_rpc_method_handler(handler)
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
            port: int = self._server.add_insecure_port(self._address)
        except RuntimeError as e:
            msg = f"cannot listen on {self._address} for gRPC: {e}; choose another with --grpc"
            raise ConfigError(msg) from e
        await self._server.start()
        return port

    async def stop(self, grace_seconds: float) -> None:
        """Take no new requests, and wait for those under way."""
        await self._server.stop(grace_seconds)

    async def _traces(self, body: bytes, context: Context) -> bytes:
        accepted = await self._submit("traces", body, context)
        return trace_response(accepted).SerializeToString()

    async def _logs(self, body: bytes, context: Context) -> bytes:
        await self._submit("logs", body, context)
        return b""

    async def _metrics(self, body: bytes, context: Context) -> bytes:
        """Accepted and dropped: an agent that sends all signals here must not log errors."""
        del body, context
        return b""

    async def _submit(self, signal: Signal, body: bytes, context: Context) -> Accepted:
        try:
            return await self._ingest.submit(signal, body)
        except ClawTraceError as e:
            status = failure(e)
            metadata = (("grpc-status-details-bin", status.SerializeToString()),)
            await context.abort(_CODES[status.code], status.message, metadata)
            raise
