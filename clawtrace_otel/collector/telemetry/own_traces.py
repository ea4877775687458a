"""Spans of the service's own work: one a request that was taken up, one a card that was written.

They go to an OTLP receiver that is not the service itself. Where they come back nevertheless, by
way of a Collector or another replica, they are known by their scope and make no further spans.
"""

import importlib
import threading
from collections.abc import Iterable, Mapping

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import NoOpTracerProvider, SpanKind

from clawtrace_otel.collector.forwarding.senders import Target, parse_target
from clawtrace_otel.collector.telemetry.identity import VERSION
from clawtrace_otel.collector.telemetry.table import Transport
from clawtrace_otel.errors import ConfigError
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.span import Span

SCOPE = "clawtrace_otel.collector"
"""Of the spans. A Collector may rename a service; scopes it leaves alone."""

TIMEOUT_SECONDS = 5.0
"""Of one export, with all its retries. What waits at the end of the service has as long."""

_EXPORTERS = {
    "grpc": "opentelemetry-exporter-otlp-proto-grpc",
    "http": "opentelemetry-exporter-otlp-proto-http",
}
"""Protocol -> the package that speaks it."""


class OwnTraces:
    """Sends spans of the service's own work, or does nothing.

    ``OTEL_TRACES_SAMPLER`` decides which, ``OTEL_RESOURCE_ATTRIBUTES`` adds to the resource, and
    ``OTEL_EXPORTER_OTLP_HEADERS`` to the requests.

    Args:
        url: of an OTLP receiver: gRPC, or HTTP if the port is 4318 or the path ends in
            ``/v1/traces``. "": there are no spans.
        identity: resource attributes of the service.

    Raises:
        ConfigError: the URL is wrong, or the package that speaks its protocol is not installed.
    """

    def __init__(self, url: str, identity: Mapping[str, str]) -> None:
        self._provider = _make_provider(url, identity) if url else None
        provider = self._provider or NoOpTracerProvider()
        self._tracer = provider.get_tracer(SCOPE, VERSION)

    def ingested(
        self, transport: Transport, start_ns: int, *, spans: int, rejected: int = 0
    ) -> None:
        """A request was taken up.

        Args:
            transport: by which it came.
            start_ns: when, in Unix nanoseconds.
            spans: that it brought and that were accepted.
            rejected: that were not.
        """
        found: dict[str, str | int] = {
            a.NETWORK_PROTOCOL_NAME: transport,
            a.SELF_INGEST_SPANS: spans,
            a.SELF_INGEST_REJECTED_SPANS: rejected,
        }
        self._span(a.SELF_INGEST, SpanKind.SERVER, start_ns, found)

    def card(self, trace_id: str, start_ns: int, *, revision: int) -> None:
        """A card was compiled and written.

        Args:
            trace_id: of the card.
            start_ns: when the work on it began, in Unix nanoseconds.
            revision: of the card.
        """
        found: dict[str, str | int] = {
            a.SELF_CARD_TRACE_ID: trace_id,
            a.SELF_CARD_REVISION: revision,
        }
        self._span(a.SELF_CARD, SpanKind.INTERNAL, start_ns, found)

    def close(self) -> None:
        """Send what waits, for ``TIMEOUT_SECONDS`` at most."""
        if self._provider is not None:
            # The SDK itself would try for up to 30 s.
            closing = threading.Thread(target=self._provider.shutdown, daemon=True)
            closing.start()
            closing.join(TIMEOUT_SECONDS)

    def _span(
        self, name: str, kind: SpanKind, start_ns: int, attributes: Mapping[str, str | int]
    ) -> None:
        # A trace of its own: whatever else is under way in this process is not its parent.
        span = self._tracer.start_span(name, Context(), kind, attributes, start_time=start_ns)
        span.end()


def only_own(spans: Iterable[Span]) -> bool:
    """Whether a request brings nothing but spans of such services; it must not make a new one."""
    return all(span.scope == SCOPE for span in spans)


def _make_provider(url: str, identity: Mapping[str, str]) -> TracerProvider:
    exporter = _make_exporter(parse_target(url, "own_traces"))
    provider = TracerProvider(resource=Resource.create(dict(identity)), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _make_exporter(target: Target) -> SpanExporter:
    protocol = "http" if target.is_http else "grpc"
    try:
        module = importlib.import_module(
            f"opentelemetry.exporter.otlp.proto.{protocol}.trace_exporter"
        )
    except ModuleNotFoundError as e:
        msg = f"own_traces is {target.url!r}, and that needs: pip install {_EXPORTERS[protocol]}"
        raise ConfigError(msg) from e
    exporter: SpanExporter = module.OTLPSpanExporter(endpoint=target.url, timeout=TIMEOUT_SECONDS)
    return exporter
