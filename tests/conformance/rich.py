"""A span with everything that OTLP knows, and with what it does not know yet."""

from collections.abc import Callable

from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.collector import otlp
from tests.conformance.sink import Landed
from tests.otlp.requests import any_value, attributes

UNKNOWN = b"\xfa\x3f\x03new"
"""Field 1023, a text: of a protocol to come."""

VALUES: dict[str, object] = {
    "text": "ä\0\u2028",
    "empty": "",
    "true": True,
    "false": False,
    "int": -(2**63),
    "double": 0.1,
    "infinite": float("inf"),
    "bytes": b"\xff\0",
    "list": ["a", 1, None, [], {"b": [False]}],
    "map": {"x": {"y": 1.5}, "z": b""},
    "nothing": None,
    "gen_ai.usage.cost": 0.01,
}


def rich(trace: int) -> Landed:
    """A span with everything that a span can have, and what it stands in."""
    span = otlp.llm(2, trace, 1)
    span.trace_state = "vendor=1,other=2"
    span.flags = 0xFFFF_F301
    span.kind = Span.SPAN_KIND_CONSUMER
    span.attributes.extend(attributes(VALUES))
    span.attributes.append(KeyValue(key="text", value=AnyValue(string_value="twice")))
    span.dropped_attributes_count = 2**32 - 1
    span.dropped_events_count, span.dropped_links_count = 2, 3
    for n in range(2):
        event = span.events.add(time_unix_nano=n, name=f"event {n}", dropped_attributes_count=n)
        event.attributes.extend(attributes(VALUES))
    link = span.links.add(trace_id=b"\1" * 16, span_id=b"\2" * 8, trace_state="l=1", flags=0x301)
    link.attributes.extend(attributes({"why": "because"}))
    link.dropped_attributes_count = 4
    span.status.code, span.status.message = Status.STATUS_CODE_ERROR, "failed"
    request = otlp.request(span)
    resource, scope = request.resource_spans[0], request.resource_spans[0].scope_spans[0]
    resource.schema_url, scope.schema_url = "https://tests/resource", "https://tests/scope"
    resource.resource.attributes.append(KeyValue(key="list", value=any_value([1, "a"])))
    resource.resource.dropped_attributes_count = 5
    scope.scope.version, scope.scope.dropped_attributes_count = "1.0", 6
    scope.scope.attributes.extend(attributes({"scope": "attribute"}))
    made = Landed(resource, scope, scope.spans[0])
    for holder in HOLDERS.values():
        holder(made).MergeFromString(UNKNOWN)
    return made


HOLDERS: dict[str, Callable[[Landed], Message]] = {
    "span": lambda landed: landed.span,
    "event": lambda landed: landed.span.events[0],
    "link": lambda landed: landed.span.links[0],
    "status": lambda landed: landed.span.status,
    "attribute": lambda landed: landed.span.attributes[0],
    "scope": lambda landed: landed.scope.scope,
    "scope spans": lambda landed: landed.scope,
    "resource": lambda landed: landed.resource.resource,
    "resource spans": lambda landed: landed.resource,
}
"""The messages that are given a field of a protocol to come."""
