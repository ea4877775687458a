"""When the card of a trace is due.

A trace is closed when its root has ended and it was quiet for ``settle_seconds``, or when it was
quiet for ``idle_seconds``. While it runs its card is refreshed at most every ``refresh_seconds``.
All times are monotonic seconds: a clock that is set closes nothing.
"""

import heapq
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

RETRY_SECONDS = 1.0
"""After a card could not be written."""

MAX_WAIT_SECONDS = 3600.0

_NEVER = float("inf")


class Told(NamedTuple):
    """What came in for a trace.

    Attributes:
        root_ended: its root has ended.
        changes: deliveries of it so far.
    """

    root_ended: bool = False
    changes: int = 0


@dataclass(slots=True)
class _Watch:
    """A trace that is not closed. Times are monotonic seconds.

    Attributes:
        since: when it was first heard of.
        changes: deliveries that ``news_at`` takes account of.
        changed_at: since when there is news that its card does not show; ``None`` if there is none.
        retry_at: not to be written before.
        queued_at: time of its entry in the queue; other entries are void.
        hurried: its card is not to wait for its next refresh.
    """

    since: float
    news_at: float
    changed_at: float | None
    changes: int = 0
    root_ended: bool = False
    refreshed_at: float | None = None
    retry_at: float = 0.0
    queued_at: float = _NEVER
    hurried: bool = False


class Schedule:
    """The traces that are not closed, and the order in which their cards are due.

    May be used by several threads.
    """

    def __init__(
        self, *, settle_seconds: float, idle_seconds: float, refresh_seconds: float
    ) -> None:
        self.settle_seconds = settle_seconds
        self._idle_seconds = idle_seconds
        self._refresh_seconds = refresh_seconds
        self._watched: dict[str, _Watch] = {}
        self._queue: list[tuple[float, str]] = []
        self._wake = threading.Condition()
        self._stopping = False

    def tell(self, traces: dict[str, Told]) -> None:
        """Traces have changed."""
        now = time.monotonic()
        with self._wake:
            for name, told in traces.items():
                watch = self._watched.setdefault(name, _Watch(now, now, now))
                watch.news_at = now
                watch.changes = max(watch.changes, told.changes)
                watch.root_ended |= told.root_ended
                if watch.changed_at is None:
                    watch.changed_at = now
                self._enqueue(name, watch)
            self._wake.notify()

    def hurry(self, names: Iterable[str]) -> None:
        """Have cards that do not show all that came in written now."""
        with self._wake:
            for name in names:
                watch = self._watched.get(name)
                if watch is not None and watch.changed_at is not None:
                    watch.hurried = True
                    self._enqueue(name, watch)
            self._wake.notify()

    def stop(self) -> None:
        """Let :meth:`wait` return ``None``."""
        with self._wake:
            self._stopping = True
            self._wake.notify()

    def wait(self) -> str | None:
        """Wait for the next trace that is due; ``None`` when the service stops."""
        with self._wake:
            while not self._stopping:
                now = time.monotonic()
                while self._queue and self._queue[0][0] <= now:
                    if name := self._take(now):
                        return name
                due = self._queue[0][0] - now if self._queue else MAX_WAIT_SECONDS
                self._wake.wait(min(due, MAX_WAIT_SECONDS))
        return None

    def knows(self, name: str) -> bool:
        """Whether a trace is watched."""
        return name in self._watched

    def changed(self) -> list[str]:
        """The traces whose card does not show all that came in."""
        with self._wake:
            return [n for n, watch in self._watched.items() if watch.changed_at is not None]

    def open_traces(self) -> int:
        """How many traces are watched."""
        return len(self._watched)

    def lag_seconds(self) -> float:
        """Age of the oldest news that no card shows."""
        now = time.monotonic()
        with self._wake:
            since = [w.changed_at for w in self._watched.values() if w.changed_at is not None]
        return now - min(since, default=now)

    def begin(self, name: str) -> None:
        """The card is about to be made of all that the journal has by now."""
        with self._wake:
            if watch := self._watched.get(name):
                watch.changed_at, watch.hurried = None, False

    def closes(self, name: str, told: Told) -> bool:
        """Whether a trace is closed with the card that is made of what is ``told``.

        News that this process did not hear of came in by another replica, at most just now.
        """
        now = time.monotonic()
        with self._wake:
            watch = self._watched.get(name)
            if watch is None:
                return True
            watch.root_ended |= told.root_ended
            if told.changes > watch.changes:
                watch.changes, watch.news_at = told.changes, now
            return now >= self._closed_at(watch)

    def written(self, name: str, *, closed: bool) -> None:
        """The card was written. A closed trace without news since is watched no longer."""
        with self._wake:
            watch = self._watched.get(name)
            if watch is None:
                return
            if closed and watch.changed_at is None:
                del self._watched[name]
                return
            watch.refreshed_at = time.monotonic()
            watch.retry_at = 0.0
            self._enqueue(name, watch)

    def retry(self, name: str) -> None:
        """The card could not be written now."""
        now = time.monotonic()
        with self._wake:
            if watch := self._watched.get(name):
                watch.changed_at = watch.changed_at or now
                watch.retry_at = now + RETRY_SECONDS
                self._enqueue(name, watch)

    def drop(self, name: str) -> None:
        """Watch a trace no longer."""
        with self._wake:
            self._watched.pop(name, None)

    def _take(self, now: float) -> str | None:
        """Take the first entry from the queue; its trace if that is due."""
        queued_at, name = heapq.heappop(self._queue)
        watch = self._watched.get(name)
        if watch is None or watch.queued_at != queued_at:
            return None
        watch.queued_at = _NEVER
        if self._due_at(watch) <= now:
            return name
        self._enqueue(name, watch)
        return None

    def _enqueue(self, name: str, watch: _Watch) -> None:
        """Queue a trace. An entry that comes too early is put back when its time has come."""
        due = self._due_at(watch)
        if due < watch.queued_at:
            watch.queued_at = due
            heapq.heappush(self._queue, (due, name))

    def _due_at(self, watch: _Watch) -> float:
        due = self._closed_at(watch)
        if watch.changed_at is not None:
            due = min(due, self._refreshed_at(watch))
        return max(due, watch.retry_at)

    def _closed_at(self, watch: _Watch) -> float:
        quiet = self.settle_seconds if watch.root_ended else self._idle_seconds
        return watch.news_at + quiet

    def _refreshed_at(self, watch: _Watch) -> float:
        if watch.hurried:
            return watch.since
        if watch.refreshed_at is not None:
            return watch.refreshed_at + self._refresh_seconds
        return watch.since + (self._refresh_seconds if watch.root_ended else self.settle_seconds)
