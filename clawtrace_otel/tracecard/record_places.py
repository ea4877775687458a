"""Which trace a log record belongs to that names none.

Its id of a response or of a tool call may be known from a span: then it is in that span's trace.
Of records without any such id, Codex's say nothing of a session that has spans: they tell as much.
Gemini CLI's tell more, and are put to the span that they fit (:mod:`record_fit`).
Until such a span is known, a record is in the trace that was derived from its session; when it
leaves that, a step takes its place there that says nothing. A record that fits no span of a session
that has spans counts nowhere, but is kept there: its span may come in after a restart.
"""

from collections.abc import Hashable, Iterator

import msgspec

from clawtrace_otel.semconv.log_records import is_homeless, is_placed_by_time, is_record
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.recent import Recent
from clawtrace_otel.tracecard.record_fit import Place, RecordFit
from clawtrace_otel.tracecard.twins import call_id

MAX_KNOWN = 50_000
"""Spans, sessions and records that are remembered, of each; the oldest are forgotten first."""


class RecordPlaces:
    """Puts records into the traces of their calls. Not thread-safe.

    Args:
        limit: of what is remembered.
    """

    def __init__(self, limit: int = MAX_KNOWN) -> None:
        self._spans: Recent[Hashable, Place] = Recent(limit)
        self._sessions: Recent[Hashable, bool] = Recent(limit)
        self._waiting: Recent[Hashable, dict[str, Step]] = Recent(limit)
        self._fit = RecordFit(limit)

    def place(self, step: Step) -> Iterator[Step]:
        """The steps that take the place of one that came in, each in its own trace."""
        if not is_record(step):
            yield step
            yield from self._learn(step)
        elif not is_homeless(step) or step.kind == "span":
            yield step
            self._recall(step)
        elif is_placed_by_time(step):
            yield from self._place_by_time(step)
        else:
            yield from self._place_by_id(step)

    def _place_by_id(self, record: Step) -> Iterator[Step]:
        key = _key(record)
        span = self._spans.get(key)
        if span is not None:
            yield from _moved(record, span)
        elif not call_id(record) and self._sessions.get(_session(record)):
            yield _left(record)
        else:
            self._wait(key, record)
            yield record

    def _place_by_time(self, record: Step) -> Iterator[Step]:
        span = self._fit.find_span(record)
        if span is not None:
            yield from _moved(record, span)
        elif self._sessions.get(_session(record)):
            yield _set_aside(record)
        else:
            self._wait(_session(record), record)
            yield record

    def _recall(self, step: Step) -> None:
        """Know what an earlier run did with a record whose place is found by time."""
        if not is_placed_by_time(step):
            return
        if not is_homeless(step):
            self._fit.remember(step)
        elif step.set_aside is not None:
            self._fit.find_span(_taken_up(step))

    def _learn(self, span: Step) -> Iterator[Step]:
        if span.kind in ("llm", "tool") and call_id(span):
            key, place = _key(span), Place(span.trace_id, span.span_id)
            if self._spans.get(key) is None:
                self._spans.set(key, place)
            for record in (self._waiting.pop(key) or {}).values():
                yield from _moved(record, place)
        if span.session:
            self._sessions.set(_session(span), True)
            for record in (self._waiting.pop(_session(span)) or {}).values():
                yield _set_aside(record) if is_placed_by_time(record) else _left(record)
        record_of = self._fit.find_record(span)
        if record_of is not None:
            yield from _moved(record_of, Place(span.trace_id, span.span_id))

    def _wait(self, key: Hashable, record: Step) -> None:
        waiting = self._waiting.get(key) or {}
        waiting[record.span_id] = record
        self._waiting.set(key, waiting)


def _key(step: Step) -> Hashable:
    known = call_id(step)
    return (step.service, step.kind, known) if known else _session(step)


def _session(step: Step) -> Hashable:
    return step.service, step.session


def _moved(record: Step, span: Place) -> Iterator[Step]:
    """The record below its span, and what stays behind."""
    yield msgspec.structs.replace(record, trace_id=span.trace_id, parent_id=span.span_id)
    yield _left(record)


# Of what has the id of a record, the step that ended last counts, whatever came in first: the
# record, the record set aside, what it left.


def _set_aside(record: Step) -> Step:
    """The record as a step that counts nowhere."""
    return msgspec.structs.replace(
        record, kind="span", usage=None, set_aside=record.usage, end_ns=record.end_ns + 1
    )


def _taken_up(step: Step) -> Step:
    """The record that was set aside."""
    return msgspec.structs.replace(
        step, kind="llm", usage=step.set_aside, set_aside=None, end_ns=step.end_ns - 1
    )


def _left(record: Step) -> Step:
    """Says nothing."""
    return Step(
        trace_id=record.trace_id,
        span_id=record.span_id,
        name=record.name,
        service=record.service,
        scope=record.scope,
        session=record.session,
        start_ns=record.start_ns,
        end_ns=record.end_ns + 2,
    )
