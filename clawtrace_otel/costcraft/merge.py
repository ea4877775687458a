"""Accepted patches become the rules of a skill: deterministic, and every rule names its patches.

Order: repair, then prune with a counterfactual, then preserve, then prune without; within each what
is surest saved first. Patches of one pattern share a rule. Where two contradict each other the
earlier one stays, and the conflict is named. Rules are added while the skill has room.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace
from rapidfuzz import fuzz

from clawtrace_otel.costcraft.gates.judge import SAME_RULE
from clawtrace_otel.costcraft.miners.registry import WORDING
from clawtrace_otel.costcraft.model import Patch, Rule
from clawtrace_otel.costcraft.net import Reading
from clawtrace_otel.costcraft.skill import Skill, evolve
from clawtrace_otel.costcraft.tokens import count_tokens

MAX_TOKENS = 1200
"""Of a skill, by the bound of :mod:`clawtrace_otel.costcraft.tokens`."""

_NAMED = re.compile(r"`[^`]+`")

_WHOLE_TOOL = frozenset({"unused_result", "unused_agent", "llm"})
"""Miners whose prunes are about calling a tool at all."""


@dataclass(slots=True)
class Merged:
    """What became of patches.

    Attributes:
        text: the evolved skill.
        rules: what was added, in the order of merging.
        patches: all of them; those that found no way into the skill with the reason.
        conflicts: which patches contradict each other, and which stayed.
    """

    text: str
    rules: list[Rule] = field(default_factory=list)
    patches: list[Patch] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def merge(
    base: Skill,
    patches: Sequence[Patch],
    reading: Reading | None = None,
    max_tokens: int = MAX_TOKENS,
) -> Merged:
    """Put the accepted patches into a skill.

    Args:
        base: the skill to be evolved.
        patches: judged.
        reading: what a token of the skill costs; rules about cost must save more. ``None`` lets
            costs play no part.
        max_tokens: of the evolved skill.
    """
    merged = Merged(base.text)
    accepted = sorted((p for p in patches if not p.rejected), key=_precedence)
    kept, out = _without_conflicts(accepted, merged.conflicts)
    left_out: dict[str, str] = dict(out)
    for group in _groups(kept):
        rule = _rule(group)
        reason = _no_place(base, merged.rules, rule, group, reading, max_tokens)
        if reason:
            left_out.update((patch.id, reason) for patch in group)
        else:
            merged.rules.append(rule)
    merged.text = evolve(base, merged.rules)
    judged = [replace(p, rejected=left_out.get(p.id, p.rejected)) for p in patches]
    merged.patches = sorted(judged, key=lambda p: (bool(p.rejected), _precedence(p)))
    return merged


def _precedence(patch: Patch) -> tuple[int, float, float, int, str]:
    low, high = patch.saves_usd_per_run or (0.0, 0.0)
    return _rank(patch), -low, -high, -patch.support.runs, patch.id


def _rank(patch: Patch) -> int:
    if patch.action == "prune":
        return 1 if patch.rung != "proxy" else 3
    return 0 if patch.action == "repair" else 2


def _without_conflicts(
    patches: Sequence[Patch], conflicts: list[str]
) -> tuple[list[Patch], list[tuple[str, str]]]:
    kept: list[Patch] = []
    out: list[tuple[str, str]] = []
    for patch in patches:
        other = next((k for k in kept if _contradict(k, patch)), None)
        if other is None:
            kept.append(patch)
            continue
        conflicts.append(
            f"{other.id} stays, {patch.id} goes: both are about `{patch.pattern.tool}`"
        )
        out.append((patch.id, f"it contradicts {other.id}"))
    return kept, out


def _contradict(one: Patch, other: Patch) -> bool:
    """Whether one says not to call a tool that the other says to call."""
    if not one.pattern.tool or one.pattern.tool != other.pattern.tool:
        return False
    prunes = [p for p in (one, other) if p.action == "prune" and p.pattern.miner in _WHOLE_TOOL]
    return len(prunes) == 1 and {one.action, other.action} != {"prune"}


def _groups(patches: Sequence[Patch]) -> list[list[Patch]]:
    """Patches that share a rule, in the order of the first of each.

    Those of which no saving is known have a rule of their own: they must not carry others along
    that do not pay.
    """
    groups: dict[tuple[str, ...], list[Patch]] = defaultdict(list)
    for patch in patches:
        pattern = patch.pattern
        if pattern.miner in WORDING:
            is_known = patch.saves_usd_per_run is not None
            shared = f"{pattern.miner} {pattern.detail} {_rank(patch)} {is_known}"
            groups[patch.action, "", shared].append(patch)
        else:
            groups[patch.action, patch.section, _same_rule(patch, groups)].append(patch)
    return list(groups.values())


def _says_the_same(one: str, other: str) -> bool:
    """Whether two rules have nearly the same words, and name the same things."""
    named = [sorted(_NAMED.findall(text)) for text in (one, other)]
    similarity = fuzz.token_sort_ratio(one.casefold(), other.casefold())
    return named[0] == named[1] and similarity >= SAME_RULE


def _same_rule(patch: Patch, groups: Mapping[tuple[str, ...], list[Patch]]) -> str:
    """The text of a rule that says the same, or its own."""
    rules = (key[2] for key in groups if key[:2] == (patch.action, patch.section))
    same = (rule for rule in rules if _says_the_same(rule, patch.rule))
    return next(same, patch.rule)


def _rule(group: Sequence[Patch]) -> Rule:
    first = group[0]
    wording = WORDING.get(first.pattern.miner)
    text = wording([p.pattern for p in group]) if wording and len(group) > 1 else first.rule
    return Rule(text=text, section=first.section, patches=[patch.id for patch in group])


def _no_place(
    base: Skill,
    rules: Sequence[Rule],
    rule: Rule,
    group: Sequence[Patch],
    reading: Reading | None,
    max_tokens: int,
) -> str:
    """Why a rule is not added; empty if it is."""
    tokens = count_tokens(evolve(base, [*rules, rule]))
    if tokens > max_tokens:
        return f"no room: with it the skill would have {tokens:,} tokens of {max_tokens:,}"
    if reading is None or any(patch.action != "prune" for patch in group):
        return ""
    costs = reading.cost(count_tokens(f"- {rule.text}\n"))
    saves = [p.saves_usd_per_run for p in group if p.saves_usd_per_run is not None]
    if costs is None or len(saves) < len(group):
        return ""
    high = sum(s[1] for s in saves)
    if high >= costs:
        return ""
    return f"it does not pay: reading it costs ${costs:.6f} a run, and it saves at most ${high:.6f}"
