"""What traces and sessions cost by now, roughly: to write a card early that may cross a budget.

Calls are added up as they come in. The sum may be too high, as a call that two libraries saw counts
twice, or too low, as after a restart; a card is exact. So it never says that a budget is crossed:
it only hurries a card.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from clawtrace_otel.collector.budgets.notice import Budget, Spent
from clawtrace_otel.collector.journal.names import split_name
from clawtrace_otel.collector.telemetry.table import PERCENTS
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.semconv.step import Step

MAX_KNOWN = 10_000
"""Traces, and sessions, that are kept; those that were quiet the longest are forgotten first."""

MIN_GAP_SECONDS = 1.0
"""Between two early cards of a trace."""

GAP_FACTOR = 10.0
"""At most a tenth of the time goes to early cards, however long they take."""

K = TypeVar("K")
T = TypeVar("T")


@dataclass(slots=True)
class _Sum:
    """Costs in 1e-12 USD.

    Attributes:
        told: of cards, or that an early card was asked for.
        since: of the calls since then.
    """

    told: int = 0
    since: int = 0


class Forecast:
    """Says which traces have probably crossed a part of a budget. Safe from several threads.

    Args:
        budgets: of each trace and of each session.
        pricer: prices calls.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        budgets: Sequence[Budget],
        pricer: Pricer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budgets = budgets
        self._pricer = pricer
        self._clock = clock
        self._sums: OrderedDict[tuple[Budget, str], _Sum] = OrderedDict()
        self._sessions: OrderedDict[str, str] = OrderedDict()
        self._crossing: OrderedDict[str, bool] = OrderedDict()
        self._not_before: OrderedDict[str, float] = OrderedDict()
        self._guard = threading.Lock()

    def add(self, step: Step) -> None:
        """A step came in."""
        cost = self._pricer.price(step).cost if step.kind == "llm" else None
        with self._guard:
            if step.session:
                _put(self._sessions, step.trace_id, step.session)
            for budget in self._budgets if cost else ():
                self._add(budget, step.trace_id, cost or 0)

    def exact(self, budget: Budget, spent: Spent, cost: int) -> None:
        """A card was written: its trace or session costs this much."""
        gap = max(MIN_GAP_SECONDS, spent.seconds * GAP_FACTOR)
        with self._guard:
            _put(self._sums, (budget, spent.key(budget.scope)), _Sum(cost))
            _put(self._not_before, spent.trace_id, self._clock() + gap)

    def to_hurry(self, names: Iterable[str]) -> list[str]:
        """Of the cards that just got news, those that are to be written early."""
        with self._guard:
            return [name for name in names if self._takes(split_name(name)[0])]

    def _add(self, budget: Budget, trace_id: str, cost: int) -> None:
        key = trace_id if budget.scope == "trace" else self._sessions.get(trace_id, "")
        if not key:
            return
        known = self._sums.get((budget, key), _Sum())
        _put(self._sums, (budget, key), known)
        known.since += cost
        now = budget.reached(known.told + known.since, PERCENTS)
        if len(now) > len(budget.reached(known.told, PERCENTS)):
            known.told, known.since = known.told + known.since, 0
            _put(self._crossing, trace_id, True)

    def _takes(self, trace_id: str) -> bool:
        now = self._clock()
        if trace_id not in self._crossing or now < self._not_before.get(trace_id, now):
            return False
        del self._crossing[trace_id]
        _put(self._not_before, trace_id, now + MIN_GAP_SECONDS)
        return True


def _put(known: OrderedDict[K, T], key: K, value: T) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > MAX_KNOWN:
        known.popitem(last=False)
