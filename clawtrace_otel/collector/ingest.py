"""Requests are read, committed to the journal, and then acknowledged.

One thread does all of it, so that what is known of a trace needs no lock. Requests that wait while
a commit is under way share the next one.
"""

import asyncio
import logging
import math
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from clawtrace_otel.collector.journal.interface import Delivery, Journal, Place
from clawtrace_otel.collector.journal.names import card_name
from clawtrace_otel.collector.reader import Accepted, Body, Reader, Signal, is_large
from clawtrace_otel.collector.schedule import Told
from clawtrace_otel.collector.telemetry.metrics import ServiceMetrics
from clawtrace_otel.collector.telemetry.table import Refusal
from clawtrace_otel.errors import ClawTraceError, DecodeError, JournalDamagedError, JournalError
from clawtrace_otel.semconv.step import Step

_log = logging.getLogger(__name__)

MAX_GROUP = 64
"""Requests that share a commit at most."""

MAX_COMMIT_BYTES = 4 << 20
"""Of what was read before it is committed, unless one span alone is larger."""


TROUBLE_SECONDS = 10.0
"""After the journal could not be written. Then a request is to try again."""


class UnavailableError(ClawTraceError):
    """The service cannot take a request now; the sender should try again.

    Attributes:
        reason: for the metrics.
        spans: of the request, as far as it was decoded.
    """

    def __init__(self, message: str, reason: Refusal = "overload", spans: int = 0) -> None:
        super().__init__(message)
        self.reason = reason
        self.spans = spans


class FailedError(ClawTraceError):
    """Taking the request fails by our own mistake; it would fail again.

    Attributes:
        spans: of the request, as far as it was decoded.
    """

    def __init__(self, message: str, spans: int = 0) -> None:
        super().__init__(message)
        self.spans = spans


@dataclass(slots=True)
class _Work:
    signal: Signal
    body: Body
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Accepted]"
    accepted: Accepted = field(default_factory=Accepted)

    def answer(self, result: Accepted | Exception) -> None:
        self.loop.call_soon_threadsafe(self._set, result)

    def _set(self, result: Accepted | Exception) -> None:
        if isinstance(result, Exception):
            self.future.set_exception(result)
            self.future.exception()  # else it is logged if the sender has gone
        else:
            self.future.set_result(result)


@dataclass(slots=True)
class News:
    """What a commit brought, for those who wait for it.

    Attributes:
        traces: name of each card that changes -> what came in for it.
        late: spans of traces that were closed before.
        forwards: whether there is something to send on.
    """

    traces: dict[str, Told] = field(default_factory=dict)
    late: int = 0
    forwards: bool = False


class Ingest:
    """The way of requests into the journal.

    Args:
        journal: where they go.
        reader: reads them.
        metrics: count what is left out.
        max_pending_bytes: of requests that wait; more are turned away.
        on_step: is told each new step once it is committed.
        on_news: is told each commit.
        on_failure: is told why the service must end.

    Attributes:
        pending_bytes: of requests that wait, or are being read.
        obstacles: by what is in the way: why nothing can be taken now; "" where nothing is.
    """

    def __init__(
        self,
        journal: Journal,
        reader: Reader,
        metrics: ServiceMetrics,
        *,
        max_pending_bytes: int,
        on_step: Callable[[Step], None],
        on_news: Callable[[News], None],
        on_failure: Callable[[JournalDamagedError], None],
    ) -> None:
        self._journal = journal
        self._reader = reader
        self._metrics = metrics
        self._max_pending_bytes = max_pending_bytes
        self._on_step = on_step
        self._on_news = on_news
        self._on_failure = on_failure
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._held: _Work | None = None
        self.pending_bytes = 0
        self._stopped = False
        self.obstacles: dict[Refusal, str] = {"cards": "", "forward": ""}
        self._failed_at = -math.inf
        self._thread = threading.Thread(target=self._run, name="clawtrace-ingest")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more, finish what waits, and end the thread."""
        self._stopped = True
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()

    @property
    def trouble(self) -> str:
        """Why nothing can be taken, now or of late; "" if nothing is in the way."""
        if time.monotonic() - self._failed_at < TROUBLE_SECONDS:
            return "the journal cannot be written; the log says why"
        return next((reason for reason in self.obstacles.values() if reason), "")

    async def submit(self, signal: Signal, body: Body) -> Accepted:
        """Put a request into the journal; when this returns, it is durable.

        Args:
            signal: what the body is.
            body: an OTLP export request in protobuf.

        Raises:
            DecodeError: the body is no such request.
            UnavailableError: it cannot be taken now; what was kept of it is known when it is sent
                again.
            FailedError: it can never be taken.
        """
        size = len(body)
        self._check_room(size)
        loop = asyncio.get_running_loop()
        work = _Work(signal, body, loop, loop.create_future())
        self.pending_bytes += size
        # The body takes memory until it is answered, even if its sender does not wait for that.
        work.future.add_done_callback(lambda _: self._release(size))
        self._queue.put(work)
        return await asyncio.shield(work.future)

    def _check_room(self, size: int) -> None:
        for what, obstacle in self.obstacles.items():
            if obstacle:
                raise UnavailableError(obstacle, what)
        if self._stopped:
            msg = "the service is stopping"
            raise UnavailableError(msg, "stopping")
        if self.pending_bytes and self.pending_bytes + size > self._max_pending_bytes:
            msg = f"{self.pending_bytes} bytes wait for the journal already"
            raise UnavailableError(msg)

    def _release(self, size: int) -> None:
        self.pending_bytes -= size

    def _run(self) -> None:
        while group := self._next_group():
            self._take(group)

    def _next_group(self) -> list[_Work]:
        """Requests that wait; a large one alone. None when the service stops."""
        group: list[_Work] = []
        while len(group) < MAX_GROUP:
            work = self._held or self._queue.get()
            self._held = None
            if work is None:
                self._queue.put(None)
                break
            if is_large(work.body) and group:
                self._held = work
                break
            group.append(work)
            if is_large(work.body) or self._queue.empty():
                break
        return group

    def _waiting(self) -> list[_Work]:
        """All that waits while the service stops."""
        waiting = [self._held] if self._held else []
        self._held = None
        while not self._queue.empty():
            if work := self._queue.get():
                waiting.append(work)
        self._queue.put(None)
        return waiting

    def _take(self, group: list[_Work]) -> None:
        try:
            self._reader.begin()
            answers = self._commit_all(group)
        except Exception as e:
            # What was not committed was not received: the sender brings it again.
            self._reader.forget()
            self._refuse(group, e)
            return
        self._failed_at = -math.inf
        for work, answer in zip(group, answers, strict=True):
            self._metrics.rejected("invalid_id", work.accepted.invalid_ids)
            damaged = work.accepted.rejected - work.accepted.invalid_ids
            self._metrics.rejected("damaged", damaged)
            work.answer(answer)

    def _commit_all(self, group: list[_Work]) -> list[Accepted | DecodeError]:
        """Read and commit requests: together if they are small, in parts if they are large."""
        delivery, size = Delivery(), 0
        answers: list[Accepted | DecodeError] = []
        for work in group:
            work.accepted = Accepted()
            try:
                for part in self._reader.read(work.signal, work.body, delivery, work.accepted):
                    size += part
                    if size >= MAX_COMMIT_BYTES:
                        self._commit(delivery)
                        delivery, size = self._empty(delivery), 0
            except DecodeError as e:
                answers.append(e)
            else:
                answers.append(work.accepted)
        self._commit(delivery)
        return answers

    def _empty(self, delivery: Delivery) -> Delivery:
        """The reader goes on filling the same one."""
        delivery.steps, delivery.evaluations, delivery.forwards, delivery.known = {}, [], [], {}
        return delivery

    def _commit(self, delivery: Delivery) -> None:
        placed = self._journal.append(delivery, partial(self._reader.look_again, delivery))
        self._reader.committed(placed)
        for steps in delivery.steps.values():
            for step in steps:
                self._on_step(step)
        self._on_news(_news(delivery, placed))

    def _refuse(self, group: list[_Work], error: Exception) -> None:
        if isinstance(error, JournalDamagedError):
            self._on_failure(error)
        if isinstance(error, JournalError):
            if self._stopped:
                # Each further commit would wait for the journal as long.
                group = [*group, *self._waiting()]
            self._failed_at = time.monotonic()
            _log.error("%d requests were not acknowledged: %s", len(group), error)
            for work in group:
                work.answer(UnavailableError(str(error), "journal", work.accepted.spans))
            return
        (work, *others) = group
        if others:
            # One of them is to blame; the others must not fail with it.
            for one in group:
                self._take([one])
        else:
            _log.error("a request cannot be taken", exc_info=error)
            msg = "internal error, see the log of the service"
            work.answer(FailedError(msg, work.accepted.spans))


def _news(delivery: Delivery, placed: dict[str, list[Place]]) -> News:
    traces: dict[str, Told] = {}
    late = 0
    for trace_id, places in placed.items():
        steps = delivery.steps.get(trace_id, ())
        root_ended = any(not step.parent_id and step.end_ns for step in steps)
        for place in places:
            # Nothing comes any more for a part that is followed by another.
            is_over = root_ended or place.part < places[-1].part
            traces[card_name(trace_id, place.part)] = Told(is_over, place.number)
        late += len(steps) if places[0].late else 0
    return News(traces, late, bool(delivery.forwards))
