"""An SDK span processor that hands enriched copies of ended spans to the next processor."""

import threading

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from clawtrace_otel.processors.enrich import Enricher
from clawtrace_otel.processors.forking import call_in_forked_child
from clawtrace_otel.processors.sdk import enriched
from clawtrace_otel.semconv import masking
from clawtrace_otel.settings import load_settings
from clawtrace_otel.tracecard.factory import make_compiler


class ClawTraceSpanProcessor(SpanProcessor):
    """Adds cost and repeats to spans on their way to another processor.

    ::

        provider.add_span_processor(ClawTraceSpanProcessor(BatchSpanProcessor(OTLPSpanExporter())))

    It reads the attributes that the tables in ``semconv.dialects`` list and writes those of
    ``docs/attributes.md``. The work is done on the thread that ends the span; to keep it off that
    thread, wrap the exporter instead
    (:class:`clawtrace_otel.exporters.enriched.EnrichedSpanExporter`).

    Args:
        next_processor: gets every span, enriched.
        settings: see :mod:`clawtrace_otel.settings`.

    Raises:
        ConfigError: a setting is unknown or wrong.
    """

    def __init__(self, next_processor: SpanProcessor, **settings: object) -> None:
        self._next = next_processor
        self._compiler = make_compiler(load_settings(settings))
        self._compiler.pricer.warm_up()
        masking.warm_up()
        self._reset()
        call_in_forked_child(self._reset)

    def _reset(self) -> None:
        """Start anew: in a forked child the lock may be held by a thread that is not there."""
        self._lock = threading.Lock()
        self._enricher = Enricher(self._compiler)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Tell the next processor."""
        self._next.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Hand an enriched copy to the next processor."""
        with self._lock:
            copy = enriched(self._enricher, span)
        self._next.on_end(copy)

    def shutdown(self) -> None:
        """Shut the next processor down."""
        self._next.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the next processor."""
        return self._next.force_flush(timeout_millis)
