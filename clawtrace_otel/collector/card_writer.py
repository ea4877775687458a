"""When a trace's card is due, it is compiled from the journal and written."""

import heapq
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from clawtrace_otel.collector.journal import Journal, TraceRecord
from clawtrace_otel.errors import JournalError
from clawtrace_otel.exporters.card_folder import CardFolder, CardMark
from clawtrace_otel.exporters.revise import revise
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.lone_calls import LoneCalls

_log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
"""After a card could not be written."""


@dataclass(slots=True)
class _Watch:
    """A trace that is not closed. Times are monotonic seconds."""

    news_at: float
    root_ended: bool = False
    changed: bool = True
    refreshed_at: float | None = None


class CardWriter:
    """Writes cards when they are due, on a thread of its own.

    A trace is closed when its root has ended and it was quiet for ``settle_seconds``, or when it
    was quiet for ``idle_seconds``. While it runs its card is refreshed at most every
    ``refresh_seconds``.

    Args:
        journal: holds the traces.
        compiler: makes the cards.
        folder: takes them.
        lone_calls: calls that are spread over several traces.
        on_obstacle: is told why cards cannot be written, and "" when they can again.
    """

    def __init__(
        self,
        journal: Journal,
        compiler: Compiler,
        folder: CardFolder,
        lone_calls: LoneCalls,
        *,
        settle_seconds: float,
        idle_seconds: float,
        refresh_seconds: float,
        on_obstacle: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._compiler = compiler
        self._folder = folder
        self._lone_calls = lone_calls
        self._settle_seconds = settle_seconds
        self._idle_seconds = idle_seconds
        self._refresh_seconds = refresh_seconds
        self._on_obstacle = on_obstacle
        self._watched: dict[str, _Watch] = {}
        self._due: list[tuple[float, str]] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="clawtrace-cards")

    def start(self) -> None:
        """Take up what an earlier run left unfinished, and start the thread."""
        for trace_id in self._journal.unfinished():
            for step in self._journal.steps(trace_id):
                self._lone_calls.add(step)
            self.tell({trace_id: False})
        self._thread.start()

    def tell(self, traces: dict[str, bool]) -> None:
        """Traces have changed; the value says whether the root has ended."""
        now = time.monotonic()
        with self._wake:
            for trace_id, root_ended in traces.items():
                watch = self._watched.get(trace_id)
                if watch is None:
                    watch = self._watched[trace_id] = _Watch(now)
                    heapq.heappush(self._due, (now, trace_id))
                elif root_ended and not watch.root_ended:
                    heapq.heappush(self._due, (now, trace_id))
                watch.news_at = now
                watch.changed = True
                watch.root_ended |= root_ended
            self._wake.notify()

    def stop(self) -> None:
        """Write all cards that have changed, and end the thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while (trace_id := self._next()) is not None:
            self._write_or_retry(trace_id)
        for trace_id in list(self._watched):
            self._write_or_retry(trace_id)

    def _next(self) -> str | None:
        """Wait for the next trace that is due; ``None`` when the service stops."""
        with self._wake:
            while not self._stopping:
                now = time.monotonic()
                while self._due and self._due[0][0] <= now:
                    _, trace_id = heapq.heappop(self._due)
                    watch = self._watched.get(trace_id)
                    if watch is None:
                        continue
                    due = self._due_at(watch)
                    if due <= now:
                        return trace_id
                    heapq.heappush(self._due, (due, trace_id))
                self._wake.wait(self._due[0][0] - now if self._due else None)
        return None

    def _due_at(self, watch: _Watch) -> float:
        if watch.root_ended:
            return watch.news_at + self._settle_seconds
        idle = watch.news_at + self._idle_seconds
        if not watch.changed:
            return idle
        if watch.refreshed_at is None:
            return min(watch.news_at + self._settle_seconds, idle)
        return min(watch.refreshed_at + self._refresh_seconds, idle)

    def _write_or_retry(self, trace_id: str) -> None:
        try:
            self._write(trace_id)
            self._on_obstacle("")
        except (OSError, JournalError) as e:
            _log.error("the card of trace %s cannot be written: %s", trace_id, e)
            self._on_obstacle(f"cards cannot be written: {e}")
            self._again_at(trace_id, time.monotonic() + RETRY_SECONDS)
        except Exception:
            # A card that cannot be compiled must not keep the others from being written.
            _log.exception("trace %s has no card", trace_id)
            with self._wake:
                self._watched.pop(trace_id, None)

    def _again_at(self, trace_id: str, due: float) -> None:
        with self._wake:
            heapq.heappush(self._due, (due, trace_id))

    def _write(self, trace_id: str) -> None:
        with self._wake:
            watch = self._watched[trace_id]
            quiet = time.monotonic() - watch.news_at
            watch.changed = False
            news_at = watch.news_at
        first, *twins = self._lone_calls.traces(trace_id)
        records = {t: self._journal.read(t) for t in (first, *twins)}
        closing = _has_ended_root(records[first]) or quiet >= self._idle_seconds
        self._write_card(first, records, closing=closing)
        for twin in twins:
            self._folder.remove(twin)
            mark = CardMark(records[twin].mark.revision, b"", closed=closing)
            self._journal.save_mark(twin, records[twin].changes, mark)
        with self._wake:
            if watch.news_at == news_at and closing:
                del self._watched[trace_id]
            else:
                watch.refreshed_at = time.monotonic()
                heapq.heappush(self._due, (self._due_at(watch), trace_id))

    def _write_card(self, trace_id: str, records: dict[str, TraceRecord], *, closing: bool) -> None:
        last = records[trace_id].mark
        steps = [step for record in records.values() for step in record.steps]
        told = [e for record in records.values() for e in record.evaluations]
        revised = revise(self._compiler, steps, told, last, closing=closing)
        mark = last
        if revised is not None:
            card, mark = revised
            self._folder.write(card)
        closed = CardMark(mark.revision, mark.digest, mark.closed or closing)
        self._journal.save_mark(trace_id, records[trace_id].changes, closed)


def _has_ended_root(record: TraceRecord) -> bool:
    return any(not step.parent_id and step.end_ns for step in record.steps)
