"""Trace requests, decoded span by span.

Source: OTLP 1.11, ``opentelemetry/proto/collector/trace/v1/trace_service.proto``.
"""

import logging
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError as ProtobufDecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanProto
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from clawtrace_otel.errors import DecodeError
from clawtrace_otel.otlp.origin import Origin, read_origin
from clawtrace_otel.otlp.skeleton_pb2 import TraceRequest
from clawtrace_otel.otlp.values import read_attributes, read_value
from clawtrace_otel.otlp.wire import fields
from clawtrace_otel.semconv.dialects import READ_EVENTS
from clawtrace_otel.span import Event, Span

_log = logging.getLogger(__name__)

MAX_REASONS = 5
"""How many rejected spans a partial success describes."""

MAX_ATTRIBUTE_BYTES = 8 << 20
"""Of an attribute that is read. A context of a million tokens is 4 to 5 MB; what is larger is no
prompt, and what is made of it would take many times its size in memory."""

MIN_SPAN_BYTES = 1000
"""What a span counts at least when a request is decoded in parts."""

Place = tuple[int, int]
"""Index of the resource, index of the scope within it."""


@dataclass(slots=True)
class Received:
    """A span that was accepted, the bytes that its sender wrote, and where they stood.

    Attributes:
        place: index of the resource, index of the scope within it.
    """

    span: Span
    raw: bytes
    place: Place


@dataclass(slots=True)
class TraceBatch:
    """A decoded request.

    Attributes:
        envelope: the request without its spans.
        received: the accepted spans in the order of the request.
        rejected: how many spans were not accepted.
        invalid_ids: how many of them for their ids.
        reasons: why, for the first few, each with the path to the span.
    """

    envelope: TraceRequest
    received: list[Received] = field(default_factory=list)
    rejected: int = 0
    invalid_ids: int = 0
    reasons: list[str] = field(default_factory=list)

    _origins: dict[Place, Origin] = field(default_factory=dict)

    def origin(self, place: Place) -> Origin:
        """Where the spans of a place come from."""
        found = self._origins.get(place)
        if found is None:
            resource_spans = self.envelope.resource_spans[place[0]]
            scope = _scope_name(resource_spans.scope_spans[place[1]].scope)
            found = self._origins[place] = read_origin(resource_spans.resource, scope)
        return found

    @property
    def rejection(self) -> str:
        """See :func:`rejection`."""
        return rejection(self.rejected, self.reasons)


def rejection(rejected: int, reasons: list[str]) -> str:
    """The message of a partial success; empty if all was accepted."""
    more = rejected - len(reasons)
    return "; ".join(reasons) + (f"; and {more} more" if more else "")


class _InvalidIdError(DecodeError):
    """An id has the wrong length, or is all zero."""


def decode_traces(body: bytes) -> TraceBatch:
    """Decode an ``ExportTraceServiceRequest`` as a whole. See :func:`decode_in_parts`."""
    return next(decode_in_parts(body), TraceBatch(TraceRequest()))


def decode_in_parts(body: bytes, max_bytes: float = math.inf) -> Iterator[TraceBatch]:
    """Decode an ``ExportTraceServiceRequest``, some spans at a time.

    A span with impossible ids or damaged bytes is rejected, and the rest is kept.

    Args:
        body: the request.
        max_bytes: of the spans of one part, unless one span alone is larger. A span counts at least
            ``MIN_SPAN_BYTES``, as what is made of it takes memory, too.

    Raises:
        DecodeError: the bytes are no such message.
    """
    envelope, spans = _take_apart(body)
    del body  # here and below: a generator keeps what its variables hold
    batch, size = TraceBatch(envelope), 0
    while spans:
        raw, place, n = spans.popleft()
        weight = max(len(raw), MIN_SPAN_BYTES)
        if size and size + weight > max_bytes:
            yield batch
            batch, size = TraceBatch(envelope), 0
        size += weight
        _decode_into(batch, raw, place, n)
        del raw
    yield batch


_Spans = deque[tuple[bytes, Place, int]]


def _take_apart(body: bytes) -> tuple[TraceRequest, _Spans]:
    """A request without its spans, and these with where they stood."""
    try:
        request = TraceRequest.FromString(body)
    except ProtobufDecodeError as e:
        msg = f"the body is no ExportTraceServiceRequest in protobuf: {e}"
        raise DecodeError(msg) from e
    spans: _Spans = deque()
    for r, resource_spans in enumerate(request.resource_spans):
        for s, scope_spans in enumerate(resource_spans.scope_spans):
            spans.extend((raw, (r, s), n) for n, raw in enumerate(scope_spans.spans))
            del scope_spans.spans[:]
    # A message keeps the memory of what was deleted from it.
    envelope = TraceRequest()
    envelope.CopyFrom(request)
    return envelope, spans


def _decode_into(batch: TraceBatch, raw: bytes, place: Place, n: int) -> None:
    try:
        span = decode_span(raw, batch.origin(place))
    except DecodeError as e:
        batch.invalid_ids += isinstance(e, _InvalidIdError)
        r, s = place
        _reject(batch, f"resource_spans[{r}].scope_spans[{s}].spans[{n}]: {e}")
    else:
        batch.received.append(Received(span, raw, place))


def decode_span(raw: bytes, origin: Origin) -> Span:
    """Decode one span.

    Raises:
        DecodeError: the bytes are damaged, or an id has the wrong length or is all zero.
    """
    try:
        proto = SpanProto.FromString(_without_large_attributes(raw))
    except ProtobufDecodeError as e:
        msg = f"the span cannot be decoded (invalid UTF-8 or damaged bytes): {e}"
        raise DecodeError(msg) from e
    parent = proto.parent_span_id
    attributes = read_attributes(proto.attributes)
    for key, value in origin.run.items():  # in place: most resources have none
        attributes.setdefault(key, value)
    return Span(
        trace_id=_id(proto.trace_id, 16, "trace_id"),
        span_id=_id(proto.span_id, 8, "span_id"),
        parent_id=parent.hex() if len(parent) == 8 and any(parent) else "",
        name=proto.name,
        start_ns=proto.start_time_unix_nano,
        end_ns=proto.end_time_unix_nano,
        attributes=attributes,
        events=[_event(event) for event in proto.events if event.name in READ_EVENTS],
        failed=proto.status.code == Status.STATUS_CODE_ERROR,
        status_message=proto.status.message,
        scope=origin.scope,
        service=origin.service,
        links=[(link.trace_id.hex(), link.span_id.hex()) for link in proto.links],
    )


def _without_large_attributes(raw: bytes) -> bytes:
    """A span without the attributes and events that are too large to be read."""
    if len(raw) <= MAX_ATTRIBUTE_BYTES:
        return raw
    kept = [raw[begin:end] for _, begin, end in fields(raw) if end - begin <= MAX_ATTRIBUTE_BYTES]
    _log.warning("attributes of over %d bytes are sent on, but not read", MAX_ATTRIBUTE_BYTES)
    return b"".join(kept)


def _event(event: SpanProto.Event) -> Event:
    return Event(event.name, {kv.key: read_value(kv.value) for kv in event.attributes})


def _id(value: bytes, size: int, field_name: str) -> str:
    if len(value) != size:
        msg = f"{field_name} has {len(value)} bytes, not {size}"
        raise _InvalidIdError(msg)
    if not any(value):
        msg = f"{field_name} is all zero"
        raise _InvalidIdError(msg)
    return value.hex()


def _reject(batch: TraceBatch, reason: str) -> None:
    batch.rejected += 1
    if len(batch.reasons) < MAX_REASONS:
        batch.reasons.append(reason)


def _scope_name(scope: bytes) -> str:
    try:
        return InstrumentationScope.FromString(scope).name
    except ProtobufDecodeError:
        return ""
