"""What the resource and the scope of a request say of all the spans and log records in them."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from clawtrace_otel.semconv import attributes as a


class Origin(NamedTuple):
    """Where spans come from.

    Attributes:
        service: ``service.name``; empty if the sender names none.
        scope: name of the instrumentation scope.
        run: the attributes of ``attributes.RUN`` that the resource has; a span's own win.
    """

    service: str
    scope: str
    run: Mapping[str, object]


def read_origin(resource: bytes, scope: str) -> Origin:
    """The origin of spans, by their resource as it is encoded. What is damaged says nothing."""
    try:
        attributes = Resource.FromString(resource).attributes
    except DecodeError:
        return Origin("", scope, {})
    return origin_of(attributes, scope)


def origin_of(resource: Iterable[KeyValue], scope: str = "") -> Origin:
    """The origin of spans, by the attributes of their resource."""
    told = {kv.key: kv.value.string_value for kv in reversed(list(resource))}
    run = {key: told[key] for key in a.RUN if told.get(key)}
    return Origin(told.get(a.SERVICE_NAME, ""), scope, run)
