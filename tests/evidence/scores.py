"""Precision and recall with their intervals, and how they stand in a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clawtrace_otel.costcraft.stats import Interval, wilson


class Case(NamedTuple):
    """A call of which it is known whether it was redundant.

    Attributes:
        weight: how many calls it stands for.
    """

    redundant: bool
    flagged: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole.

    Attributes:
        good, of: how many cases were counted.
        value: the share, by weight; ``None`` of nothing.
        interval: of 95 %, after Wilson; ``None`` of nothing.
    """

    good: int
    of: int
    value: float | None
    interval: Interval | None

    def __str__(self) -> str:
        if self.value is None or self.interval is None:
            return "-"
        low, high = self.interval
        return f"{self.value:.3f} [{low:.3f}, {high:.3f}]"


def precision(cases: Iterable[Case]) -> Share:
    """How many of the flagged calls were redundant."""
    return _share([(case.redundant, case.weight) for case in cases if case.flagged])


def recall(cases: Iterable[Case]) -> Share:
    """How many of the redundant calls were flagged."""
    return _share([(case.flagged, case.weight) for case in cases if case.redundant])


def _share(found: Sequence[tuple[bool, float]]) -> Share:
    """Of weighted cases the interval is that of as many as they are worth, after Kish.

    n cases of unequal weights w say as much as (sum w)² / sum w² of equal weights.
    """
    good = sum(is_good for is_good, _ in found)
    whole = sum(weight for _, weight in found)
    if not whole:
        return Share(good, len(found), None, None)
    value = sum(weight for is_good, weight in found if is_good) / whole
    worth = round(whole**2 / sum(weight**2 for _, weight in found))
    return Share(good, len(found), value, wilson(round(value * worth), worth))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; all but the first column are figures."""
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join(lines) + "\n"
