"""What runs of a task that passed did, and runs of the same task that failed did not.

A habit is a tool that is called before another one is called first, or that is called at all. Only
tasks with passing and failing runs tell anything. Passing and failing runs are compared within each
task, by Fisher's exact test over all tasks (see ``exact_association``), so that it does not matter
that one task is easier than another or needs other tools. The p-value is corrected for the number
of habits that were tried. It ignores that runs of a task may depend on each other, and that they
may be of different models; and it shows an association: a run may call a tool because all went
well, rather than go well because it called the tool.

What changes state is what the task asks for, no habit: where it is known which tools only read, a
habit is about these; where it is not, a tool that is called at all says nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from clawtrace_otel.costcraft.miners.miner import patch_id, support_of
from clawtrace_otel.costcraft.model import Contrast, Patch, Pattern, Section, StepRef
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.stats import Stratum, exact_association, false_discoveries

NAME = "ordering"

MAX_P = 0.05
"""After correction."""

MIN_TASKS = 2
"""Tasks in which passing runs have a habit more often than failing ones."""


class Habit(NamedTuple):
    """A tool that is called before another one; ``before`` is empty if it is called at all."""

    tool: str
    before: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Calls:
    """The calls of a run that succeeded: tool -> number of its first one."""

    run: Run
    first: Mapping[str, int]

    def has(self, habit: Habit) -> bool | None:
        """Whether the run has a habit; ``None`` if it does not come to it."""
        if not habit.before:
            return habit.tool in self.first
        if habit.before not in self.first:
            return None
        return self.first.get(habit.tool, 1 << 62) < self.first[habit.before]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A habit, and the runs of tasks with passing and failing runs that come to it."""

    habit: Habit
    having: Sequence[Run]
    lacking: Sequence[Run]
    strata: Mapping[str, Stratum]

    @property
    def tasks_for(self) -> int:
        """Tasks in which passing runs have it more often than failing ones."""
        return sum(a * (c + d) > c * (a + b) for a, b, c, d in self.strata.values())


@dataclass(frozen=True, slots=True)
class OrderingMiner:
    """Looks for what passing runs do.

    Attributes:
        name: of its patterns.
        section: where its rules stand.
    """

    name: str = NAME
    section: Section = "Workflow"

    def wording(self, patterns: Sequence[Pattern]) -> str:
        """A sentence for each pattern."""
        return " ".join(_rule(_habit(pattern)) for pattern in patterns)

    def mine(self, runs: Sequence[Run]) -> Iterator[Patch]:
        """A patch for each habit with contrast, the surest first."""
        mixed = _mixed([run for run in runs if run.passed is not None])
        found = [_compare(habit, mixed) for habit in sorted(_habits(mixed))]
        found = [f for f in found if any(map(_tells, f.strata.values()))]
        adjusted = false_discoveries([exact_association(list(f.strata.values())) for f in found])
        seen: set[tuple[str, ...]] = set()
        for p, one in sorted(zip(adjusted, found, strict=True), key=_surest_first):
            same = tuple(sorted(run.trace_id for run in one.having))
            if p <= MAX_P and one.tasks_for >= MIN_TASKS and same not in seen:
                seen.add(same)
                yield self._patch(one, p)

    def _patch(self, found: _Found, p_value: float) -> Patch:
        habit = found.habit
        detail = f"before:{habit.before}" if habit.before else ""
        pattern = Pattern(miner=NAME, tool=habit.tool, detail=detail)
        return Patch(
            id=patch_id("preserve", pattern),
            action="preserve",
            rule=self.wording([pattern]),
            section=self.section,
            pattern=pattern,
            support=support_of(found.having, [*found.having, *found.lacking]),
            contrast=_contrast(found, p_value),
            steps=[_ref(run, habit, "done") for run in found.having if run.passed],
            counter_evidence=[_ref(run, habit, "done") for run in found.having if not run.passed],
        )


MINER = OrderingMiner()


def _mixed(runs: Iterable[Run]) -> Mapping[str, Sequence[_Calls]]:
    """The runs of each task that has passing and failing ones."""
    tasks: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        tasks[run.task].append(run)
    return {
        task: [_Calls(run, _first_calls(run)) for run in of_task]
        for task, of_task in sorted(tasks.items())
        if len({run.passed for run in of_task}) > 1
    }


def _first_calls(run: Run) -> Mapping[str, int]:
    first: dict[str, int] = {}
    for step in run.steps:
        if "tool" in step and "error" not in step:
            first.setdefault(step["tool"], step["n"])
    return first


def _habits(mixed: Mapping[str, Sequence[_Calls]]) -> Set[Habit]:
    """The habits that some run has."""
    calls = [of_run for of_task in mixed.values() for of_run in of_task]
    reading = {step["tool"] for c in calls for step in c.run.steps if step["n"] in c.run.reading}
    tools = {tool for c in calls for tool in c.first}
    found = {
        Habit(tool, before)
        for tool in (reading or tools)
        for before in tools - {tool}
        if any(c.has(Habit(tool, before)) for c in calls)
    }
    return found | {Habit(tool) for tool in reading}


def _compare(habit: Habit, mixed: Mapping[str, Sequence[_Calls]]) -> _Found:
    having: list[Run] = []
    lacking: list[Run] = []
    strata: dict[str, Stratum] = {}
    for task, calls in mixed.items():
        has = [c.run for c in calls if c.has(habit)]
        lacks = [c.run for c in calls if c.has(habit) is False]
        having += has
        lacking += lacks
        strata[task] = (
            sum(run.passed is True for run in has),
            sum(run.passed is True for run in lacks),
            sum(run.passed is False for run in has),
            sum(run.passed is False for run in lacks),
        )
    return _Found(habit, having, lacking, strata)


def _tells(stratum: Stratum) -> bool:
    """Whether a task can tell anything: it has all of passing, failing, having and lacking runs."""
    a, b, c, d = stratum
    return min(a + b, c + d, a + c, b + d) > 0


def _surest_first(pair: tuple[float, _Found]) -> tuple[float, bool, Habit]:
    """Of two that the same runs have, the one that says more."""
    p_value, found = pair
    return p_value, not found.habit.before, found.habit


def _contrast(found: _Found, p_value: float) -> Contrast:
    mixed = [stratum for stratum in found.strata.values() if sum(stratum[:2]) and sum(stratum[2:])]
    passed_with, passed_without, failed_with, failed_without = map(sum, zip(*mixed, strict=True))
    return Contrast(
        tasks=len(mixed),
        passed_with=passed_with,
        passed=passed_with + passed_without,
        failed_with=failed_with,
        failed=failed_with + failed_without,
        p_value=p_value,
    )


def _ref(run: Run, habit: Habit, check: str) -> StepRef:
    n = next(s["n"] for s in run.steps if s.get("tool") == habit.tool and "error" not in s)
    return StepRef(trace_id=run.trace_id, n=n, check=check, passed=run.passed)


def _habit(pattern: Pattern) -> Habit:
    return Habit(pattern.tool, pattern.detail.removeprefix("before:"))


def _rule(habit: Habit) -> str:
    if habit.before:
        return f"Call `{habit.tool}` before the first `{habit.before}`."
    return f"Call `{habit.tool}` before you answer for good."
