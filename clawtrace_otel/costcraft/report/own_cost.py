"""What the skill costs by being read, and what distilling it cost."""

from collections.abc import Sequence
from math import ceil, fsum

from clawtrace_otel.costcraft.model import Net, PatchFile
from clawtrace_otel.costcraft.report.words import UNKNOWN, number, rate, usd, usd_interval
from clawtrace_otel.costcraft.wording import counted
from clawtrace_otel.tracecard.model import Card

Lines = list[tuple[str, str]]
"""Names and values."""

_MANY_RUNS = 1_000_000


def net_lines(file: PatchFile) -> Lines:
    """The sums of the skill, one after the other; empty if none were made."""
    net = file.net
    if net is None:
        return []
    unknown = sum(not p.rejected and p.saves_usd_per_run is None for p in file.patches)
    return [
        ("Tokens added to the skill", f"at most {net.skill_tokens:,}"),
        ("LLM calls that read them", f"{number(net.turns)} a run (median)"),
        ("Reading a token from the cache", rate(net.rate_usd)),
        ("Reading the skill costs", _per_run(usd(net.costs_usd))),
        ("The rules save", _per_run(usd_interval(net.saves_usd))),
        ("Net saving", _per_run(usd_interval(net.net_usd))),
        ("Longest run that still gains", _break_even(net)),
        *([("Not counted", _not_counted(unknown))] if unknown else []),
    ]


def _not_counted(patches: int) -> str:
    return f"what {patches:,} of its patches save: that is {UNKNOWN}"


def _per_run(amount: str) -> str:
    return amount if amount == UNKNOWN else f"{amount} a run"


def _break_even(net: Net) -> str:
    if net.break_even_turns is None:
        return UNKNOWN
    low, high = (number(turns) for turns in net.break_even_turns)
    if low == high:
        return f"{low} LLM calls"
    return f"{low} LLM calls at the low end of what is saved, {high} at the high end"


def own_lines(cards: Sequence[Card], file: PatchFile) -> Lines:
    """What the distillation itself cost; empty if no model was asked."""
    if not cards:
        was_asked = any(patch.analyst == "llm" for patch in file.patches)
        return [("Cost", f"{UNKNOWN}: there is no card of it")] if was_asked else []
    totals = [card["total"] for card in cards]
    known = [total["cost_usd"] for total in totals if total["cost_usd"] is not None]
    unpriced = sum(total["unpriced_calls"] for total in totals)
    cost = fsum(known) if known else None
    read, written = (sum(t["tokens"][which] for t in totals) for which in ("input", "output"))
    return [
        ("LLM calls", f"{sum(total['llm_calls'] for total in totals):,}"),
        ("Tokens", f"{read:,} in, {written:,} out"),
        (
            "Cost",
            usd(cost) + (f", and {counted(unpriced, 'call')} without a price" * (unpriced > 0)),
        ),
        ("Paid back", _paid_back(cost if not unpriced else None, file.net)),
        ("Cards", ", ".join(card["trace_id"] for card in cards)),
    ]


def _paid_back(cost: float | None, net: Net | None) -> str:
    """After how many runs the net saving has paid for the distillation."""
    if cost is None or net is None or net.net_usd is None:
        return UNKNOWN
    low, high = net.net_usd
    if high <= 0:
        return "never: there is no net saving"
    soonest = _runs_for(cost, high)
    if low <= 0:
        return f"after {soonest} at the high end of the net saving, never at the low end"
    latest = _runs_for(cost, low)
    return f"after {soonest}" if soonest == latest else f"after {soonest} to {latest}"


def _runs_for(cost: float, saved: float) -> str:
    """How many runs pay for a cost; a saving may be so small that no number says it."""
    if cost > saved * _MANY_RUNS:
        return f"over {counted(_MANY_RUNS, 'run')}"
    return counted(ceil(cost / saved), "run")
