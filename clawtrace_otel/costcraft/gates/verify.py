"""What a program can say of the steps that a patch names, before the patch is judged.

Whoever proposed the patch, the checks, the savings and the rung are a program's own: those of the
miners, of re-pricing, and of replays.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from msgspec.structs import replace

from clawtrace_otel.costcraft.gates.context import Context, StepName
from clawtrace_otel.costcraft.gates.harmless import is_harmless
from clawtrace_otel.costcraft.miners.miner import support_of
from clawtrace_otel.costcraft.miners.occurrence import Occurrence, Verdict
from clawtrace_otel.costcraft.miners.registry import PRUNE
from clawtrace_otel.costcraft.model import Interval, Patch, Rung, StepRef, Support
from clawtrace_otel.costcraft.reprice import reprice, together
from clawtrace_otel.costcraft.run import Run


def index_occurrences(runs: Iterable[Run]) -> tuple[dict[StepName, str], dict[StepName, str]]:
    """The steps of all runs that are harmless to leave out, and those that are not, with the check.

    A step is harmless if any miner shows it; whoever looks at less may not know.
    """
    found: dict[Verdict, dict[StepName, str]] = {verdict: {} for verdict in get_args(Verdict)}
    for run in runs:
        for miner in PRUNE:
            for occurrence in miner.find(run):
                _note(found[occurrence.verdict], occurrence)
    harmless = found["harmless"]
    return harmless, {
        name: check for name, check in found["harmful"].items() if name not in harmless
    }


def _note(checks: dict[StepName, str], occurrence: Occurrence) -> None:
    for n in occurrence.steps:
        checks.setdefault((occurrence.run.trace_id, n), occurrence.check)


def verify(patch: Patch, context: Context) -> Patch:
    """The patch with what a program knows of its steps.

    A step that a replay could not do without is evidence against a prune. Of other actions nothing
    can be found out here; what a model says of their rung is not taken.
    """
    if patch.action != "prune":
        return replace(patch, rung="proxy") if patch.analyst == "llm" else patch
    known = {(ref.trace_id, ref.n): ref for ref in (*patch.steps, *patch.counter_evidence)}
    against = [_named(ref) for ref in patch.counter_evidence]
    against += [name for name in known if context.replayed.get(name)]
    if patch.analyst == "llm":
        against += [name for name in known if name in context.harmful]
    kept = [ref for name, ref in known.items() if name not in against]
    if patch.analyst == "llm":
        kept = [replace(ref, check="") for ref in _repriced(kept, context)]
        patch = replace(patch, support=_support(kept, context))
    steps = [_checked(ref, context) for ref in kept]
    return replace(
        patch,
        steps=steps,
        counter_evidence=[_checked(known[name], context) for name in dict.fromkeys(against)],
        rung=_rung(steps, patch, context),
        saves_usd_per_run=_saved(steps, patch, context),
    )


def _support(refs: Iterable[StepRef], context: Context) -> Support:
    found = [context.runs[ref.trace_id] for ref in refs if ref.trace_id in context.runs]
    return support_of(found, list(context.runs.values()))


def _named(ref: StepRef) -> StepName:
    return ref.trace_id, ref.n


def _checked(ref: StepRef, context: Context) -> StepRef:
    name = _named(ref)
    run = context.runs.get(ref.trace_id)
    ref = replace(ref, passed=run.passed if run else None)
    if changed := context.replayed.get(name):
        return replace(ref, check=f"harmful: replayed without it, {changed}")
    if name in context.replayed:
        return replace(ref, check=f"{_known(ref, context)}; replayed without it, unchanged")
    return replace(ref, check=_known(ref, context))


def _known(ref: StepRef, context: Context) -> str:
    """What the miner found out that names the step, else what any found."""
    found = {"harmless": context.harmless, "harmful": context.harmful}
    known = (f"{word}: {how[_named(ref)]}" for word, how in found.items() if _named(ref) in how)
    return ref.check or next(known, "unknown: no program found out about it")


def _repriced(refs: Sequence[StepRef], context: Context) -> list[StepRef]:
    by_run: dict[str, list[int]] = defaultdict(list)
    for ref in refs:
        by_run[ref.trace_id].append(ref.n)
    saved: Mapping[StepName, Interval] = {
        (trace_id, n): interval
        for trace_id, numbers in by_run.items()
        if trace_id in context.runs
        for n, interval in reprice(context.runs[trace_id], numbers).items()
    }
    return [replace(ref, saves_usd=saved.get(_named(ref))) for ref in refs]


def _rung(steps: Sequence[StepRef], patch: Patch, context: Context) -> Rung:
    shown = [_named(ref) for ref in steps if is_harmless(ref, context)]
    if any(name in context.replayed for name in shown):
        return "replayed"
    if patch.analyst == "rules":
        return patch.rung
    return "dependency" if shown else "proxy"


def _saved(steps: Sequence[StepRef], patch: Patch, context: Context) -> Interval | None:
    """Per run with a known cost; as the miner summed it unless steps were taken out."""
    if patch.analyst == "rules" and len(steps) == len(patch.steps):
        return patch.saves_usd_per_run
    saved = [ref.saves_usd for ref in steps if ref.saves_usd is not None]
    priced = sum(run.cost is not None for run in context.runs.values())
    if not saved or not priced:
        return None
    low, high = together(saved)
    return low / priced, high / priced
