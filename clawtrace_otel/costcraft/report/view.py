"""What a report is made of, and the parts that both of its forms show."""

from collections.abc import Sequence
from dataclasses import dataclass

from clawtrace_otel.costcraft.model import PatchFile
from clawtrace_otel.costcraft.replay.record import Replays
from clawtrace_otel.costcraft.report import own_cost, replayed, source
from clawtrace_otel.costcraft.report.anchors import Anchors
from clawtrace_otel.costcraft.report.patches import PatchView, PatchViews
from clawtrace_otel.costcraft.report.rejected import Group, rejected_groups
from clawtrace_otel.costcraft.report.replayed import ReplayView
from clawtrace_otel.costcraft.report.skill_lines import SkillLine, skill_lines
from clawtrace_otel.costcraft.report.steps import RunView, StepViews
from clawtrace_otel.costcraft.report.words import line
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.tracecard.model import Card

LIMITS = (
    "Without running an agent nothing here says that the evolved skill keeps task success; "
    "it says what the evidence supports, rule by rule."
)


MAX_PROBLEMS = 20
"""That are listed; patches.yaml has all."""


@dataclass(frozen=True, kw_only=True)
class ReportView:
    """What a report is made of.

    Attributes:
        file: the patches.
        runs: that were distilled; steps are shown as their cards have them.
        base: text of the skill before; empty if there was none.
        evolved: text of the skill after.
        replays: executed deletions, if any were executed.
        own: cards of the distillation itself, such as those of the ``llm`` analyst's calls.
    """

    file: PatchFile
    runs: Sequence[Run]
    base: str
    evolved: str
    replays: Replays | None = None
    own: Sequence[Card] = ()


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule of the evolved skill.

    Attributes:
        anchor: of its heading.
        patches: those that are shown below it.
        elsewhere: patches that are shown below an earlier rule: (anchor, id).
        missing: ids of patches that the file does not have.
    """

    anchor: str
    text: str
    section: str
    patches: Sequence[PatchView]
    elsewhere: Sequence[tuple[str, str]]
    missing: Sequence[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """The parts of a report. Texts are one printable line each, and not escaped yet."""

    limits: str
    summary: Sequence[str]
    tiles: Sequence[tuple[str, str]]
    source: Sequence[tuple[str, str]]
    notes: Sequence[str]
    rules: Sequence[RuleView]
    unused: Sequence[PatchView]
    conflicts: Sequence[str]
    rejected: Sequence[Group]
    net: Sequence[tuple[str, str]]
    own: Sequence[tuple[str, str]]
    replay: ReplayView | None
    runs: Sequence[RunView]
    problems: Sequence[str]
    skill: Sequence[SkillLine]


def shown(view: ReportView) -> Shown:
    """The parts of a report; equal views give equal parts."""
    file = view.file
    steps = StepViews(view.runs)
    anchors = Anchors(file.patches)
    patches = PatchViews(file.patches, anchors, steps, view.replays)
    rules = _rules(file, patches, anchors)
    return Shown(
        limits=LIMITS,
        summary=source.summary(file),
        tiles=source.tiles(file),
        source=source.facts(file.source),
        notes=source.notes(file),
        rules=rules,
        unused=[patches.make(p) for p in file.patches if not p.rejected and not patches.is_made(p)],
        conflicts=[line(conflict) for conflict in file.conflicts],
        rejected=rejected_groups([p for p in file.patches if not patches.is_made(p)], anchors),
        net=own_cost.net_lines(file),
        own=own_cost.own_lines(view.own, file),
        replay=replayed.replay_view(view.replays, steps) if view.replays else None,
        runs=steps.cited(),
        problems=[line(problem) for problem in file.problems],
        skill=skill_lines(view.base, view.evolved),
    )


def _rules(file: PatchFile, patches: PatchViews, anchors: Anchors) -> list[RuleView]:
    views = []
    for number, rule in enumerate(file.rules, 1):
        known = [anchors.patch(patch_id) for patch_id in dict.fromkeys(rule.patches)]
        found = [patch for patch in known if patch is not None]
        elsewhere = [(anchors.of(p), line(p.id)) for p in found if patches.is_made(p)]
        views.append(
            RuleView(
                anchor=f"rule-{number}",
                text=line(rule.text),
                section=rule.section,
                patches=[patches.make(p) for p in found if not patches.is_made(p)],
                elsewhere=elsewhere,
                missing=[line(i) for i in rule.patches if anchors.patch(i) is None],
            )
        )
    return views
