"""Whether a step need not have been, as far as programs can tell."""

from clawtrace_otel.costcraft.gates.context import Context
from clawtrace_otel.costcraft.model import StepRef
from clawtrace_otel.costcraft.run import Run

HARMLESS = "harmless: "
"""How the check of a step begins of which a program found so."""


def is_harmless(ref: StepRef, context: Context) -> bool:
    """Whether a miner found that nothing depends on a step, or a replay closed the gap.

    That a run ended the same without a call says nothing of what the agent learned from it: to
    leave out a call that only reads changes nothing in any environment. So a replay counts for
    calls whose equal result the agent had already, where only the effect on state was unknown.

    Args:
        ref: verified: its check is a program's.
        context: what is known.
    """
    if ref.check.startswith(HARMLESS):
        return True
    run = context.runs.get(ref.trace_id)
    is_unchanged = context.replayed.get((ref.trace_id, ref.n)) == ""
    return is_unchanged and run is not None and _had_equal_result(run, ref.n)


def _had_equal_result(run: Run, n: int) -> bool:
    repeat = run.by_number[n].get("repeat") if n in run.by_number else None
    if repeat is None or "kind" in repeat or repeat.get("other_agent"):
        return False
    result = run.texts(n).result
    return bool(result) and result == run.texts(repeat["of"]).result
