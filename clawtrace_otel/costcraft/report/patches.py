"""A patch with what speaks for and against it, in words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clawtrace_otel.costcraft.model import Contrast, Patch, Rung, StepRef
from clawtrace_otel.costcraft.replay.record import Deletion, Replays
from clawtrace_otel.costcraft.report.anchors import Anchors
from clawtrace_otel.costcraft.report.steps import Steps, StepViews
from clawtrace_otel.costcraft.report.words import UNKNOWN, bar, likeness, line, share, usd_interval
from clawtrace_otel.costcraft.wording import counted

MAX_CHECKS = 5
"""Different findings about its steps that are listed of a patch."""

MAX_ORACLE = 5
"""Sayings of evaluators that are shown of a patch."""

RUNGS: Mapping[Rung, str] = {
    "proxy": "a pattern on cards, which no program has checked further",
    "dependency": (
        "a program followed what is used where: of a prune, that nothing later depends on the "
        "steps; of a repair, that what mended the call came from where the rule says"
    ),
    "replayed": "the run was executed again without the step and ended the same",
}


@dataclass(frozen=True, slots=True)
class PatchView:
    """A patch. Bars are (start, length) of 100; ``None`` where there is nothing to draw."""

    anchor: str
    id: str
    action: str
    analyst: str
    pattern: str
    rung: str
    rung_means: str
    support: str
    support_bar: tuple[float, float] | None
    tasks: str
    outcomes: str
    saves: str
    saves_bar: tuple[float, float] | None
    counterfactual: str
    checks: Sequence[tuple[int, str]]
    contrast: str
    oracle: Sequence[str]
    more_oracle: int
    replay: str
    steps: Steps
    counter: Steps


class PatchViews:
    """Makes views of patches, each once.

    Args:
        patches: all of them; bars of savings are drawn on one scale, that of the accepted ones.
        anchors: of them.
        steps: makes views of their steps.
        replays: executed deletions, if there are any.
    """

    def __init__(
        self,
        patches: Sequence[Patch],
        anchors: Anchors,
        steps: StepViews,
        replays: Replays | None = None,
    ) -> None:
        self._anchors, self._steps = anchors, steps
        accepted = [p.saves_usd_per_run for p in patches if not p.rejected and p.saves_usd_per_run]
        self._most = max((high for _, high in accepted), default=0.0)
        self._deletions = replays.deletions if replays else []
        self._made: set[int] = set()

    def is_made(self, patch: Patch) -> bool:
        """Whether a patch is on the page already."""
        return id(patch) in self._made

    def make(self, patch: Patch) -> PatchView:
        """The view of a patch."""
        self._made.add(id(patch))
        support, saves = patch.support, patch.saves_usd_per_run
        return PatchView(
            anchor=self._anchors.of(patch),
            id=line(patch.id),
            action=patch.action,
            analyst=patch.analyst,
            pattern=_pattern(patch),
            rung=patch.rung,
            rung_means=RUNGS[patch.rung],
            support=share(support.runs, support.of, "runs", support.interval),
            support_bar=bar(*support.interval, 1.0) if support.interval else None,
            tasks=counted(support.tasks, "task"),
            outcomes=_outcomes(patch.steps),
            saves=usd_interval(saves),
            saves_bar=bar(*saves, self._most) if saves else None,
            counterfactual=line(patch.counterfactual),
            checks=_checks(patch.steps),
            contrast=_contrast(patch.contrast) if patch.contrast else "",
            oracle=[line(said) for said in patch.oracle[:MAX_ORACLE]],
            more_oracle=max(len(patch.oracle) - MAX_ORACLE, 0),
            replay=_replay(patch, self._deletions),
            steps=self._steps.first(patch.steps),
            counter=self._steps.first(patch.counter_evidence),
        )


def _pattern(patch: Patch) -> str:
    pattern = patch.pattern
    parts = (pattern.miner.replace("_", " "), pattern.tool, pattern.detail)
    return line(", ".join(part for part in parts if part))


def _outcomes(steps: Sequence[StepRef]) -> str:
    """How the runs of the steps ended; empty if nobody said so of any."""
    runs = Counter({ref.trace_id: ref.passed for ref in steps}.values())
    if not runs[True] and not runs[False]:
        return ""
    told = f"of the runs of its steps {runs[True]:,} passed, {runs[False]:,} failed"
    return f"{told}, {runs[None]:,} {UNKNOWN}" if runs[None] else told


def _checks(steps: Sequence[StepRef]) -> list[tuple[int, str]]:
    """What was found out about the steps, each kind with how many there are of it."""
    kinds = Counter(line(likeness(ref.check)) or "not checked" for ref in steps)
    return [(count, check) for check, count in kinds.most_common(MAX_CHECKS)]


def _contrast(contrast: Contrast) -> str:
    return (
        f"in {counted(contrast.tasks, 'task')} with passing and failing runs, "
        f"{contrast.passed_with:,} of {contrast.passed:,} passing runs have it and "
        f"{contrast.failed_with:,} of {contrast.failed:,} failing ones "
        f"(Fisher's exact test within tasks, one-sided, adjusted: p = {contrast.p_value:.2g}); "
        "an association, no cause"
    )


def _replay(patch: Patch, deletions: Sequence[Deletion]) -> str:
    """What came of executing runs without steps of the patch."""
    named = {(ref.trace_id, ref.n) for ref in patch.steps}
    of_patch = [d for d in deletions if all((d.trace_id, n) in named for n in d.steps)]
    if not of_patch:
        return ""
    changed = sum(not deletion.unchanged for deletion in of_patch)
    text = f"{counted(len(of_patch), 'deletion')} of its steps executed: "
    return text + (f"{changed:,} changed something" if changed else "nothing changed")
