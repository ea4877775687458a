"""Neutral spans to OTLP's messages. Source: OTLP 1.11, ``opentelemetry/proto/trace/v1``."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanProto

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.span import Span

_MAX_INT = 2**63
_ID_SIZES = (32, 16)


def encode_request(spans: Iterable[tuple[Span, Mapping[str, object]]]) -> bytes:
    """An ``ExportTraceServiceRequest``.

    Args:
        spans: each with attributes to be added to its own.
    """
    request = ExportTraceServiceRequest()
    for (service, scope), run in groupby(spans, lambda pair: (pair[0].service, pair[0].scope)):
        resource = Resource(attributes=_attributes({a.SERVICE_NAME: service} if service else {}))
        scoped = ScopeSpans(
            scope=InstrumentationScope(name=scope),
            spans=[encode_span(span, added) for span, added in run],
        )
        request.resource_spans.append(ResourceSpans(resource=resource, scope_spans=[scoped]))
    return request.SerializeToString()


def encode_span(span: Span, added: Mapping[str, object]) -> SpanProto:
    """A span with attributes added to its own; its own win."""
    code = Status.STATUS_CODE_ERROR if span.failed else Status.STATUS_CODE_UNSET
    return SpanProto(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_id),
        name=span.name,
        start_time_unix_nano=span.start_ns,
        end_time_unix_nano=span.end_ns,
        attributes=_attributes({**added, **span.attributes}),
        events=[
            SpanProto.Event(name=event.name, attributes=_attributes(event.attributes))
            for event in span.events
        ],
        links=[
            SpanProto.Link(trace_id=bytes.fromhex(trace), span_id=bytes.fromhex(other))
            for trace, other in span.links
            if (len(trace), len(other)) == _ID_SIZES
        ],
        status=Status(code=code, message=span.status_message),
    )


def _attributes(values: Mapping[str, object]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(item)) for key, item in values.items()]


def _value(value: object) -> AnyValue:
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int() if -_MAX_INT <= value < _MAX_INT:
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list() | tuple():
            return AnyValue(array_value=ArrayValue(values=[_value(item) for item in value]))
        case dict():
            fields = _attributes({str(key): item for key, item in value.items()})
            return AnyValue(kvlist_value=KeyValueList(values=fields))
        case _:
            return AnyValue(string_value=str(value))
