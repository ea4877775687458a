"""Budgets: that a trace or a session has cost 50, 75 or 100 % of what it may is told of, once.

Each card that is written is held against them, on a thread of their own. In this order: a log line
and a count, then one commit says that the notice was given and, if there is a webhook, that it is
still to be posted; :mod:`clawtrace_otel.collector.budgets.webhook` posts it. A process that is
killed between the line and the commit, which is under a millisecond, says the line once more;
nothing is left out.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence

from tenacity import (
    RetryCallState,
    RetryError,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_fixed,
)

from clawtrace_otel.collector.budgets.notice import Budget, Notice, Spent, make_notice
from clawtrace_otel.collector.budgets.store import BudgetStore
from clawtrace_otel.collector.card_writer import CardWritten
from clawtrace_otel.collector.telemetry.metrics import ServiceMetrics
from clawtrace_otel.collector.telemetry.table import PERCENTS
from clawtrace_otel.errors import JournalError
from clawtrace_otel.exporters.card_folder import CardFolder

_log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
"""After the journal could not be read, or while another replica looks at the same session."""

PRUNE_SECONDS = 3600.0

MAX_LOOKED_AT_AGAIN = 100
"""Cards, the last that were written, that are looked at again at the start. A killed process left
at most those that it had not come to yet, which is seldom more than one."""


class _ElsewhereError(Exception):
    """Another replica is at the same trace or session."""


class Budgets:
    """Holds what was spent against the budgets.

    Args:
        budgets: of each trace and of each session, as far as there are any.
        store: remembers what was told.
        folder: has the cards.
        metrics: count what was crossed.
        on_cost: is told what the trace and the session of each card cost, in 1e-12 USD.
        on_notice: is told when there is something to post; ``None`` if nothing is ever posted.
        clock: Unix seconds.
    """

    def __init__(
        self,
        budgets: Sequence[Budget],
        store: BudgetStore,
        folder: CardFolder,
        metrics: ServiceMetrics,
        on_cost: Callable[[Budget, Spent, int], None],
        on_notice: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._budgets = budgets
        self._store = store
        self._folder = folder
        self._metrics = metrics
        self._on_cost = on_cost
        self._on_notice = on_notice
        self._clock = clock
        self._said: set[tuple[Budget, str, int]] = set()
        self._queue: queue.SimpleQueue[Spent | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._retrying = Retrying(
            retry=retry_if_exception_type((JournalError, _ElsewhereError)),
            wait=wait_fixed(RETRY_SECONDS),
            sleep=sleep_using_event(self._stopping),
            stop=stop_when_event_set(self._stopping),
            before_sleep=_log_retry,
        )
        self._thread = threading.Thread(target=self._run, name="clawtrace-budgets")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Look at all cards that were written, and end the thread."""
        self._stopping.set()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def card_written(self, written: CardWritten) -> None:
        """A card was written, and is in the journal. Never waits."""
        self._queue.put(Spent.of_card(written.name, written.card, written.seconds))

    def look_again(self) -> None:
        """Look at the cards that an earlier process may not have come to.

        Only cards since a budget is known: a new one says nothing of old traces.

        Raises:
            JournalError: the journal cannot be read or written.
        """
        for budget in self._budgets:
            since = self._store.begin(budget, self._clock())
            for name in self._store.written_since(since, MAX_LOOKED_AT_AGAIN):
                if card := self._folder.read(name):
                    self._check(budget, Spent.of_card(name, card))

    def check(self, spent: Spent) -> None:
        """Tell what a card has crossed, if nobody told it yet.

        Raises:
            JournalError: the journal cannot be read or written.
        """
        for budget in self._budgets:
            self._check(budget, spent)

    def _check(self, budget: Budget, spent: Spent) -> None:
        key = spent.key(budget.scope)
        if not key:
            return
        cost = self._store.cost(budget, spent)
        self._on_cost(budget, spent, cost)
        if not self._new(budget, spent, cost):
            return
        claim = f"budget {budget.scope} {key}"
        if not self._store.claim(claim):
            raise _ElsewhereError(claim)
        try:
            cost = self._store.cost(budget, spent)
            if new := self._new(budget, spent, cost):
                self._tell(budget, spent, cost, new)
        finally:
            self._store.release(claim)

    def _new(self, budget: Budget, spent: Spent, cost: int) -> list[int]:
        """The percents that are reached and were not told of."""
        reached = budget.reached(cost, PERCENTS)
        given = self._store.given(budget, spent.key(budget.scope)) if reached else set()
        return [percent for percent in reached if percent not in given]

    def _tell(self, budget: Budget, spent: Spent, cost: int, new: list[int]) -> None:
        now = self._clock()
        notice = make_notice(budget, spent, cost, new, now)
        said = {(budget, spent.key(budget.scope), percent) for percent in new}
        self._say(budget, notice, [percent for *_, percent in said - self._said])
        self._said |= said
        self._store.give(budget, spent, notice, now, post=self._on_notice is not None)
        self._said -= said
        if self._on_notice:
            self._on_notice()

    def _say(self, budget: Budget, notice: Notice, percents: list[int]) -> None:
        """Log and count, but not again if the journal could not be written meanwhile."""
        if not percents:
            return
        level = logging.ERROR if notice.percent == max(PERCENTS) else logging.WARNING
        # The whole text is the message, not its values: lines that differ are not held back.
        _log.log(level, notice.text, extra=notice.extras())
        for percent in percents:
            self._metrics.budget_crossed(budget.scope, percent)

    def _run(self) -> None:
        self._try(self.look_again)
        pruned_at = 0.0
        while True:
            if time.monotonic() - pruned_at >= PRUNE_SECONDS or not pruned_at:
                self._try(self._store.prune)
                pruned_at = time.monotonic()
            try:
                spent = self._queue.get(timeout=PRUNE_SECONDS)
            except queue.Empty:
                continue
            if spent is None:
                return
            self._try(self.check, spent)

    def _try(self, do: Callable[..., None], *arguments: Spent) -> None:
        try:
            self._retrying(do, *arguments)
        except RetryError as e:
            _log.warning("the service ends before budgets are looked at: %s", _reason(e))
        except Exception:
            _log.exception("budgets cannot be looked at")


def _reason(error: RetryError) -> object:
    return error.last_attempt.exception()


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, JournalError):
        _log.warning("budgets wait for %g s: %s", RETRY_SECONDS, error)
