"""Patches that are not in the skill, by the kind of reason."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clawtrace_otel.costcraft.model import Patch
from clawtrace_otel.costcraft.report.anchors import Anchors
from clawtrace_otel.costcraft.report.words import likeness, line, share, usd_interval


@dataclass(frozen=True, slots=True)
class Rejected:
    """A patch that is not in the skill."""

    anchor: str
    id: str
    action: str
    rule: str
    support: str
    saves: str
    reason: str


@dataclass(frozen=True, slots=True)
class Group:
    """Patches that were rejected for one kind of reason."""

    reason: str
    patches: Sequence[Rejected]


def rejected_groups(patches: Iterable[Patch], anchors: Anchors) -> list[Group]:
    """The largest group first; within each as in the file."""
    groups: dict[str, list[Patch]] = defaultdict(list)
    for patch in patches:
        if patch.rejected:
            groups[_kind(patch.rejected)].append(patch)
    ordered = sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [Group(kind, [_row(p, anchors) for p in found]) for kind, found in ordered]


def _kind(reason: str) -> str:
    """A reason without what it is about: its numbers, and what stands behind a colon."""
    return line(likeness(reason.partition(": ")[0])) or "no reason given"


def _row(patch: Patch, anchors: Anchors) -> Rejected:
    support = patch.support
    return Rejected(
        anchor=anchors.of(patch),
        id=line(patch.id),
        action=patch.action,
        rule=line(patch.rule),
        support=share(support.runs, support.of, "runs", support.interval),
        saves=usd_interval(patch.saves_usd_per_run),
        reason=line(patch.rejected),
    )
