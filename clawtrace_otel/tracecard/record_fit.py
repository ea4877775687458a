"""Which span a log record tells of, if they share no id (Gemini CLI's).

Both are of one session and service, and ended at about the same time; neither contradicts the
tokens of the other, and the span need not state any. Of several the nearest is taken, each once.
What was matched stays so: two calls at one time, with equal tokens, may be paired crosswise; their
number and sum stay right.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from clawtrace_otel.semconv.log_records import is_told_by_time
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.recent import Recent
from clawtrace_otel.tracecard.twins import usage_keys

MAX_APART_NS = 3_000_000_000
"""Between the end of a span and that of its record."""

MAX_SESSIONS = 1_000
"""Whose spans and records wait for one another."""

MAX_UNMATCHED = 64
"""Of each in one session; the oldest are forgotten first."""


class Place(NamedTuple):
    """Of a span."""

    trace_id: str
    span_id: str


class _Call(NamedTuple):
    """What is kept of a span; ``used`` is empty if it does not say what it used."""

    place: Place
    start_ns: int
    end_ns: int
    used: Sequence[Hashable]


@dataclass(slots=True)
class _Unmatched:
    """Of one session."""

    calls: Recent[Place, _Call] = field(default_factory=lambda: Recent(MAX_UNMATCHED))
    records: Recent[str, Step] = field(default_factory=lambda: Recent(MAX_UNMATCHED))


class RecordFit:
    """Matches records with spans, whatever comes in first. Not thread-safe.

    Args:
        limit: of the matches that are remembered.
    """

    def __init__(self, limit: int) -> None:
        self._sessions: Recent[Hashable, _Unmatched] = Recent(min(limit, MAX_SESSIONS))
        self._places: Recent[str, Place] = Recent(limit)
        self._told: Recent[Place, str] = Recent(limit)

    def find_span(self, record: Step) -> Place | None:
        """The span of a record. Until it is known the record waits for it."""
        place = self._places.get(record.span_id)
        if place is not None:
            return place
        unmatched = self._unmatched(record)
        call = min(
            (call for call in unmatched.calls.values() if _fits(call, record)),
            key=lambda call: _apart(call, record),
            default=None,
        )
        if call is None:
            unmatched.records.set(record.span_id, record)
            return None
        self._match(record, call.place)
        return call.place

    def find_record(self, span: Step) -> Step | None:
        """The record that waited for a span. Until there is one the span waits for it."""
        place = Place(span.trace_id, span.span_id)
        if not _may_be_told(span) or self._told.get(place) is not None:
            return None
        call = _Call(place, span.start_ns, span.end_ns, usage_keys(span) if span.usage else ())
        unmatched = self._unmatched(span)
        record = min(
            (record for record in unmatched.records.values() if _fits(call, record)),
            key=lambda record: _apart(call, record),
            default=None,
        )
        if record is None:
            unmatched.calls.set(call.place, call)
            return None
        self._match(record, call.place)
        return record

    def remember(self, record: Step) -> None:
        """Know that a record is below its span, where an earlier run put it."""
        self._match(record, Place(record.trace_id, record.parent_id))

    def _match(self, record: Step, place: Place) -> None:
        self._places.set(record.span_id, place)
        self._told.set(place, record.span_id)
        unmatched = self._unmatched(record)
        unmatched.calls.pop(place)
        unmatched.records.pop(record.span_id)

    def _unmatched(self, step: Step) -> _Unmatched:
        key = step.service, step.session
        found = self._sessions.get(key) or _Unmatched()
        self._sessions.set(key, found)
        return found


def _may_be_told(span: Step) -> bool:
    """Whether there may be a record of a span. A call that failed has none."""
    is_over = span.end_ns > 0 and (span.error is None or span.usage is not None)
    return is_over and is_told_by_time(span) and bool(span.session)


def _fits(call: _Call, record: Step) -> bool:
    is_meanwhile = record.start_ns <= call.end_ns and call.start_ns <= record.end_ns
    is_at_end = abs(record.end_ns - call.end_ns) <= MAX_APART_NS
    is_as_much = not call.used or not set(call.used).isdisjoint(usage_keys(record))
    return is_meanwhile and is_at_end and is_as_much


def _apart(call: _Call, record: Step) -> int:
    """In nanoseconds, at both ends. Calls that are made together seldom take equally long."""
    return abs(record.end_ns - call.end_ns) + abs(record.start_ns - call.start_ns)
