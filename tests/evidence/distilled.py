"""What the analyst ``rules`` makes of recorded runs, made once."""

from collections.abc import Sequence
from functools import cache

from clawtrace_otel.costcraft.distill import Task, distill
from clawtrace_otel.costcraft.gates.context import Options, StepName
from clawtrace_otel.costcraft.model import Patch, PatchFile
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.task_facts import TaskFacts

FULL = "full"

VARIANTS = {
    FULL: Options(),
    "no cost": Options(no_cost=True),
    "no prune": Options(no_prune=True),
    "no counterfactual": Options(no_counterfactual=True),
}
"""Ablations, by their names in the tables."""


def distilled(runs: Sequence[Run], variant: str = FULL) -> PatchFile:
    """Distil runs as the command does, without a base skill and without replays."""
    return _distilled(tuple(runs), variant)


@cache
def _distilled(runs: tuple[Run, ...], variant: str) -> PatchFile:
    return distill(runs, Task(options=VARIANTS[variant], facts=_facts(runs))).file


@cache
def _facts(runs: tuple[Run, ...]) -> TaskFacts:
    return TaskFacts(runs)


def prunes(runs: Sequence[Run], variant: str = FULL) -> list[Patch]:
    """The accepted prunes."""
    patches = distilled(runs, variant).patches
    return [patch for patch in patches if patch.action == "prune" and not patch.rejected]


def steps_of(patch: Patch) -> list[StepName]:
    """Where its rule applies in the runs that it was learned from, harmful steps included."""
    return [(ref.trace_id, ref.n) for ref in (*patch.steps, *patch.counter_evidence)]
