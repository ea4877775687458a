"""Loops: a cycle of calls that is run through at least three times on end."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

MIN_COUNT = 3
MAX_PERIOD = 8
"""Longer cycles are not looked for; the search takes time linear in steps times this."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """``count`` rounds of ``period`` calls, the first of them at index ``start``."""

    start: int
    period: int
    count: int

    @property
    def end(self) -> int:
        """Index behind the last call of the last full round."""
        return self.start + self.period * self.count


def find_cycles(calls: Sequence[Hashable]) -> list[Cycle]:
    """The cycles in a sequence of calls, each reported once, with its shortest period.

    Args:
        calls: what identifies each call, in time order; ``None`` for calls that are equal to none.
    """
    found: list[Cycle] = []
    for period in range(1, MAX_PERIOD + 1):
        found += [
            cycle
            for cycle in _with_period(calls, period)
            if not any(other.start <= cycle.start < other.end for other in found)
        ]
    return sorted(found, key=lambda cycle: cycle.start)


def _with_period(calls: Sequence[Hashable], period: int) -> list[Cycle]:
    found: list[Cycle] = []
    start = 0
    for n in range(period, len(calls) + 1):
        if n < len(calls) and calls[n] is not None and calls[n] == calls[n - period]:
            continue
        count = (n - start) // period
        if count >= MIN_COUNT:
            found.append(Cycle(start, period, count))
        start = n - period + 1
    return found
