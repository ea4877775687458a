"""What came of executing runs without some of their steps."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from clawtrace_otel.costcraft.replay.record import Deletion, ReplayedRun, Replays
from clawtrace_otel.costcraft.report.steps import StepViews
from clawtrace_otel.costcraft.report.words import likeness, line, share
from clawtrace_otel.costcraft.stats import wilson
from clawtrace_otel.costcraft.wording import counted, listed

MAX_CHANGED = 10
"""Deletions that changed something of which each is listed; replay.yaml has all."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A deletion that changed something."""

    trace_id: str
    steps: str
    tools: str
    where: str
    run: str


@dataclass(frozen=True, slots=True)
class ReplayView:
    """What was executed.

    Attributes:
        facts: names and values.
        changed: the first deletions that changed something.
        more: how many more did.
    """

    facts: Sequence[tuple[str, str]]
    changed: Sequence[Changed]
    more: int


def replay_view(replays: Replays, steps: StepViews) -> ReplayView:
    """The parts of a report on executed deletions."""
    changed = [deletion for deletion in replays.deletions if not deletion.unchanged]
    return ReplayView(
        facts=_facts(replays, len(changed)),
        changed=[_changed(deletion, steps) for deletion in changed[:MAX_CHANGED]],
        more=max(len(changed) - MAX_CHANGED, 0),
    )


def _facts(replays: Replays, changed: int) -> list[tuple[str, str]]:
    runs, tried = len(replays.runs), len(replays.deletions)
    same = sum(run.reproduced for run in replays.runs)
    facts = [
        ("Environments", ", ".join(sorted({_environment(run) for run in replays.runs})) or "none"),
        ("Reproduced", share(same, runs, "runs with nothing left out", wilson(same, runs))),
        ("Unchanged", share(tried - changed, tried, "deletions", wilson(tried - changed, tried))),
    ]
    kinds = (
        ("Not reproduced", Counter(likeness(run.why) for run in replays.runs if run.why)),
        ("Not told by a replay", Counter(_unevaluated(replays))),
    )
    return facts + [(name, _counted(kind)) for name, kind in kinds if kind]


def _unevaluated(replays: Replays) -> list[str]:
    return [f"{part}: {why}" for run in replays.runs for part, why in run.unevaluated.items()]


def _environment(run: ReplayedRun) -> str:
    return line(f"{run.environment} ({run.world})" if run.world else run.environment)


def _counted(kinds: Counter[str]) -> str:
    return "; ".join(
        f"{line(kind)} ({counted(count, 'run')})" for kind, count in kinds.most_common()
    )


def _changed(deletion: Deletion, steps: StepViews) -> Changed:
    return Changed(
        trace_id=deletion.trace_id,
        steps=listed([str(n) for n in deletion.steps]),
        tools=line(listed(deletion.tools)),
        where=line(deletion.where),
        run=steps.link(deletion.trace_id),
    )
