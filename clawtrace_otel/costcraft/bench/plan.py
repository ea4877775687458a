"""Which runs a bench needs, and which of them are there already."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from clawtrace_otel.costcraft.bench.command import CommandLine
from clawtrace_otel.costcraft.bench.conditions import Condition
from clawtrace_otel.costcraft.bench.digest import digest_of, digest_of_files
from clawtrace_otel.costcraft.bench.results import Limits, Result
from clawtrace_otel.costcraft.bench.tasks import Task
from clawtrace_otel.errors import CostCraftError

MAX_SCRIPT_BYTES = 1 << 20
"""Of a file that the command names: a larger one is known by its name alone."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run that the bench needs.

    Attributes:
        repeat: which of the runs of this task and condition, from 1.
        limits: of the run; the task's own, else those for all.
        digests: of agent, task and skill.
        grader: digest of the grader.
    """

    task: Task
    condition: Condition
    repeat: int
    limits: Limits
    digests: Mapping[str, str]
    grader: str

    @property
    def key(self) -> tuple[str, str, int]:
        """As that of a result."""
        return self.task.id, self.condition.name, self.repeat


@dataclass(slots=True)
class Plan:
    """What is to be done, and what is done.

    Attributes:
        todo: runs to start, in order: all conditions of a task one after the other.
        regrade: runs whose grader has changed since.
        done: runs that need nothing, and those of ``regrade`` when they are graded.
        stale: of earlier results what has changed since -> how many there are.
    """

    todo: list[Wanted] = field(default_factory=list)
    regrade: list[tuple[Wanted, Result]] = field(default_factory=list)
    done: list[Result] = field(default_factory=list)
    stale: dict[str, int] = field(default_factory=dict)


def make_plan(wanted: Sequence[Wanted], results: Sequence[Result]) -> Plan:
    """Compare what is needed with what is there. Of several results of a run the last counts."""
    plan = Plan()
    by_key: dict[tuple[str, str, int], list[Result]] = {}
    for result in results:
        by_key.setdefault(result.key, []).append(result)
    for each in wanted:
        there = by_key.get(each.key, [])
        found = next((r for r in reversed(there) if _holds(r, each)), None)
        if found is None:
            plan.todo.append(each)
            if there:
                _count_changes(plan.stale, each, there[-1])
        elif found.grader != each.grader:
            plan.regrade.append((each, found))
        else:
            plan.done.append(found)
    return plan


def _holds(result: Result, wanted: Wanted) -> bool:
    """Whether a run would have ended as it did."""
    return result.digests == wanted.digests and _fits(result, wanted.limits)


def _fits(result: Result, limits: Limits) -> bool:
    """Whether a run was ended, or was not, as these limits would have it."""
    seconds, usd = limits.time_limit, limits.max_usd
    match result.ending:
        case "time limit":
            return seconds is not None and seconds <= (result.limits.time_limit or 0)
        case "money limit":
            return usd is not None and usd <= (result.limits.max_usd or 0)
        case _:
            in_time = seconds is None or result.seconds <= seconds
            return in_time and (usd is None or result.spent.at_least_usd <= usd)


def _count_changes(stale: dict[str, int], wanted: Wanted, result: Result) -> None:
    for part, digest in wanted.digests.items():
        if result.digests.get(part) != digest:
            stale[part] = stale.get(part, 0) + 1
    if not _fits(result, wanted.limits):
        stale["limit"] = stale.get("limit", 0) + 1


def wanted_runs(
    tasks: Sequence[Task],
    conditions: Sequence[Condition],
    agent: str,
    limits: Limits,
    repeats: int,
) -> Iterator[Wanted]:
    """All runs of a bench.

    Args:
        tasks: each is run in each condition.
        conditions: with which skill.
        agent: digest of the agent, of :func:`agent_digest`.
        limits: of runs whose task has none.
        repeats: how often.

    Raises:
        CostCraftError: a file of a task cannot be read.
    """
    digests = {task.id: (_task_digest(task), _grader_digest(task)) for task in tasks}
    for repeat in range(1, repeats + 1):
        for task in tasks:
            of_task, of_grader = digests[task.id]
            own = Limits(task.time_limit or limits.time_limit, task.max_usd or limits.max_usd)
            for condition in conditions:
                parts = {"agent": agent, "task": of_task, "skill": condition.digest}
                yield Wanted(task, condition, repeat, own, parts, of_grader)


def agent_digest(command: CommandLine, *settings: str) -> str:
    """A digest of the command, and of the files that it names: a program of a few lines changes.

    Args:
        command: of the agent.
        settings: what else an agent's run depends on, for all tasks.
    """
    files = [Path(word) for word in command.fill({})]
    scripts = [path for path in files if path.is_absolute() and _is_script(path)]
    try:
        return digest_of(*command.words, digest_of_files(scripts), *settings)
    except OSError as e:
        msg = f"cannot read a file that the agent's command names: {e}"
        raise CostCraftError(msg) from e


def _is_script(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= MAX_SCRIPT_BYTES
    except OSError:
        return False


def _task_digest(task: Task) -> str:
    try:
        files = digest_of_files(task.files)
    except OSError as e:
        msg = f"cannot read a file of task {task.id!r}: {e}"
        raise CostCraftError(msg) from e
    return digest_of(task.prompt, files)


def _grader_digest(task: Task) -> str:
    return digest_of(msgspec.json.encode(task.grader))
