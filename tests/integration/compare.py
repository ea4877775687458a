"""Spans that were sent, held against those that came out behind clawtrace."""

from collections.abc import Iterable, Iterator
from copy import deepcopy

from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.conformance.sink import OWN, Landed

Key = tuple[bytes, bytes]
"""Trace id and span id."""


def landed_in(requests: Iterable[bytes]) -> dict[Key, list[Landed]]:
    """All spans of export requests, by their ids."""
    found: dict[Key, list[Landed]] = {}
    for one in _all(requests):
        found.setdefault((one.span.trace_id, one.span.span_id), []).append(one)
    return found


def difference(sent: Landed, came: Landed) -> str:
    """What was lost or changed on the way; "" if nothing was.

    The attributes that were sent must come first, as they were; ours may follow.
    """
    count = len(sent.span.attributes)
    added = [item.key for item in came.span.attributes[count:]]
    own = [key for key in added if not key.startswith(OWN)]
    twice = {item.key for item in sent.span.attributes} & set(added)
    if own or twice or len(set(added)) < len(added):
        return f"attributes were added: {own or twice or added}"
    for name, one, other in zip(NAMES, _parts(sent), _parts(came, count), strict=True):
        if one != other:
            return f"{name}: {one!r}\n!= {other!r}"
    return ""


NAMES = ("span", "scope", "schema of scope", "resource", "schema of resource")


def _parts(landed: Landed, attributes: int | None = None) -> list[bytes | str]:
    span = deepcopy(landed.span)
    del span.attributes[attributes if attributes is not None else len(span.attributes) :]
    _mend(span)
    return [
        _bytes(span),
        _bytes(landed.scope.scope),
        landed.scope.schema_url,
        _bytes(landed.resource.resource),
        landed.resource.schema_url,
    ]


def _mend(span: Span) -> None:
    """An empty status says what no status says; the Collector writes one for the other."""
    if not span.status.ByteSize():
        span.ClearField("status")


def _bytes(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


def _all(requests: Iterable[bytes]) -> Iterator[Landed]:
    for request in requests:
        for resource in ExportTraceServiceRequest.FromString(request).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    yield Landed(resource, scope, span)
