"""Two conditions compared, task by task. Several runs of a task count as one: their mean.

Only tasks count that have what is compared in both conditions. A cost that is not known is left
out and named, with its run; it is never 0. A skill's own tokens are part of the prompts of the runs
that it was given to: what they cost is net of it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, median

import msgspec

from clawtrace_otel.costcraft.bench.results import Result
from clawtrace_otel.costcraft.stats import (
    Interval,
    mcnemar,
    mean_interval,
    paired_difference,
    ratio_interval,
    ratio_of_totals,
    wilson,
)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A task whose runs pass more often, or less often, in the second condition."""

    task: str
    first: str
    second: str


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """Of the tasks that were graded in both conditions.

    Attributes:
        first, second: share of passed runs, the mean over tasks.
        difference: of the second from the first.
        interval: of the difference: Newcombe's for pairs; by bootstrap over tasks where one was run
            several times with different ends.
        p: of McNemar's exact test on the tasks that changed.
        regressions, wins: the tasks that changed for the worse and the better.
    """

    tasks: int
    first: float
    second: float
    difference: float
    interval: Interval | None
    p: float
    regressions: list[Change]
    wins: list[Change]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """An amount, in both conditions.

    Attributes:
        tasks: that have it in both.
        first, second: the medians over tasks.
        ratio: total of the second over total of the first; ``None`` if the first has a 0.
        ratio_interval, difference_interval: by bootstrap over tasks, which stay paired.
        difference: the mean over tasks of the second less the first.
    """

    name: str
    tasks: int
    first: float
    second: float
    ratio: float | None
    ratio_interval: Interval | None
    difference: float
    difference_interval: Interval | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The second condition against the first.

    Attributes:
        quality: ``None`` if no task was graded in both.
        measures: those that any task has in both.
    """

    first: str
    second: str
    quality: Quality | None
    measures: list[Measured]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One condition by itself.

    Attributes:
        passed: runs that passed, of ``graded``.
        interval: Wilson's, of the share of passed runs; ``None`` if tasks were run several times,
            for then runs are not independent.
        median_usd: over the runs whose cost is known.
        known_usd: what all runs have cost together, as far as it is known.
        unknown: runs whose cost is not known, with the reason.
        ungraded: runs that the grader could not tell of, with the reason.
        endings: how many runs were ended by which limit.
    """

    condition: str
    runs: int
    graded: int
    passed: int
    interval: Interval | None
    median_usd: float | None
    known_usd: float
    unknown: dict[str, str]
    ungraded: dict[str, str]
    endings: dict[str, int]


MEASURES: Mapping[str, Callable[[Result], float | None]] = {
    "cost_usd": lambda result: result.spent.usd,
    "input_tokens": lambda result: _seen(result, result.spent.input_tokens),
    "cached_tokens": lambda result: _seen(result, result.spent.cached_tokens),
    "output_tokens": lambda result: _seen(result, result.spent.output_tokens),
    "llm_calls": lambda result: _seen(result, result.spent.llm_calls),
    "tool_calls": lambda result: _seen(result, result.spent.tool_calls),
    "waste_usd": lambda result: None if result.spent.usd is None else result.spent.waste_usd,
    "seconds": lambda result: result.seconds if result.ending == "exited" else None,
}
"""What is compared beside quality; ``None`` where a run does not have it."""

COST_IF_PASSED = "cost_usd_if_passed"
"""The cost of tasks all of whose runs passed in both conditions."""


def summarise(condition: str, results: Sequence[Result]) -> Summary:
    """One condition.

    Args:
        condition: its name.
        results: its runs.
    """
    graded = [result for result in results if result.passed is not None]
    passed = sum(1 for result in graded if result.passed)
    once = len({result.task for result in graded}) == len(graded)
    known = [result.spent.usd for result in results if result.spent.usd is not None]
    killed = [result.ending for result in results if result.ending != "exited"]
    return Summary(
        condition=condition,
        runs=len(results),
        graded=len(graded),
        passed=passed,
        interval=wilson(passed, len(graded)) if once else None,
        median_usd=median(known) if known else None,
        known_usd=sum(result.spent.at_least_usd for result in results),
        unknown={r.run: r.spent.why for r in results if r.spent.usd is None},
        ungraded={r.run: r.why for r in results if r.passed is None},
        endings={ending: killed.count(ending) for ending in sorted(set(killed))},
    )


def compare(first: str, second: str, results: Mapping[str, Sequence[Result]]) -> Comparison:
    """Compare two conditions.

    Args:
        first: the condition to compare with.
        second: the one that is looked at.
        results: condition -> its runs.
    """
    before, after = _by_task(results[first]), _by_task(results[second])
    measures = [_measure(name, of, before, after) for name, of in MEASURES.items()]
    both = {task for task in before if _all_passed(before[task]) and _all_passed(after.get(task))}
    cost = MEASURES["cost_usd"]
    measures.insert(1, _measure(COST_IF_PASSED, cost, _only(before, both), _only(after, both)))
    return Comparison(
        first=first,
        second=second,
        quality=_quality(before, after),
        measures=[measure for measure in measures if measure is not None],
    )


def _by_task(results: Iterable[Result]) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.task, []).append(result)
    return found


def _only(runs: Mapping[str, list[Result]], tasks: set[str]) -> dict[str, list[Result]]:
    return {task: each for task, each in runs.items() if task in tasks}


def _all_passed(results: Sequence[Result] | None) -> bool:
    return bool(results) and all(result.passed for result in results or ())


def _quality(
    before: Mapping[str, list[Result]], after: Mapping[str, list[Result]]
) -> Quality | None:
    tasks = [task for task in before if _passed(before[task]) and _passed(after.get(task, []))]
    if not tasks:
        return None
    first = [fmean(_passed(before[task])) for task in tasks]
    second = [fmean(_passed(after[task])) for task in tasks]
    changes = [b - a for a, b in zip(first, second, strict=True)]
    moved = [
        (change, Change(task=task, first=_share(before[task]), second=_share(after[task])))
        for task, change in zip(tasks, changes, strict=True)
    ]
    worse = [change for by, change in moved if by < 0]
    better = [change for by, change in moved if by > 0]
    return Quality(
        tasks=len(tasks),
        first=fmean(first),
        second=fmean(second),
        difference=fmean(changes),
        interval=_difference(first, second),
        p=mcnemar(len(worse), len(better)),
        regressions=worse,
        wins=better,
    )


def _difference(first: Sequence[float], second: Sequence[float]) -> Interval | None:
    pairs = list(zip(first, second, strict=True))
    if any(share not in (0, 1) for pair in pairs for share in pair):
        return mean_interval([b - a for a, b in pairs])
    count = Counter(pairs)
    return paired_difference(count[1, 1], count[1, 0], count[0, 1], count[0, 0])


def _passed(results: Iterable[Result]) -> list[bool]:
    return [result.passed for result in results if result.passed is not None]


def _share(results: Iterable[Result]) -> str:
    passed = _passed(results)
    return f"{sum(passed)}/{len(passed)}"


def _measure(
    name: str,
    of: Callable[[Result], float | None],
    before: Mapping[str, list[Result]],
    after: Mapping[str, list[Result]],
) -> Measured | None:
    pairs = [
        (first, second)
        for task in before
        if (first := _mean(of, before[task])) is not None
        and (second := _mean(of, after.get(task, []))) is not None
    ]
    if not pairs:
        return None
    firsts, seconds = [first for first, _ in pairs], [second for _, second in pairs]
    changes = [second - first for first, second in pairs]
    return Measured(
        name=name,
        tasks=len(pairs),
        first=median(firsts),
        second=median(seconds),
        ratio=ratio_of_totals(seconds, firsts),
        ratio_interval=ratio_interval(seconds, firsts),
        difference=fmean(changes),
        difference_interval=mean_interval(changes),
    )


def _mean(of: Callable[[Result], float | None], results: Iterable[Result]) -> float | None:
    known = [value for result in results if (value := of(result)) is not None]
    return fmean(known) if known else None


def _seen(result: Result, value: int) -> float | None:
    """What cards count; ``None`` of a run without a card, and of one whose card is not whole."""
    whole = result.spent.cards and result.ending == "exited"
    return float(value) if whole else None
