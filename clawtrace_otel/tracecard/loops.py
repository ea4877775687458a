"""Loops: a cycle of calls that is run through at least three times on end."""

from collections.abc import Hashable, Iterator, Sequence
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

    A cycle may stand within the rounds of a longer one.

    Args:
        calls: what identifies each call, in time order; ``None`` for calls that are equal to none.
    """
    found: dict[tuple[int, int], Cycle] = {}
    for period in range(1, MAX_PERIOD + 1):
        for start, end in _runs(calls, period):
            # A stretch that repeats with a shorter period as well is the same from end to end.
            found.setdefault((start, end), Cycle(start, period, (end - start) // period))
    return sorted(found.values(), key=lambda cycle: cycle.start)


def _runs(calls: Sequence[Hashable], period: int) -> Iterator[tuple[int, int]]:
    """The longest stretches in which every call equals the one a period before."""
    start = 0
    for n in range(period, len(calls) + 1):
        if n < len(calls) and calls[n] is not None and calls[n] == calls[n - period]:
            continue
        if n - start >= MIN_COUNT * period:
            yield start, n
        start = n - period + 1
