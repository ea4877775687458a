"""Requests become steps in the journal: decode, normalise, enrich, commit, then acknowledge.

One thread does all of it, so that what is known of a trace needs no lock. Requests that wait while
a commit is under way share the next one.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from clawtrace_otel.collector.journal import Delivery, Journal
from clawtrace_otel.errors import ClawTraceError, DecodeError, JournalError
from clawtrace_otel.otlp.logs import decode_logs
from clawtrace_otel.otlp.traces import Received, TraceBatch, decode_traces, rebuild
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

MAX_GROUP = 64
"""Requests that share a commit at most."""

MAX_FORWARD_BYTES = 3_500_000
"""Of one forwarded request; gRPC servers take 4 MiB unless told otherwise."""

Signal = Literal["traces", "logs"]


class UnavailableError(ClawTraceError):
    """The service cannot take a request now; the sender should try again."""


class FailedError(ClawTraceError):
    """Taking the request fails by our own mistake; it would fail again."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that is in the journal.

    Attributes:
        rejected: spans of it that were not accepted.
        message: why.
    """

    rejected: int = 0
    message: str = ""


@dataclass(slots=True)
class _Work:
    signal: Signal
    body: bytes
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Accepted]"

    def answer(self, result: Accepted | Exception) -> None:
        self.loop.call_soon_threadsafe(self._set, result)

    def _set(self, result: Accepted | Exception) -> None:
        if isinstance(result, Exception):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


@dataclass(slots=True)
class News:
    """What a commit brought, for those who wait for it.

    Attributes:
        traces: id of each changed trace -> whether its root has ended.
        forwards: whether there is something to send on.
    """

    traces: dict[str, bool] = field(default_factory=dict)
    forwards: bool = False


class Ingest:
    """The way of requests into the journal.

    Args:
        journal: where they go.
        enricher: says which attributes forwarded spans get.
        forwarding: whether spans are sent on at all.
        max_pending_bytes: of requests that wait; more are turned away.
        on_step: is told each new step once it is committed.
        on_news: is told each commit.
    """

    def __init__(
        self,
        journal: Journal,
        enricher: Enricher,
        *,
        forwarding: bool,
        max_pending_bytes: int,
        on_step: Callable[[Step], None],
        on_news: Callable[[News], None],
    ) -> None:
        self._journal = journal
        self._enricher = enricher
        self._forwarding = forwarding
        self._max_pending_bytes = max_pending_bytes
        self._on_step = on_step
        self._on_news = on_news
        self._places = RecordPlaces()
        self._forgot = False
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._pending_bytes = 0
        self._stopped = False
        self.obstacle = ""
        self._thread = threading.Thread(target=self._run, name="clawtrace-ingest")

    def remember(self, step: Step) -> None:
        """Know a step that an earlier run left in an open trace; to be called before the start."""
        for _ in self._places.place(step):
            pass

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more, finish what waits, and end the thread."""
        self._stopped = True
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()

    async def submit(self, signal: Signal, body: bytes) -> Accepted:
        """Put a request into the journal; when this returns, it is on disk.

        Args:
            signal: what the body is.
            body: an OTLP export request in protobuf.

        Raises:
            DecodeError: the body is no such request.
            UnavailableError: it cannot be taken now, and nothing of it was kept.
            FailedError: it can never be taken, and nothing of it was kept.
        """
        if self.obstacle or self._stopped:
            raise UnavailableError(self.obstacle or "the service is stopping")
        if self._pending_bytes and self._pending_bytes + len(body) > self._max_pending_bytes:
            msg = f"{self._pending_bytes} bytes wait for the journal already"
            raise UnavailableError(msg)
        loop = asyncio.get_running_loop()
        work = _Work(signal, body, loop, loop.create_future())
        self._pending_bytes += len(body)
        # The body takes memory until it is answered, even if its sender does not wait for that.
        work.future.add_done_callback(lambda _: self._release(len(body)))
        self._queue.put(work)
        return await asyncio.shield(work.future)

    def _release(self, size: int) -> None:
        self._pending_bytes -= size

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            group = [work]
            while len(group) < MAX_GROUP and not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    self._queue.put(None)
                    break
                group.append(more)
            self._take(group)

    def _take(self, group: list[_Work]) -> None:
        delivery = Delivery()
        try:
            self._remember_again()
            answers = [self._read(work, delivery) for work in group]
            self._journal.append(delivery)
        except Exception as e:
            # What was not committed was not received: the sender brings it again.
            self._enricher.clear()
            self._places, self._forgot = RecordPlaces(), True
            self._refuse(group, e)
            return
        for work, answer in zip(group, answers, strict=True):
            work.answer(answer)
        self._tell(delivery)

    def _remember_again(self) -> None:
        """What was learned of requests that were not committed was forgotten with all else."""
        if self._forgot:
            for trace_id in self._journal.unfinished():
                for step in self._journal.steps(trace_id):
                    self.remember(step)
            self._forgot = False

    def _refuse(self, group: list[_Work], error: Exception) -> None:
        if isinstance(error, JournalError):
            _log.error("%d requests were not acknowledged: %s", len(group), error)
            for work in group:
                work.answer(UnavailableError(str(error)))
        elif len(group) > 1:
            # One of them is to blame; the others must not fail with it.
            for work in group:
                self._take([work])
        else:
            _log.error("a request cannot be taken", exc_info=error)
            group[0].answer(FailedError("internal error, see the log of the service"))

    def _tell(self, delivery: Delivery) -> None:
        for steps in delivery.steps.values():
            for step in steps:
                self._on_step(step)
        self._on_news(_news(delivery))

    def _read(self, work: _Work, delivery: Delivery) -> Accepted | DecodeError:
        try:
            if work.signal == "logs":
                logs = decode_logs(work.body)
                evaluations = logs.evaluations
                for span in logs.spans:
                    self._put(_step(span, self._enricher.content), delivery)
                delivery.evaluations += [
                    (trace_id, kept_evaluation(evaluation, self._enricher.content))
                    for trace_id, evaluation in evaluations
                    if trace_id
                ]
                lost = sum(not trace_id for trace_id, _ in evaluations)
                if lost:
                    _log.warning("%d evaluation results name no trace and are left out", lost)
                return Accepted()
            batch = decode_traces(work.body)
        except DecodeError as e:
            return e
        self._take_up(batch, delivery)
        return Accepted(batch.rejected, batch.rejection)

    def _take_up(self, batch: TraceBatch, delivery: Delivery) -> None:
        added: dict[int, bytes] = {}
        in_order = sorted(enumerate(batch.received), key=lambda entry: entry[1].span.end_ns)
        for n, received in in_order:
            step = _step(received.span, self._enricher.content)
            self._recall(step.trace_id, delivery)
            attributes = self._attributes(step)
            if attributes is None:
                continue
            self._put(step, delivery)
            present = received.span.attributes
            added[n] = encode_attributes({k: v for k, v in attributes.items() if k not in present})
        if self._forwarding and added:
            delivery.forwards += rebuild(batch, _chosen(batch, added), MAX_FORWARD_BYTES)

    def _put(self, step: Step, delivery: Delivery) -> None:
        for placed in self._places.place(step):
            delivery.steps.setdefault(placed.trace_id, []).append(placed)

    def _attributes(self, step: Step) -> Attributes | None:
        try:
            return self._enricher.enrich(step)
        except Exception:
            _log.exception("span %s of trace %s is not enriched", step.span_id, step.trace_id)
            return {}

    def _recall(self, trace_id: str, delivery: Delivery) -> None:
        """Have the trace at hand; it may have been evicted since the last span."""
        if self._enricher.knows(trace_id):
            return
        for step in (*self._journal.steps(trace_id), *delivery.steps.get(trace_id, ())):
            if not is_record(step):
                self._attributes(step)


def _chosen(batch: TraceBatch, added: dict[int, bytes]) -> Iterable[tuple[Received, bytes]]:
    return ((batch.received[n], added[n]) for n in sorted(added))


def _step(span: Span, content: Content) -> Step:
    try:
        step = read_step(span, content)
        encode_step(step)
    except Exception:
        _log.exception("span %s of trace %s is kept as no step", span.span_id, span.trace_id)
        # It still holds the tree together, and ends the trace if it is the root.
        return read_step(replace(span, attributes={}, events=()), content)
    return step


def _news(delivery: Delivery) -> News:
    ended = {
        trace_id: any(not step.parent_id and step.end_ns for step in steps)
        for trace_id, steps in delivery.steps.items()
    }
    return News(
        traces={trace_id: ended.get(trace_id, False) for trace_id in delivery.traces()},
        forwards=bool(delivery.forwards),
    )
