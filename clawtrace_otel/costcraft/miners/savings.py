"""What steps would save that several patterns leave out of one run: nothing is counted twice.

A step saves the smaller of two amounts: what the run costs less without the steps of its own
pattern, and without those of all patterns together. So the savings of one patch hold though the
others be rejected, and those of all patches together are no more than what leaving all of it out
would save.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from clawtrace_otel.costcraft.miners.occurrence import Occurrence
from clawtrace_otel.costcraft.model import Interval, Pattern
from clawtrace_otel.costcraft.reprice import reprice
from clawtrace_otel.costcraft.run import Run


def find_savings(run: Run, occurrences: Iterable[Occurrence]) -> Mapping[int, Interval]:
    """Step number -> what leaving it out would save, in USD; steps of unknown cost are missing.

    Args:
        run: where all of them are.
        occurrences: no step is in two of them.
    """
    found = [occurrence for occurrence in occurrences if occurrence.is_left_out]
    by_pattern: dict[Pattern, set[int]] = defaultdict(set)
    for occurrence in found:
        by_pattern[occurrence.pattern].update(occurrence.steps)
    together = reprice(run, set().union(*by_pattern.values()))
    alone = {n: saved for steps in by_pattern.values() for n, saved in reprice(run, steps).items()}
    saved = {
        n: _saved(run, n, occurrence, alone.get(n), together.get(n))
        for occurrence in found
        for n in occurrence.steps
    }
    return {n: interval for n, interval in saved.items() if interval is not None}


def _saved(
    run: Run, n: int, occurrence: Occurrence, alone: Interval | None, together: Interval | None
) -> Interval | None:
    """Nothing is certain of what may have been needed, or of a result that gets shorter."""
    if occurrence.share is not None:
        carry = run.by_number[n].get("carry_usd")
        return None if carry is None else (0.0, carry * occurrence.share)
    if alone is None or together is None:
        return None
    low = min(alone[0], together[0]) if occurrence.verdict == "harmless" else 0.0
    return low, min(alone[1], together[1])
