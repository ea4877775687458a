"""What the journal needs now and then: traces taken up, old ones removed, its backlog watched.

A closed trace is kept for ``retention_seconds``, so that late spans still find it. Then its steps
are removed, but not that it was there: spans that come even later make a card of their own, beside
the one that has all others. That is forgotten when the card is no longer in the folder.

Clocks may be set: a trace that is kept too long loses nothing by it, one that is removed too early
neither, but a sender that repeats a request then would find its spans counted twice. So nothing is
removed for an hour after the clock was set.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from clawtrace_otel.collector.clock_watch import ClockWatch
from clawtrace_otel.collector.journal.interface import Journal
from clawtrace_otel.collector.schedule import Schedule, Told
from clawtrace_otel.errors import JournalError
from clawtrace_otel.exporters.card_folder import CardFolder

_log = logging.getLogger(__name__)

BACKLOG_SECONDS = 1.0
ADOPT_SECONDS = 10.0
MAX_RETENTION_SECONDS = 60.0
"""Between two looks for what is over its time; less if the time itself is short."""

SET_CLOCK_SECONDS = 3600.0
"""For which nothing is removed after the clock was set; less if traces are not kept that long."""

BATCH = 200
"""Traces that are removed in one transaction, which keeps others from writing."""


@dataclass(slots=True)
class _Task:
    run: Callable[[], None]
    every_seconds: float
    due_at: float = 0.0


class Upkeep:
    """Does it, on a thread of its own.

    Args:
        journal: is looked after.
        folder: has the cards.
        schedule: gets the traces that another replica left.
        retention_seconds: how long closed traces are kept.
        max_forward_bytes: of requests to be sent on; beyond it senders must wait.
        on_obstacle: is told why nothing can be taken, and "" when it can again.
        on_unfinished: is told what is open at all replicas; names that are due for it.
        clock: Unix seconds.
    """

    def __init__(
        self,
        journal: Journal,
        folder: CardFolder,
        schedule: Schedule,
        *,
        retention_seconds: float,
        max_forward_bytes: int,
        on_obstacle: Callable[[str], None],
        on_unfinished: Callable[[list[str]], list[str]] = lambda _: [],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._folder = folder
        self._schedule = schedule
        self._retention_seconds = retention_seconds
        self._max_forward_bytes = max_forward_bytes
        self._on_obstacle = on_obstacle
        self._on_unfinished = on_unfinished
        self._clock = clock
        self._clock_watch = ClockWatch(clock)
        self._clock_was_set = False
        self._folder_id = folder.store.identity()
        self._is_full = False
        self._orphans: set[str] = set()
        self._forgotten_up_to = ""
        self._stop = threading.Event()
        every = min(MAX_RETENTION_SECONDS, retention_seconds / 4)
        self._tasks = [
            _Task(self.watch_backlog, BACKLOG_SECONDS),
            _Task(self.remove_expired, every),
            _Task(self.forget_removed, every),
        ]
        if journal.shared:
            self._tasks.append(_Task(self.adopt, min(ADOPT_SECONDS, schedule.settle_seconds)))
        self._thread = threading.Thread(target=self._run, name="clawtrace-upkeep")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def watch_backlog(self) -> None:
        """Have senders wait while there is too much to be sent on."""
        requests, size = self._journal.forward_backlog()
        is_full = size > self._max_forward_bytes
        if is_full == self._is_full:
            return
        self._is_full = is_full
        if is_full:
            reason = f"{requests} requests of {size} bytes wait to be sent on"
            _log.error("%s; nothing is acknowledged until they are less", reason)
            self._on_obstacle(reason)
        else:
            _log.info("what waits to be sent on is within its bounds again")
            self._on_obstacle("")

    def remove_expired(self) -> None:
        """Remove the steps of traces whose time is over."""
        was_set, self._clock_was_set = self._clock_was_set, self._is_clock_set()
        if self._clock_was_set:
            if not was_set:
                _log.warning("the clock was set; no trace is removed from the journal for now")
            return
        before = self._clock() - self._retention_seconds
        while names := self._journal.expired(before, BATCH):
            self._journal.remove(names)
            if self._stop.is_set() or len(names) < BATCH:
                return

    def _is_clock_set(self) -> bool:
        return self._clock_watch.was_set(min(SET_CLOCK_SECONDS, self._retention_seconds))

    def forget_removed(self) -> None:
        """Forget removed traces whose cards are gone, some at a time.

        Not if the folder is another one than at the start: it may come back with its cards.
        """
        names = self._journal.removed(self._forgotten_up_to, BATCH)
        if names and not self._is_same_folder():
            return
        cards = {name: self._journal.card_of(name) or name for name in names}
        missing = self._folder.missing(cards.values())
        if gone := [name for name, card in cards.items() if card in missing]:
            self._journal.forget(gone)
        self._forgotten_up_to = names[-1] if len(names) == BATCH else ""

    def _is_same_folder(self) -> bool:
        found = self._folder.store.identity()
        return found is not None and found == self._folder_id

    def adopt(self) -> None:
        """Take up what no replica seems to be at: it was unfinished at the last look, too."""
        unfinished = self._journal.unfinished()
        unknown = {name for name in unfinished if not self._schedule.knows(name)}
        due = [*(unknown & self._orphans), *self._on_unfinished(unfinished)]
        self._schedule.tell({name: Told() for name in due})
        self._orphans = unknown

    def _run(self) -> None:
        while not self._stop.wait(self._pause()):
            now = time.monotonic()
            for task in self._tasks:
                if task.due_at <= now:
                    task.due_at = now + task.every_seconds
                    self._try(task)

    def _pause(self) -> float:
        return max(0.0, min(task.due_at for task in self._tasks) - time.monotonic())

    def _try(self, task: _Task) -> None:
        try:
            task.run()
        except (JournalError, OSError) as e:
            _log.warning("%s; tried again in %g s", e, task.every_seconds)
        except Exception:
            _log.exception("upkeep failed; tried again in %g s", task.every_seconds)
