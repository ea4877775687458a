"""An SDK span exporter that hands enriched copies of spans to the next exporter."""

import threading
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from clawtrace_otel.processors.enrich import Enricher
from clawtrace_otel.processors.forking import call_in_forked_child
from clawtrace_otel.processors.sdk import enriched
from clawtrace_otel.settings import load_settings
from clawtrace_otel.tracecard.factory import make_compiler


class EnrichedSpanExporter(SpanExporter):
    """Adds cost and repeats to spans on their way to another exporter, off the agent's thread.

    ::

        BatchSpanProcessor(EnrichedSpanExporter(OTLPSpanExporter()))

    Args:
        next_exporter: gets every span, enriched.
        settings: see :mod:`clawtrace_otel.settings`.

    Raises:
        ConfigError: a setting is unknown or wrong.
        PriceError: the price file is wrong.
    """

    def __init__(self, next_exporter: SpanExporter, **settings: object) -> None:
        self._next = next_exporter
        self._compiler = make_compiler(load_settings(settings))
        self._reset()
        call_in_forked_child(self._reset)

    def _reset(self) -> None:
        """Start anew: in a forked child the lock may be held by a thread that is not there."""
        self._lock = threading.Lock()
        self._enricher = Enricher(self._compiler)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand enriched copies to the next exporter."""
        with self._lock:
            copies = [enriched(self._enricher, span) for span in spans]
        return self._next.export(copies)

    def shutdown(self) -> None:
        """Shut the next exporter down."""
        self._next.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the next exporter."""
        return self._next.force_flush(timeout_millis)
