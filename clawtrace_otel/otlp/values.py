"""OTLP's ``AnyValue`` and ``KeyValue`` to Python values and back."""

from collections.abc import Iterable, Mapping

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanProto

from clawtrace_otel.semconv.dialects import is_read

Scalar = str | bool | int | float


def read_value(value: AnyValue) -> object:
    """The Python value: str, bool, int, float, bytes, list, dict, or ``None`` if it is unset."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [read_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: read_value(item.value) for item in value.kvlist_value.values}
    return getattr(value, kind)


def read_attributes(items: Iterable[KeyValue]) -> dict[str, object]:
    """The attributes that some dialect names; of a key that is there twice, the first."""
    found: dict[str, object] = {}
    for item in items:
        key = item.key
        if is_read(key) and key not in found:
            found[key] = read_value(item.value)
    return found


def encode_attributes(values: Mapping[str, Scalar]) -> bytes:
    """Attributes as bytes to be put behind an encoded span.

    Encoded messages that follow one another are merged when they are read (protobuf's encoding
    guide, "Last One Wins"), so ``span_bytes + encode_attributes(…)`` is the span with these
    attributes added and nothing else changed.
    """
    span = SpanProto(attributes=[_key_value(key, value) for key, value in values.items()])
    return span.SerializeToString()


def _key_value(key: str, value: Scalar) -> KeyValue:
    if isinstance(value, bool):
        return KeyValue(key=key, value=AnyValue(bool_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    if isinstance(value, float):
        return KeyValue(key=key, value=AnyValue(double_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=value))
