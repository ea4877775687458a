"""Rules in fewer words. A model shortens them; a program decides whether they still say the same.

Each rule keeps its place, its section and its patches, whatever is answered. New words are taken
only if nothing in them is new: no name, no number, no negation or condition more or less, no word
that the rule did not have.
"""

import json
from collections.abc import Sequence

from msgspec.structs import replace

from clawtrace_otel.costcraft.llm.answers import Rewording
from clawtrace_otel.costcraft.llm.checks import signature, stems, why_no_rule
from clawtrace_otel.costcraft.llm.endpoint import Endpoint
from clawtrace_otel.costcraft.llm.excerpt import fenced
from clawtrace_otel.costcraft.llm.failures import StoppedError, UnansweredError
from clawtrace_otel.costcraft.llm.own_trace import Branch
from clawtrace_otel.costcraft.llm.prompts import render
from clawtrace_otel.costcraft.model import Rule

_KEPT_SHARE = 0.5


async def reword(
    rules: Sequence[Rule], endpoint: Endpoint, branch: Branch
) -> tuple[list[Rule], list[str]]:
    """The rules, some in fewer words, in the same order; and why others keep theirs.

    Raises:
        CostCraftError: an answer cannot be noted.
    """
    if not rules:
        return [], []
    numbered = [{"number": n, "text": rule.text} for n, rule in enumerate(rules, 1)]
    data = fenced(json.dumps(numbered, ensure_ascii=False))
    prompt = render("reword", Rewording, rules=data)
    try:
        found = await endpoint.ask([{"role": "user", "content": prompt}], Rewording, branch)
    except (StoppedError, UnansweredError) as e:
        return list(rules), [f"the rules keep their wording: {e}"]
    return apply(rules, found)


def apply(rules: Sequence[Rule], found: Rewording) -> tuple[list[Rule], list[str]]:
    """The rules with the new wordings that say the same, and why others are not taken."""
    proposed: dict[int, list[str]] = {}
    for one in found.rules:
        proposed.setdefault(one.number, []).append(one.text)
    known = range(1, len(rules) + 1)
    problems = [
        f"a rewording was left out: there is no rule {n}" for n in proposed if n not in known
    ]
    reworded: list[Rule] = []
    for n, rule in enumerate(rules, 1):
        texts = proposed.get(n, [rule.text])
        why = why_not(rule.text, texts[0]) if len(texts) == 1 else "it came twice"
        if why:
            problems.append(f"a rule keeps its wording: {why}: {rule.text!r}")
        reworded.append(rule if why else replace(rule, text=texts[0]))
    return reworded, problems


def why_not(old: str, new: str) -> str:
    """Why a new wording is not taken; empty if it says the same, as far as a program can tell."""
    if new == old:
        return ""
    before, after = signature(old), signature(new)
    if why := why_no_rule(new, before.names):
        return f"the new one is no rule: {why}"
    if len(new) >= len(old):
        return "the new one is not shorter"
    for what in ("names", "numbers", "binding"):
        if getattr(before, what) != getattr(after, what):
            return f"the new one has other {what}"
    if added := sorted(stems(new) - stems(old)):
        return f"the new one has new words ({added[0]}…)"
    if len(stems(new)) < len(stems(old)) * _KEPT_SHARE:
        return "the new one leaves out most of it"
    return ""
