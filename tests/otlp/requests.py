"""OTLP requests to decode."""

from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

TRACE_ID = bytes.fromhex("4bf92f3577b34da6a3ce929d0e0e4736")
SPAN_ID = bytes.fromhex("00f067aa0ba902b7")


def any_value(value: object) -> AnyValue:
    """A Python value in OTLP."""
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=attributes(value)))
    raise TypeError(value)


def attributes(values: dict[str, Any]) -> list[KeyValue]:
    """Python values as OTLP attributes."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def span(n: int = 1, **fields: Any) -> Span:
    """A span; ``attributes`` as Python values."""
    given = attributes(fields.pop("attributes", {}))
    defaults = {"trace_id": TRACE_ID, "span_id": n.to_bytes(8, "big"), "name": f"span {n}"}
    return Span(**{**defaults, **fields}, attributes=given)


def request(*scopes: list[Span]) -> ExportTraceServiceRequest:
    """A request of one resource with a scope for each list of spans."""
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=Resource(attributes=attributes({"service.name": "planner"})),
                scope_spans=[
                    ScopeSpans(scope=InstrumentationScope(name=f"scope {n}"), spans=spans)
                    for n, spans in enumerate(scopes)
                ],
            )
        ]
    )


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited field of the wire format, known to nobody or not."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(value: int) -> bytes:
    """A base-128 varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
