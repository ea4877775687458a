"""Trace requests put together again from the bytes of their spans, with attributes added.

Source: OTLP 1.11, ``opentelemetry/proto/collector/trace/v1/trace_service.proto``.
"""

from collections.abc import Iterable, Iterator

from google.protobuf.message import Message

from clawtrace_otel.otlp.skeleton_pb2 import ResourceSpans, ScopeSpans, TraceRequest
from clawtrace_otel.otlp.traces import Place, Received, TraceBatch
from clawtrace_otel.otlp.wire import length_delimited

_RESOURCE_SPANS, _SCOPE_SPANS, _SPANS = 1, 2, 2
"""Field numbers, as in ``skeleton.proto``."""

_FIELD_BYTES = 6
"""Of the tag and the length before a span, a scope or a resource, at most."""

_Frame = tuple[bytes, bytes]
"""What stands before and after the contents of a message, in the order of its fields."""


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
    frames = _Frames(batch.envelope)
    out, size = _Assembly(frames), len(frames.head)
    for received, added in chosen:
        raw, place = received.raw, received.place
        needed = out.opening(place) + len(raw) + len(added) + _FIELD_BYTES
        if out and size + needed > max_bytes:
            yield out.encoded()
            out, size = _Assembly(frames), len(frames.head)
            needed = out.opening(place) + len(raw) + len(added) + _FIELD_BYTES
        out.add(place, raw, added)
        size += needed
    if out:
        yield out.encoded()


class _Frames:
    """The resources and scopes of a request, encoded, each without what is in it."""

    def __init__(self, envelope: TraceRequest) -> None:
        self._envelope = envelope
        head = TraceRequest()
        head.CopyFrom(envelope)
        del head.resource_spans[:]
        self.head = head.SerializeToString()
        self._resources: dict[int, _Frame] = {}

    def resource(self, place: Place) -> _Frame:
        found = self._resources.get(place[0])
        if found is None:
            rest = ResourceSpans()
            rest.CopyFrom(self._envelope.resource_spans[place[0]])
            del rest.scope_spans[:]
            first = ResourceSpans(resource=rest.resource)
            rest.ClearField("resource")
            found = self._resources[place[0]] = _frame(first, rest)
        return found

    def scope(self, place: Place) -> _Frame:
        rest = ScopeSpans()
        rest.CopyFrom(self._envelope.resource_spans[place[0]].scope_spans[place[1]])
        first = ScopeSpans(scope=rest.scope)
        rest.ClearField("scope")
        return _frame(first, rest)


def _frame(first: Message, rest: Message) -> _Frame:
    return first.SerializeToString(), rest.SerializeToString()


class _Assembly:
    """A request that is put together; spans are copied once, when all are there."""

    def __init__(self, frames: _Frames) -> None:
        self._frames = frames
        self._resources: list[tuple[_Frame, list[tuple[_Frame, list[bytes]]]]] = []
        self._place: Place | None = None

    def __bool__(self) -> bool:
        return self._place is not None

    def opening(self, place: Place) -> int:
        """Bytes that the resource and scope of a place add at most."""
        if place == self._place:
            return 0
        frames = (*self._frames.resource(place), *self._frames.scope(place))
        return sum(map(len, frames)) + 2 * _FIELD_BYTES

    def add(self, place: Place, raw: bytes, added: bytes) -> None:
        """Put a span into the resource and scope where it stood."""
        if self._place is None or self._place[0] != place[0]:
            self._resources.append((self._frames.resource(place), []))
        if self._place != place:
            self._resources[-1][1].append((self._frames.scope(place), []))
        self._resources[-1][1][-1][1].extend(length_delimited(_SPANS, raw, added))
        self._place = place

    def encoded(self) -> bytes:
        """The request."""
        parts: list[bytes] = []
        for (before, after), scopes in self._resources:
            inner = [before]
            for (opening, closing), spans in scopes:
                inner += length_delimited(_SCOPE_SPANS, opening, *spans, closing)
            parts += length_delimited(_RESOURCE_SPANS, *inner, after)
        return b"".join((*parts, self._frames.head))
