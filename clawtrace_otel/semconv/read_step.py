"""Spans become steps that hold no more content than the policy lets through."""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.content import keep
from clawtrace_otel.semconv.messages import name_of
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.settings import Content
from clawtrace_otel.span import Span


def read_step(span: Span, content: Content) -> Step:
    """Read one span. Never raises; see :func:`clawtrace_otel.semconv.normalize.normalize`.

    Args:
        span: as ``normalize`` takes it.
        content: the policy.
    """
    step = normalize(span)
    keep(step, content, _error_type(span))
    return step


def _error_type(span: Span) -> str:
    """``error.type``, or the type of the last exception; both are defined to be few words."""
    exceptions = (e.attributes for e in reversed(span.events) if e.name == a.EXCEPTION_EVENT)
    told = (span.attributes.get(a.ERROR_TYPE), *(e.get(a.EXCEPTION_TYPE) for e in exceptions))
    return next((name for name in map(name_of, told) if name), "")
