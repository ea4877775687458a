"""What both receivers do with a request: take it up, count it, and say how it went."""

import time

from google.rpc.status_pb2 import Status

from clawtrace_otel.collector.ingest import FailedError, Ingest, UnavailableError
from clawtrace_otel.collector.reader import Accepted, Body, Signal
from clawtrace_otel.collector.receivers.answers import failure
from clawtrace_otel.collector.receivers.reading import CardinalityError, SlowError
from clawtrace_otel.collector.receivers.unpack import TooLargeError
from clawtrace_otel.collector.security.rate_limit import RateLimitedError
from clawtrace_otel.collector.security.tokens import UnauthenticatedError
from clawtrace_otel.collector.telemetry.metrics import ServiceMetrics
from clawtrace_otel.collector.telemetry.own_traces import OwnTraces
from clawtrace_otel.collector.telemetry.table import Refusal, Transport
from clawtrace_otel.errors import ClawTraceError, DecodeError

_REFUSALS: dict[type[ClawTraceError], Refusal] = {
    TooLargeError: "too_large",
    DecodeError: "undecodable",
    CardinalityError: "undecodable",
    SlowError: "slow",
    UnauthenticatedError: "unauthenticated",
    RateLimitedError: "rate_limited",
}


class Reception:
    """Takes the requests of one receiver.

    Args:
        ingest: puts them into the journal.
        transport: of the receiver.
        metrics: count them.
        own_traces: get a span for each.
    """

    def __init__(
        self, ingest: Ingest, transport: Transport, metrics: ServiceMetrics, own_traces: OwnTraces
    ) -> None:
        self._ingest = ingest
        self._transport = transport
        self._metrics = metrics
        self._own_traces = own_traces

    async def take(self, signal: Signal, body: Body) -> Accepted:
        """Put a request into the journal. See :meth:`Ingest.submit`."""
        start_ns, started = time.time_ns(), time.monotonic()
        try:
            accepted = await self._ingest.submit(signal, body)
        except ClawTraceError:
            # Errors keep what the frames that they came through hold, and live for a while.
            body.take()
            raise
        self._metrics.accepted(self._transport, accepted.spans)
        if signal == "traces":
            self._metrics.acknowledged(self._transport, time.monotonic() - started)
        if not accepted.only_own:
            self._own_traces.ingested(
                self._transport, start_ns, spans=accepted.spans, rejected=accepted.rejected
            )
        return accepted

    def refuse(self, error: ClawTraceError) -> Status:
        """What the sender of a request that was not taken up is answered."""
        if isinstance(error, FailedError):
            self._metrics.failed(self._transport, error.spans)
        elif isinstance(error, UnavailableError) and type(error) not in _REFUSALS:
            self._metrics.refused(self._transport, error.reason, error.spans)
        else:
            self._metrics.refused(self._transport, _REFUSALS.get(type(error), "undecodable"))
        return failure(error)
