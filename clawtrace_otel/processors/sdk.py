"""The SDK's ended spans, read and copied with attributes added.

An ended span of the SDK cannot be changed: ``Span.end()`` makes its attributes immutable before any
processor is called (opentelemetry-python issue 5614). So what is handed on is a copy.
"""

import logging
from collections.abc import Mapping

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from clawtrace_otel.otlp.values import Scalar
from clawtrace_otel.processors.enrich import Enricher
from clawtrace_otel.processors.quiet_log import QuietLog
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects import READ_EVENTS, is_read
from clawtrace_otel.semconv.read_step import read_step
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.settings import Content
from clawtrace_otel.span import Event, Span

_log = QuietLog(logging.getLogger(__name__))


def read_sdk_span(span: ReadableSpan) -> Span:
    """An ended span of the SDK as the normaliser takes it."""
    context, parent = span.get_span_context(), span.parent
    told = span.resource.attributes
    service = told.get(a.SERVICE_NAME)
    own = {key: value for key, value in (span.attributes or {}).items() if is_read(key)}
    return Span(
        trace_id=f"{context.trace_id:032x}" if context else "",
        span_id=f"{context.span_id:016x}" if context else "",
        parent_id=f"{parent.span_id:016x}" if parent and parent.span_id else "",
        name=span.name,
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        attributes={**{key: told[key] for key in a.RUN if key in told}, **own},
        events=[
            Event(event.name, dict(event.attributes or {}))
            for event in span.events
            if event.name in READ_EVENTS
        ],
        failed=span.status.status_code is StatusCode.ERROR,
        status_message=span.status.description or "",
        scope=span.instrumentation_scope.name if span.instrumentation_scope else "",
        service=service if isinstance(service, str) else "",
        links=[
            (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") for link in span.links
        ],
    )


def read_sdk_step(span: ReadableSpan, content: Content) -> Step:
    """An ended span of the SDK as a step."""
    return read_step(read_sdk_span(span), content)


class EnrichedSpan(ReadableSpan):
    """A copy of an ended span with attributes added; those that it has are not overwritten."""

    def __init__(self, span: ReadableSpan, added: Mapping[str, Scalar]) -> None:
        super().__init__(
            name=span.name,
            context=span.get_span_context(),
            parent=span.parent,
            resource=span.resource,
            attributes={**added, **(span.attributes or {})},
            events=span.events,
            links=span.links,
            kind=span.kind,
            status=span.status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )
        self._source = span

    @property
    def dropped_attributes(self) -> int:
        """As the original counted them."""
        return self._source.dropped_attributes

    @property
    def dropped_events(self) -> int:
        """As the original counted them."""
        return self._source.dropped_events

    @property
    def dropped_links(self) -> int:
        """As the original counted them."""
        return self._source.dropped_links


def enriched(enricher: Enricher, span: ReadableSpan) -> ReadableSpan:
    """The span with what is found out about it; as it is if that fails, for nothing may raise."""
    try:
        added = enricher.enrich(read_sdk_step(span, enricher.content))
        return EnrichedSpan(span, added) if added else span
    except Exception:
        _log.exception("span %s is passed on without clawtrace attributes", span.name)
        return span
