"""Trace requests, decoded span by span and put together again with attributes added.

Source: OTLP 1.11, ``opentelemetry/proto/collector/trace/v1/trace_service.proto``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError as ProtobufDecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanProto
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from clawtrace_otel.errors import DecodeError
from clawtrace_otel.otlp.skeleton_pb2 import ResourceSpans, ScopeSpans, TraceRequest
from clawtrace_otel.otlp.values import read_attributes, read_value
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects import READ_EVENTS
from clawtrace_otel.span import Event, Span

MAX_REASONS = 5
"""How many rejected spans a partial success describes."""

_FRAME_BYTES = 6
"""Of the tag and the length before a span, a scope or a resource, at most."""

_Place = tuple[int, int]


@dataclass(slots=True)
class Received:
    """A span that was accepted, the bytes that its sender wrote, and where they stood.

    Attributes:
        place: index of the resource, index of the scope within it.
    """

    span: Span
    raw: bytes
    place: _Place


@dataclass(slots=True)
class TraceBatch:
    """A decoded request.

    Attributes:
        envelope: the request without its spans.
        received: the accepted spans in the order of the request.
        rejected: how many spans were not accepted.
        reasons: why, for the first few, each with the path to the span.
    """

    envelope: TraceRequest
    received: list[Received] = field(default_factory=list)
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)

    @property
    def rejection(self) -> str:
        """The message of a partial success; empty if all was accepted."""
        more = self.rejected - len(self.reasons)
        return "; ".join(self.reasons) + (f"; and {more} more" if more else "")


def decode_traces(body: bytes) -> TraceBatch:
    """Decode an ``ExportTraceServiceRequest``.

    A span with impossible ids or damaged bytes is rejected, and the rest is kept.

    Raises:
        DecodeError: the bytes are no such message.
    """
    try:
        batch = TraceBatch(TraceRequest.FromString(body))
    except ProtobufDecodeError as e:
        msg = f"the body is no ExportTraceServiceRequest in protobuf: {e}"
        raise DecodeError(msg) from e
    for r, resource_spans in enumerate(batch.envelope.resource_spans):
        service = _service_name(resource_spans.resource)
        for s, scope_spans in enumerate(resource_spans.scope_spans):
            scope = _scope_name(scope_spans.scope)
            for n, raw in enumerate(scope_spans.spans):
                try:
                    span = decode_span(raw, service, scope)
                except DecodeError as e:
                    _reject(batch, f"resource_spans[{r}].scope_spans[{s}].spans[{n}]: {e}")
                else:
                    batch.received.append(Received(span, raw, (r, s)))
            del scope_spans.spans[:]
    return batch


def decode_span(raw: bytes, service: str, scope: str) -> Span:
    """Decode one span.

    Raises:
        DecodeError: the bytes are damaged, or an id has the wrong length or is all zero.
    """
    try:
        proto = SpanProto.FromString(raw)
    except ProtobufDecodeError as e:
        msg = f"the span cannot be decoded (invalid UTF-8 or damaged bytes): {e}"
        raise DecodeError(msg) from e
    parent = proto.parent_span_id
    return Span(
        trace_id=_id(proto.trace_id, 16, "trace_id"),
        span_id=_id(proto.span_id, 8, "span_id"),
        parent_id=parent.hex() if len(parent) == 8 and any(parent) else "",
        name=proto.name,
        start_ns=proto.start_time_unix_nano,
        end_ns=proto.end_time_unix_nano,
        attributes=read_attributes(proto.attributes),
        events=[_event(event) for event in proto.events if event.name in READ_EVENTS],
        failed=proto.status.code == Status.STATUS_CODE_ERROR,
        status_message=proto.status.message,
        scope=scope,
        service=service,
        links=[(link.trace_id.hex(), link.span_id.hex()) for link in proto.links],
    )


def rebuild(
    batch: TraceBatch, chosen: Iterable[tuple[Received, bytes]], max_bytes: int
) -> Iterator[bytes]:
    """Requests that carry the chosen spans, each with its added attributes, as they came in.

    Resources, scopes, schema URLs and unknown fields are those of the request. Each has at most
    ``max_bytes``, unless one span alone is larger.

    Args:
        batch: where the spans came from.
        chosen: spans and the bytes of :func:`clawtrace_otel.otlp.values.encode_attributes`.
        max_bytes: of one request.
    """
    head = TraceRequest()
    head.CopyFrom(batch.envelope)
    del head.resource_spans[:]
    frames = _Frames(batch.envelope)
    out, size, last = TraceRequest(), 0, None
    for received, added in chosen:
        raw = received.raw + added
        place = received.place
        opening = frames.size(place) if place != last else 0
        if last is not None and size + opening + len(raw) + _FRAME_BYTES > max_bytes:
            yield out.SerializeToString()
            last, opening = None, frames.size(place)
        if last is None:
            out, size = TraceRequest(), head.ByteSize()
            out.CopyFrom(head)
        if last is None or last[0] != place[0]:
            out.resource_spans.add().CopyFrom(frames.resource(place))
        if place != last:
            out.resource_spans[-1].scope_spans.add().CopyFrom(frames.scope(place))
        out.resource_spans[-1].scope_spans[-1].spans.append(raw)
        size += opening + len(raw) + _FRAME_BYTES
        last = place
    if last is not None:
        yield out.SerializeToString()


class _Frames:
    """The resources and scopes of a request, each without what is in it."""

    def __init__(self, envelope: TraceRequest) -> None:
        self._envelope = envelope
        self._resources: dict[int, ResourceSpans] = {}

    def resource(self, place: _Place) -> ResourceSpans:
        found = self._resources.get(place[0])
        if found is None:
            found = self._resources[place[0]] = ResourceSpans()
            found.CopyFrom(self._envelope.resource_spans[place[0]])
            del found.scope_spans[:]
        return found

    def scope(self, place: _Place) -> ScopeSpans:
        return self._envelope.resource_spans[place[0]].scope_spans[place[1]]

    def size(self, place: _Place) -> int:
        """Bytes that both take at most."""
        return self.resource(place).ByteSize() + self.scope(place).ByteSize() + 2 * _FRAME_BYTES


def _event(event: SpanProto.Event) -> Event:
    return Event(event.name, {kv.key: read_value(kv.value) for kv in event.attributes})


def _id(value: bytes, size: int, field_name: str) -> str:
    if len(value) != size:
        msg = f"{field_name} has {len(value)} bytes, not {size}"
        raise DecodeError(msg)
    if not any(value):
        msg = f"{field_name} is all zero"
        raise DecodeError(msg)
    return value.hex()


def _reject(batch: TraceBatch, reason: str) -> None:
    batch.rejected += 1
    if len(batch.reasons) < MAX_REASONS:
        batch.reasons.append(reason)


def _service_name(resource: bytes) -> str:
    try:
        attributes = Resource.FromString(resource).attributes
    except ProtobufDecodeError:
        return ""
    return next(
        (kv.value.string_value for kv in attributes if kv.key == a.SERVICE_NAME),
        "",
    )


def _scope_name(scope: bytes) -> str:
    try:
        return InstrumentationScope.FromString(scope).name
    except ProtobufDecodeError:
        return ""
