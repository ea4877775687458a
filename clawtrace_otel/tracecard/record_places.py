"""Which trace a log record belongs to that names none.

Its id of a response or of a tool call may be known from a span: then it is in that span's trace.
A record without any such id (Codex's) says nothing of a session that has spans: they tell as much.
Until such a span is known, a record is in the trace that was derived from its session; when it
leaves that, a step takes its place there that says nothing.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

import msgspec

from clawtrace_otel.semconv.log_records import is_homeless, is_record
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.same_call import call_id

MAX_KNOWN = 50_000
"""Spans, sessions and records that are remembered, of each; the oldest are forgotten first."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_Place = tuple[str, str]
"""Trace id and span id."""


class _Recent(Generic[K, V]):
    """What was last set, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        return self._values.get(key)

    def set(self, key: K, value: V) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._limit:
            self._values.popitem(last=False)

    def pop(self, key: K) -> V | None:
        return self._values.pop(key, None)


class RecordPlaces:
    """Puts records into the traces of their calls. Not thread-safe.

    Args:
        limit: of what is remembered.
    """

    def __init__(self, limit: int = MAX_KNOWN) -> None:
        self._spans: _Recent[Hashable, _Place] = _Recent(limit)
        self._sessions: _Recent[Hashable, bool] = _Recent(limit)
        self._waiting: _Recent[Hashable, dict[str, Step]] = _Recent(limit)

    def place(self, step: Step) -> Iterator[Step]:
        """The steps that take the place of one that came in, each in its own trace."""
        if not is_homeless(step) or step.kind == "span":
            yield step
            if not is_record(step):
                yield from self._learn(step)
            return
        key = _key(step)
        span = self._spans.get(key)
        if span is not None:
            yield from _moved(step, span)
        elif not call_id(step) and self._sessions.get(_session(step)):
            yield _left(step)
        else:
            self._wait(key, step)
            yield step

    def _learn(self, span: Step) -> Iterator[Step]:
        if span.kind in ("llm", "tool") and call_id(span):
            key, place = _key(span), (span.trace_id, span.span_id)
            if self._spans.get(key) is None:
                self._spans.set(key, place)
            for record in (self._waiting.pop(key) or {}).values():
                yield from _moved(record, place)
        if span.session:
            self._sessions.set(_session(span), True)
            for record in (self._waiting.pop(_session(span)) or {}).values():
                yield _left(record)

    def _wait(self, key: Hashable, record: Step) -> None:
        waiting = self._waiting.get(key) or {}
        waiting[record.span_id] = record
        self._waiting.set(key, waiting)


def _key(step: Step) -> Hashable:
    known = call_id(step)
    return (step.service, step.kind, known) if known else _session(step)


def _session(step: Step) -> Hashable:
    return step.service, step.session


def _moved(record: Step, span: _Place) -> Iterator[Step]:
    """The record below its span, and what stays behind."""
    yield msgspec.structs.replace(record, trace_id=span[0], parent_id=span[1])
    yield _left(record)


def _left(record: Step) -> Step:
    """Says nothing, and is preferred to the record that it replaces, whatever came in first."""
    return Step(
        trace_id=record.trace_id,
        span_id=record.span_id,
        name=record.name,
        service=record.service,
        scope=record.scope,
        session=record.session,
        start_ns=record.start_ns,
        end_ns=record.end_ns + 1,
    )
