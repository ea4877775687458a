"""What a bench has found, for people: as rows of tables, and as a page in Markdown."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from clawtrace_otel.costcraft.bench.compare import Comparison, Measured, Quality, Summary
from clawtrace_otel.costcraft.stats import Interval

LIMITS = """\
* Tasks are paired: a task counts only where it has what is compared in both conditions. Several
  runs of a task are one value, their mean. Intervals are of 95 %: of the difference of passed
  shares Newcombe's for pairs, of other differences and of ratios by bootstrap over tasks, with a
  fixed seed. Of fewer than some ten tasks those are too narrow.
* p is that of McNemar's exact test: how often as many tasks or more would change to one side if
  the skill changed nothing. Of several comparisons, one looks better by chance more often.
* A skill's own tokens are part of the prompts of the runs that had it: costs are net of them.
* A run whose cost is not known is left out of what is said of cost, and named. It is never 0. So
  is a run that a limit ended: a skill that has runs end so can look cheaper than it is.
* This says what this agent did on these tasks. It says nothing of other agents, models or tasks.
"""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that is told.

    Attributes:
        stop: why runs are missing; empty if none is.
        total_usd: what is known to have been spent, runs that were broken off included.
    """

    tasks: int
    repeats: int
    stop: str
    missing: int
    total_usd: float
    conditions: list[Summary]
    comparisons: list[Comparison]
    folder: str


SUMMARY_HEADS = (
    "condition",
    "runs",
    "passed",
    "95 %",
    "median cost",
    "total cost",
    "cost unknown",
)


def summary_rows(summaries: Iterable[Summary]) -> Iterator[list[str]]:
    """A row for each condition."""
    for each in summaries:
        yield [
            each.condition,
            str(each.runs),
            f"{each.passed} of {each.graded}",
            _interval(each.interval, _percent),
            _usd(each.median_usd),
            at_least(each.known_usd, unknown=len(each.unknown)),
            str(len(each.unknown) or ""),
        ]


def at_least(known_usd: float, *, unknown: int) -> str:
    """What is known of a cost, where that of so many runs is not: the unknown is never 0."""
    if not unknown:
        return _usd(known_usd)
    return f"at least {_usd(known_usd)}" if known_usd else "unknown"


def spent(report: Report) -> str:
    """What the runs of a bench have cost."""
    return at_least(report.total_usd, unknown=sum(len(each.unknown) for each in report.conditions))


def measure_heads(comparison: Comparison) -> Sequence[str]:
    """Above the amounts: of each condition the median over tasks."""
    first, second = comparison.first, comparison.second
    return ["", "tasks", first, second, "ratio", "95 %", "difference", "95 %"]


def measure_rows(measures: Iterable[Measured]) -> Iterator[list[str]]:
    """A row for each amount."""
    for each in measures:
        show = _usd if "usd" in each.name else _number
        yield [
            each.name,
            str(each.tasks),
            show(each.first),
            show(each.second),
            "" if each.ratio is None else f"{each.ratio:.3f}",
            _interval(each.ratio_interval, lambda value: f"{value:.3f}"),
            show(each.difference),
            _interval(each.difference_interval, show),
        ]


def quality_lines(quality: Quality | None) -> Iterator[str]:
    """What changed, in sentences."""
    if quality is None:
        yield "No task was graded in both conditions."
        return
    within = _interval(quality.interval, _points)
    yield (
        f"Passed: {_percent(quality.first)} before, {_percent(quality.second)} after, of "
        f"{quality.tasks} tasks; difference {_points(quality.difference)} points"
        f"{f' ({within})' if within else ''}, p = {quality.p:.3g}."
    )
    for name, changes in (("Worse", quality.regressions), ("Better", quality.wins)):
        told = ", ".join(f"{each.task} ({each.first} -> {each.second})" for each in changes)
        yield f"{name}: {told or 'none'}."


def heading(comparison: Comparison) -> str:
    """Which conditions are compared."""
    return f"{comparison.second} against {comparison.first}"


def notes(report: Report) -> Iterator[str]:
    """What is missing, and why."""
    if report.stop:
        yield f"{runs(report.missing)} missing: {report.stop}."
    for each in report.conditions:
        for ending, count in each.endings.items():
            yield f"{each.condition}: {runs(count)} counted as failed, ended by the {ending}."
        yield from _named(each.condition, "cost unknown", each.unknown)
        yield from _named(each.condition, "not graded", each.ungraded)


def runs(count: int) -> str:
    """So many runs, and the verb."""
    return "1 run is" if count == 1 else f"{count:,} runs are"


def markdown(report: Report) -> str:
    """The page."""
    lines = [
        "# Bench",
        "",
        f"Tasks: {report.tasks}. Runs of each in each condition: {report.repeats}. "
        f"Spent: {spent(report)}.",
        "",
        *(f"* {note}" for note in notes(report)),
        "",
        *_table(SUMMARY_HEADS, summary_rows(report.conditions)),
    ]
    for comparison in report.comparisons:
        lines += ["", f"## {heading(comparison)}", ""]
        lines += [f"* {line}" for line in quality_lines(comparison.quality)]
        lines += ["", *_table(measure_heads(comparison), measure_rows(comparison.measures))]
    return "\n".join([*lines, "", "## How to read this", "", LIMITS])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"


def _named(condition: str, what: str, runs: dict[str, str]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for run, reason in runs.items():
        by_reason.setdefault(reason, []).append(run)
    for reason, names in by_reason.items():
        count = "1 run" if len(names) == 1 else f"{len(names)} runs"
        yield f"{condition}: {what} of {count} ({', '.join(names)}): {reason}"


def _interval(interval: Interval | None, show: Callable[[float], str]) -> str:
    return f"{show(interval[0])} to {show(interval[1])}" if interval else ""


def _usd(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"-${-value:,.6f}" if value < 0 else f"${value:,.6f}"


def _number(value: float) -> str:
    return f"{value:,.1f}" if abs(value) < 1_000 else f"{value:,.0f}"


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _points(value: float) -> str:
    """A difference of shares, in percentage points."""
    return f"{value * 100:+.1f}"
