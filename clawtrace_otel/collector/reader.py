"""Requests become deliveries: decoded, normalised, enriched, and put together to be sent on.

A request of many spans is read in parts, each of which can be committed by itself: what a request
takes in memory does not grow with what is made of it.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from clawtrace_otel.collector.journal.interface import Delivery, Journal, Place
from clawtrace_otel.collector.telemetry.own_traces import only_own
from clawtrace_otel.otlp.logs import decode_logs
from clawtrace_otel.otlp.rebuild import rebuild
from clawtrace_otel.otlp.traces import MAX_REASONS, TraceBatch, decode_in_parts, rejection
from clawtrace_otel.otlp.values import encode_attributes
from clawtrace_otel.processors.enrich import Attributes, Enricher
from clawtrace_otel.semconv.content import kept_evaluation
from clawtrace_otel.semconv.log_records import is_record
from clawtrace_otel.semconv.read_step import read_step
from clawtrace_otel.semconv.step import Step, encode_step
from clawtrace_otel.settings import Content
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.record_places import RecordPlaces

_log = logging.getLogger(__name__)

MAX_PART_BYTES = 4 << 20
"""Of the spans of a request that are decoded at a time."""

MAX_FORWARD_BYTES = 3_500_000
"""Of one forwarded request; gRPC servers take 4 MiB unless told otherwise."""

Signal = Literal["traces", "logs"]

Latest = dict[str, tuple[Place, list[Step]]]
"""Trace id -> what the journal has of it, beyond what is known."""


@dataclass(slots=True)
class Body:
    """The bytes of a request. Who needs them no longer takes them out, and their memory is free."""

    content: bytes

    def __len__(self) -> int:
        return len(self.content)

    def take(self) -> bytes:
        """The bytes; there are none afterwards."""
        content, self.content = self.content, b""
        return content


@dataclass(slots=True)
class Accepted:
    """A request that is in the journal.

    Attributes:
        spans: that it brought and that were accepted.
        rejected: spans of it that were not.
        invalid_ids: how many of them for their ids; the others are damaged.
        reasons: why, for the first few.
        only_own: it brought nothing but spans of services like this one.
    """

    spans: int = 0
    rejected: int = 0
    invalid_ids: int = 0
    reasons: list[str] = field(default_factory=list)
    only_own: bool = True

    @property
    def message(self) -> str:
        """Why spans were not accepted."""
        return rejection(self.rejected, self.reasons)

    def add(self, batch: TraceBatch) -> None:
        """Count a part of the request."""
        self.spans += len(batch.received)
        self.rejected += batch.rejected
        self.invalid_ids += batch.invalid_ids
        self.reasons = (self.reasons + batch.reasons)[:MAX_REASONS]
        self.only_own = self.only_own and only_own(r.span for r in batch.received)


@dataclass(slots=True)
class _Part:
    """A part of a request that is not committed.

    Attributes:
        steps: its spans by their place in the batch, in the order in which they are looked at.
        added: the attributes that they get, encoded; a span that was known gets none.
    """

    batch: TraceBatch
    steps: dict[int, Step] = field(default_factory=dict)
    added: dict[int, bytes] = field(default_factory=dict)

    def numbers(self, trace_id: str) -> list[int]:
        """The places of the spans of a trace."""
        return [n for n, step in self.steps.items() if step.trace_id == trace_id]

    def encoded(self) -> Iterable[bytes]:
        """The requests that send it on."""
        chosen = ((self.batch.received[n], self.added[n]) for n in sorted(self.added))
        return rebuild(self.batch, chosen, MAX_FORWARD_BYTES) if self.added else ()


class Reader:
    """Reads requests into a delivery. One thread owns it.

    Args:
        journal: has what was delivered before.
        enricher: says which attributes forwarded spans get.
        forwarding: whether spans are sent on at all.
    """

    def __init__(self, journal: Journal, enricher: Enricher, *, forwarding: bool) -> None:
        self._journal = journal
        self._enricher = enricher
        self._forwarding = forwarding
        self._places = RecordPlaces()
        self._forgot = False
        self._looked_at: set[str] = set()
        # Another replica may add to a trace until the commit; only who sends on must know by then.
        self._looks_again = forwarding and journal.shared
        self._uncommitted: list[_Part] = []

    def remember(self, step: Step) -> None:
        """Know a step that an earlier run left in an open trace."""
        for _ in self._places.place(step):
            pass

    def begin(self) -> None:
        """To be called before the requests of a commit are read.

        Raises:
            JournalError: the journal cannot be read.
        """
        self._looked_at.clear()
        self._uncommitted.clear()
        if self._forgot:
            for name in self._journal.unfinished():
                for step in self._journal.steps(name):
                    self.remember(step)
            self._forgot = False

    def forget(self) -> None:
        """What was read was not committed: it must not be taken for known."""
        self._enricher.clear()
        self._places, self._forgot = RecordPlaces(), True

    def committed(self, placed: dict[str, list[Place]]) -> None:
        """What was read was committed, and numbered."""
        self._uncommitted.clear()
        for trace_id, places in placed.items():
            self._enricher.moved(trace_id, places[-1].part, places[-1].number)

    def look_again(self, delivery: Delivery, places: dict[str, Place]) -> None:
        """Other replicas added to traces after their spans were read and before the commit.

        Spans that the others had, too, are not sent on, and repeats are found among theirs.

        Args:
            delivery: what was read; its ``forwards`` are made anew.
            places: of the delivery in these traces.
        """
        for trace_id, place in places.items():
            self._enricher.forget(trace_id)
            self._know(self._journal.before(trace_id, place))
            self._enricher.at(trace_id, place.part, place.number - 1)
            for part in self._uncommitted:
                for n in part.numbers(trace_id):
                    part.added.pop(n, None)
                    self._add(part, n)
        delivery.forwards = [body for part in self._uncommitted for body in part.encoded()]

    def read(
        self, signal: Signal, body: Body, delivery: Delivery, accepted: Accepted
    ) -> Iterator[int]:
        """Read a request into a delivery, which may be committed and emptied after each part.

        Args:
            signal: what the body is.
            body: an OTLP export request in protobuf. If it is large, it is taken out.
            delivery: takes what was read.
            accepted: counts it.

        Yields:
            The bytes of each part.

        Raises:
            DecodeError: the body is no such request; nothing of it was read.
            JournalError: the journal cannot be read.
        """
        if signal == "logs":
            self._take_up_logs(body.content, delivery)
            yield len(body)
            return
        for batch in decode_in_parts(_content(body), MAX_PART_BYTES):
            accepted.add(batch)
            size = sum(len(received.raw) for received in batch.received)
            self._take_up(batch, delivery)
            if not self._looks_again:
                batch.received.clear()
            yield size

    def _take_up_logs(self, body: bytes, delivery: Delivery) -> None:
        logs = decode_logs(body)
        for span in logs.spans:
            self._put(_step(span, self._enricher.content), delivery)
        delivery.evaluations += [
            (trace_id, kept_evaluation(evaluation, self._enricher.content))
            for trace_id, evaluation in logs.evaluations
            if trace_id
        ]
        lost = sum(not trace_id for trace_id, _ in logs.evaluations)
        if lost:
            _log.warning("%d evaluation results name no trace and are left out", lost)

    def _take_up(self, batch: TraceBatch, delivery: Delivery) -> None:
        part = _Part(batch)
        in_order = sorted(enumerate(batch.received), key=lambda entry: entry[1].span.end_ns)
        for n, received in in_order:
            part.steps[n] = _step(received.span, self._enricher.content)
        looked_up = self._look_up(part.steps.values())
        for n, step in part.steps.items():
            self._recall(step.trace_id, delivery, looked_up)
            if self._add(part, n):
                self._put(step, delivery)
        if self._forwarding:
            delivery.forwards += part.encoded()
        if self._looks_again:
            self._uncommitted.append(part)

    def _add(self, part: _Part, n: int) -> bool:
        """Say what to add to a span; whether it brings anything that was not known."""
        step = part.steps[n]
        attributes = None if self._is_of_an_earlier_part(step) else self._attributes(step)
        if attributes is None:
            return False
        present = part.batch.received[n].span.attributes
        part.added[n] = encode_attributes({k: v for k, v in attributes.items() if k not in present})
        return True

    def _put(self, step: Step, delivery: Delivery) -> None:
        for placed in self._places.place(step):
            delivery.steps.setdefault(placed.trace_id, []).append(placed)

    def _attributes(self, step: Step) -> Attributes | None:
        try:
            return self._enricher.enrich(step)
        except Exception:
            _log.exception("span %s of trace %s is not enriched", step.span_id, step.trace_id)
            return {}

    def _look_up(self, steps: Iterable[Step]) -> Latest:
        """What other replicas brought meanwhile, for all traces at once."""
        if not self._journal.shared:
            return {}
        due = dict.fromkeys(s.trace_id for s in steps if s.trace_id not in self._looked_at)
        known = {trace_id: self._enricher.place(trace_id) for trace_id in due}
        places = {trace_id: Place(*place) if place else None for trace_id, place in known.items()}
        return self._journal.latest_of(places) if places else {}

    def _recall(self, trace_id: str, delivery: Delivery, looked_up: Latest) -> None:
        """Have the trace at hand: it may have been evicted, or gone on at another replica."""
        known = self._enricher.place(trace_id)
        if known is None or (self._journal.shared and trace_id not in self._looked_at):
            self._looked_at.add(trace_id)
            latest = looked_up.pop(trace_id, None)
            place, steps = latest or self._journal.latest(
                trace_id, Place(*known) if known else None
            )
            self._know(steps if known else [*steps, *delivery.steps.get(trace_id, ())])
            self._enricher.at(trace_id, place.part, place.number)
        if self._looks_again:
            part, number = self._enricher.place(trace_id) or (1, 0)
            delivery.known.setdefault(trace_id, Place(part, number))

    def _know(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if not is_record(step):
                self._attributes(step)

    def _is_of_an_earlier_part(self, step: Step) -> bool:
        """Whether a span is delivered again after its trace went on in a further part."""
        place = self._enricher.place(step.trace_id)
        if place is None or place[0] == 1:
            return False
        return self._journal.holds_span(step.trace_id, step.span_id)


def is_large(body: Body) -> bool:
    """Whether a request is read in parts; then it can be read only once."""
    return len(body) > MAX_PART_BYTES


def _content(body: Body) -> bytes:
    return body.take() if is_large(body) else body.content


def _step(span: Span, content: Content) -> Step:
    try:
        step = read_step(span, content)
        encode_step(step)
    except Exception:
        _log.exception("span %s of trace %s is kept as no step", span.span_id, span.trace_id)
        # It still holds the tree together, and ends the trace if it is the root.
        return read_step(replace(span, attributes={}, events=()), content)
    return step
