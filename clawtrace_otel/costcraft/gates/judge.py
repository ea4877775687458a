"""The gates, in their order. Each says why a patch is rejected, or nothing."""

from collections.abc import Callable, Iterable

from msgspec.structs import replace
from rapidfuzz import fuzz

from clawtrace_otel.costcraft.gates.context import Context
from clawtrace_otel.costcraft.gates.harmless import is_harmless
from clawtrace_otel.costcraft.gates.verify import verify
from clawtrace_otel.costcraft.model import Patch, StepRef

MAX_HARM = 0.05
"""The share of the steps that a prune would have kept from being made that may have been needed."""

MIN_SHARE = 0.005
"""A prune is about costly steps: of what the runs with them cost, its steps took this share; of
runs without a price, this share of the calls."""

SAME_RULE = 90
"""Similarity of words, of 100, from which on two rules say the same."""

MIN_RUNS = 2
"""A pattern of one run may be chance."""

Gate = Callable[[Patch, Context], str]


def judge(patches: Iterable[Patch], context: Context) -> list[Patch]:
    """All patches, verified; the first gate that one does not get through is named in it."""
    return [_judge(verify(patch, context), context) for patch in patches]


def _judge(patch: Patch, context: Context) -> Patch:
    if patch.rejected:
        return patch
    reasons = (gate(patch, context) for gate in GATES)
    return replace(patch, rejected=next((reason for reason in reasons if reason), ""))


def is_allowed(patch: Patch, context: Context) -> str:
    """Ablation: nothing is pruned."""
    return "pruning is switched off" if _is_prune(patch) and context.options.no_prune else ""


def names_steps(patch: Patch, context: Context) -> str:
    """All steps that it names are there. A preserve may be about what a run did not do."""
    refs = (*patch.steps, *patch.counter_evidence)
    if not refs and patch.action != "preserve":
        return "it names no step"
    missing = next((ref for ref in refs if not _exists(ref, context)), None)
    return f"there is no step {missing.n} in trace {missing.trace_id}" if missing else ""


def is_costly(patch: Patch, context: Context) -> str:
    """A prune's steps cost a notable part of the runs that have them."""
    if not _is_prune(patch) or context.options.no_cost:
        return ""
    runs = {ref.trace_id: context.runs[ref.trace_id] for ref in patch.steps}
    cost = sum(run.cost or 0 for run in runs.values())
    if cost:
        saved = sum(ref.saves_usd[1] for ref in patch.steps if ref.saves_usd)
        share, what = saved / cost, "of what these runs cost"
    else:
        calls = sum(run.card["total"]["tool_calls"] for run in runs.values())
        share, what = len(patch.steps) / max(calls, 1), "of the calls of these runs (no price)"
    return "" if share >= MIN_SHARE else f"not costly: its steps took {share:.2%} {what}"


def has_passing_run(patch: Patch, context: Context) -> str:
    """A prune is of a run that passed, unless nobody said of any run whether it passed."""
    known = any(run.passed is not None for run in context.runs.values())
    if not _is_prune(patch) or not known or any(ref.passed for ref in patch.steps):
        return ""
    return "none of its runs is known to have passed"


def has_counterfactual(patch: Patch, context: Context) -> str:
    """Removing the steps preserves information, or a replay ended the same."""
    if not _is_prune(patch) or context.options.no_counterfactual:
        return ""
    harmful = len(patch.counter_evidence)
    harmless = sum(is_harmless(ref, context) for ref in patch.steps)
    if harmful > MAX_HARM * (harmful + harmless):
        known = harmful + harmless
        return f"{harmful} of {known} steps that it would have pruned were needed, or may have been"
    if not harmless:
        return "no counterfactual: no program could show of any of its steps that it is not needed"
    return ""


def holds_no_task_facts(patch: Patch, context: Context) -> str:
    """Nothing in the rule is only true of a task."""
    fact = context.facts.found_in(patch.rule)
    return f"it holds a fact of a task: {fact!r}" if fact else ""


def is_new(patch: Patch, context: Context) -> str:
    """The base skill does not say it already."""
    said = patch.rule.casefold()
    for statement in context.base.statements:
        if fuzz.token_sort_ratio(said, statement.casefold()) >= SAME_RULE:
            return f"the base skill says so already: {statement!r}"
    return ""


def has_oracle(patch: Patch, context: Context) -> str:
    """A repair shows what was mended: an evaluator's word, or the call that succeeded."""
    del context
    return "no oracle evidence" if patch.action == "repair" and not patch.oracle else ""


def has_contrast(patch: Patch, context: Context) -> str:
    """A preserve is of what passing runs do and failing runs of the same tasks do not."""
    del context
    contrast = patch.contrast
    if patch.action != "preserve":
        return ""
    if contrast is None or not contrast.passed or not contrast.failed:
        return "no contrast: no task has passing and failing runs that differ in it"
    if contrast.passed_with * contrast.failed <= contrast.failed_with * contrast.passed:
        return "no contrast: failing runs do it as often as passing ones"
    return ""


def is_no_singleton(patch: Patch, context: Context) -> str:
    """It was seen more than once, unless a replay or the tool's own yes after its no proves it.

    What a model read in one run is no proof, whatever an evaluator is quoted with: the texts of a
    run may have been written to be believed.
    """
    del context
    is_mended = patch.action == "repair" and patch.analyst == "rules"
    proven = patch.rung == "replayed" or is_mended
    return "seen in one run only" if patch.support.runs < MIN_RUNS and not proven else ""


GATES: tuple[Gate, ...] = (
    is_allowed,
    names_steps,
    has_counterfactual,
    has_passing_run,
    is_costly,
    has_oracle,
    has_contrast,
    is_no_singleton,
    holds_no_task_facts,
    is_new,
)


def _is_prune(patch: Patch) -> bool:
    return patch.action == "prune"


def _exists(ref: StepRef, context: Context) -> bool:
    run = context.runs.get(ref.trace_id)
    return run is not None and ref.n in run.by_number
