"""When a trace's card is due, it is compiled from the journal and written."""

import heapq
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from clawtrace_otel.collector.journal import Journal, TraceRecord
from clawtrace_otel.errors import JournalError
from clawtrace_otel.exporters.card_folder import CardFolder, CardMark
from clawtrace_otel.exporters.revise import revise
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.joined_traces import JoinedTraces
from clawtrace_otel.tracecard.tree import unique

_log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
"""After a card could not be written."""

MAX_WAIT_SECONDS = 3600.0

_NEVER = float("inf")


@dataclass(slots=True)
class _Watch:
    """A trace that is not closed. Times are monotonic seconds.

    Attributes:
        since: when it was first heard of.
        changed: there is news that its card does not show.
        retry_at: not to be written before.
        queued_at: time of its entry in the queue; other entries are void.
    """

    since: float
    news_at: float
    root_ended: bool = False
    changed: bool = True
    refreshed_at: float | None = None
    retry_at: float = 0.0
    queued_at: float = _NEVER


class CardWriter:
    """Writes cards when they are due, on a thread of its own.

    A trace is closed when its root has ended and it was quiet for ``settle_seconds``, or when it
    was quiet for ``idle_seconds``. While it runs its card is refreshed at most every
    ``refresh_seconds``.

    Args:
        journal: holds the traces.
        compiler: makes the cards.
        folder: takes them.
        joined: runs that are spread over several traces.
        on_step: is told each step that an earlier run left in an open trace.
        on_obstacle: is told why cards cannot be written, and "" when they can again.
    """

    def __init__(
        self,
        journal: Journal,
        compiler: Compiler,
        folder: CardFolder,
        joined: JoinedTraces,
        *,
        settle_seconds: float,
        idle_seconds: float,
        refresh_seconds: float,
        on_step: Callable[[Step], None],
        on_obstacle: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._compiler = compiler
        self._folder = folder
        self._joined = joined
        self._settle_seconds = settle_seconds
        self._idle_seconds = idle_seconds
        self._refresh_seconds = refresh_seconds
        self._on_step = on_step
        self._on_obstacle = on_obstacle
        self._watched: dict[str, _Watch] = {}
        self._queue: list[tuple[float, str]] = []
        self._failing: set[str] = set()
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="clawtrace-cards")

    def start(self) -> None:
        """Take up what an earlier run left unfinished, and start the thread.

        Raises:
            JournalError: the journal cannot be read.
        """
        for trace_id in self._journal.unfinished():
            steps = self._journal.steps(trace_id)
            for step in steps:
                self._on_step(step)
            self.tell({trace_id: _has_ended_root(steps)})
        self._thread.start()

    def tell(self, traces: dict[str, bool]) -> None:
        """Traces have changed; the value says whether the root has ended."""
        now = time.monotonic()
        with self._wake:
            for trace_id, root_ended in traces.items():
                watch = self._watched.setdefault(trace_id, _Watch(now, now))
                watch.news_at = now
                watch.changed = True
                watch.root_ended |= root_ended
                self._enqueue(trace_id, watch)
            self._wake.notify()

    def stop(self) -> None:
        """Write all cards that have changed, and end the thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while (trace_id := self._next()) is not None:
            self._write_or_retry(trace_id)
        for trace_id in [t for t, watch in self._watched.items() if watch.changed]:
            self._write_or_retry(trace_id)

    def _next(self) -> str | None:
        """Wait for the next trace that is due; ``None`` when the service stops."""
        with self._wake:
            while not self._stopping:
                now = time.monotonic()
                while self._queue and self._queue[0][0] <= now:
                    if trace_id := self._take(now):
                        return trace_id
                due = self._queue[0][0] - now if self._queue else MAX_WAIT_SECONDS
                self._wake.wait(min(due, MAX_WAIT_SECONDS))
        return None

    def _take(self, now: float) -> str | None:
        """Take the first entry from the queue; its trace if that is due."""
        queued_at, trace_id = heapq.heappop(self._queue)
        watch = self._watched.get(trace_id)
        if watch is None or watch.queued_at != queued_at:
            return None
        watch.queued_at = _NEVER
        if self._due_at(watch) <= now:
            return trace_id
        self._enqueue(trace_id, watch)
        return None

    def _enqueue(self, trace_id: str, watch: _Watch) -> None:
        """Queue a trace. An entry that comes too early is put back when its time has come."""
        due = self._due_at(watch)
        if due < watch.queued_at:
            watch.queued_at = due
            heapq.heappush(self._queue, (due, trace_id))

    def _due_at(self, watch: _Watch) -> float:
        due = self._closed_at(watch)
        if watch.changed:
            due = min(due, self._refreshed_at(watch))
        return max(due, watch.retry_at)

    def _closed_at(self, watch: _Watch) -> float:
        quiet = self._settle_seconds if watch.root_ended else self._idle_seconds
        return watch.news_at + quiet

    def _refreshed_at(self, watch: _Watch) -> float:
        if watch.refreshed_at is not None:
            return watch.refreshed_at + self._refresh_seconds
        return watch.since + (self._refresh_seconds if watch.root_ended else self._settle_seconds)

    def _write_or_retry(self, trace_id: str) -> None:
        try:
            self._write(trace_id)
        except (OSError, JournalError) as e:
            self._fail(trace_id, f"the card of trace {trace_id} cannot be written: {e}")
            return
        except Exception:
            # A card that cannot be compiled must not keep the others from being written.
            _log.exception("trace %s has no card", trace_id)
            with self._wake:
                self._watched.pop(trace_id, None)
        self._succeed(trace_id)

    def _fail(self, trace_id: str, reason: str) -> None:
        if not self._failing:
            _log.error("%s; nothing is acknowledged until it can", reason)
        self._failing.add(trace_id)
        self._on_obstacle(reason)
        self._retry(trace_id)

    def _succeed(self, trace_id: str) -> None:
        if trace_id not in self._failing:
            return
        self._failing.remove(trace_id)
        if not self._failing:
            _log.info("cards can be written again")
            self._on_obstacle("")

    def _retry(self, trace_id: str) -> None:
        with self._wake:
            watch = self._watched[trace_id]
            watch.changed = True
            watch.retry_at = time.monotonic() + RETRY_SECONDS
            self._enqueue(trace_id, watch)

    def _write(self, trace_id: str) -> None:
        with self._wake:
            watch = self._watched[trace_id]
            watch.changed = False
            news_at = watch.news_at
        first, *twins = self._joined.traces(trace_id)
        records = {t: self._journal.read(t) for t in (first, *twins)}
        root_ended = _has_ended_root(records[trace_id].steps)
        closing = self._closes(root_ended, news_at)
        of_first = closing if first == trace_id else self._is_closed(first, records[first].steps)
        self._write_card(first, records, closing=of_first)
        for twin in twins:
            self._folder.remove(twin)
            # Not closed before the card that it is on: a restart must take up all of its traces.
            mark = CardMark(records[twin].mark.revision, b"", closed=of_first)
            self._journal.save_mark(twin, records[twin].changes, mark)
        self._wrote(trace_id, watch, root_ended=root_ended, closing=closing)

    def _closes(self, root_ended: bool, news_at: float) -> bool:
        quiet = self._settle_seconds if root_ended else self._idle_seconds
        return time.monotonic() >= news_at + quiet

    def _is_closed(self, trace_id: str, steps: Iterable[Step]) -> bool:
        """Whether a trace that something was joined to is closed, or could be now."""
        with self._wake:
            watch = self._watched.get(trace_id)
        return watch is None or self._closes(_has_ended_root(steps), watch.news_at)

    def _wrote(self, trace_id: str, watch: _Watch, *, root_ended: bool, closing: bool) -> None:
        with self._wake:
            if closing and not watch.changed:
                del self._watched[trace_id]
                return
            watch.root_ended |= root_ended
            watch.refreshed_at = time.monotonic()
            watch.retry_at = 0.0
            self._enqueue(trace_id, watch)

    def _write_card(self, trace_id: str, records: dict[str, TraceRecord], *, closing: bool) -> None:
        last = records[trace_id].mark
        steps = [step for record in records.values() for step in record.steps]
        told = [e for record in records.values() for e in record.evaluations]
        revised = revise(self._compiler, steps, told, last, closing=closing)
        mark = last
        if revised is not None:
            text, mark = revised
            self._folder.write(trace_id, text)
        elif last.digest and all(step.kind == "span" for step in unique(steps)):
            # All of its records turned out to be of other traces.
            self._folder.remove(trace_id)
            mark = CardMark(last.revision, b"", last.closed)
        closed = CardMark(mark.revision, mark.digest, mark.closed or closing)
        self._journal.save_mark(trace_id, records[trace_id].changes, closed)


def _has_ended_root(steps: Iterable[Step]) -> bool:
    return any(not step.parent_id and step.end_ns for step in steps)
