"""From runs to an evolved skill: analysts propose, gates judge, what is left is merged."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum

from clawtrace_otel.costcraft.gates.context import Context, Options, StepName
from clawtrace_otel.costcraft.gates.judge import judge
from clawtrace_otel.costcraft.gates.verify import index_occurrences
from clawtrace_otel.costcraft.merge import MAX_TOKENS, merge
from clawtrace_otel.costcraft.miners.registry import mine
from clawtrace_otel.costcraft.model import Patch, PatchFile, Rule, Source
from clawtrace_otel.costcraft.net import net_of, reading_of, saved_by
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.skill import EMPTY, Skill, evolve, parse_skill
from clawtrace_otel.costcraft.task_facts import TaskFacts
from clawtrace_otel.costcraft.tokens import count_tokens
from clawtrace_otel.pricing.pricer import Pricer

Reword = Callable[[Sequence[Rule]], list[Rule]]
"""Gives rules other words; their order, sections and patches stay."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be distilled, and how.

    Attributes:
        base: the skill to be evolved.
        facts: of the tasks; ``None`` are those of the runs.
        replayed: steps that runs were executed without -> what that changed; empty if nothing.
        options: ablations.
        max_tokens: of the evolved skill.
        pricer: what reading the skill costs is computed with.
        proposed: patches of other analysts.
        reword: gives the rules other words; ``None`` keeps them.
    """

    base: Skill = field(default_factory=lambda: parse_skill(EMPTY, "the empty skill"))
    facts: TaskFacts | None = None
    replayed: Mapping[StepName, str] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    max_tokens: int = MAX_TOKENS
    pricer: Pricer = field(default_factory=Pricer)
    proposed: Sequence[Patch] = ()
    reword: Reword | None = None


@dataclass(slots=True)
class Distilled:
    """The evolved skill and where each of its rules comes from."""

    text: str
    file: PatchFile


def distill(runs: Sequence[Run], task: Task | None = None) -> Distilled:
    """Distil runs.

    Args:
        runs: each of one trace.
        task: what is to be made of them.
    """
    task = task or Task()
    harmless, harmful = index_occurrences(runs)
    context = Context(
        runs={run.trace_id: run for run in runs},
        base=task.base,
        facts=task.facts or TaskFacts(runs),
        harmless=harmless,
        harmful=harmful,
        replayed=task.replayed,
        options=task.options,
    )
    judged = judge([*mine(runs), *task.proposed], context)
    reading = reading_of(runs, task.pricer)
    cost_counts = None if task.options.no_cost else reading
    merged = merge(task.base, judged, cost_counts, task.max_tokens)
    rules = task.reword(merged.rules) if task.reword and merged.rules else merged.rules
    text = evolve(task.base, rules)
    used = {patch_id for rule in rules for patch_id in rule.patches}
    saved = saved_by([p for p in merged.patches if p.id in used], runs)
    added = max(count_tokens(text) - count_tokens(task.base.text), 0)
    return Distilled(
        text,
        PatchFile(
            source=source_of(runs),
            options=task.options.names(),
            net=net_of(added, saved, reading),
            rules=rules,
            conflicts=merged.conflicts,
            patches=merged.patches,
        ),
    )


def source_of(runs: Sequence[Run]) -> Source:
    """What some runs are, in numbers."""
    known = [run.cost for run in runs if run.cost is not None]
    return Source(
        runs=len(runs),
        tasks=len({run.task for run in runs}),
        passed=_count(run.passed is True for run in runs),
        failed=_count(run.passed is False for run in runs),
        unknown=_count(run.passed is None for run in runs),
        cost_usd=fsum(known) if known else None,
        unpriced=len(runs) - len(known),
        recorded=_count(run.is_recorded for run in runs),
    )


def _count(found: Iterable[bool]) -> int:
    return sum(found)
