"""What a skill costs by being in every prompt, beside what it saves.

A skill is read on every turn, from the cache once it is written there. Rules that save less than
that are dead load. The count of tokens is an upper bound for prose, so the cost is not understated.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from clawtrace_otel.costcraft.model import Interval, Net, Patch
from clawtrace_otel.costcraft.reprice import together
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.money import PER_USD
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.pricing.rates import PER_MONEY_UNIT


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a token of the skill costs in a run.

    Attributes:
        turns: LLM calls of a run, the median.
        rate: USD of a token read from the cache, the median of the runs with a known price.
    """

    turns: float
    rate: float | None

    def cost(self, tokens: int) -> float | None:
        """USD per run of having some tokens in every prompt; ``None`` if no rate is known."""
        return None if self.rate is None else tokens * self.turns * self.rate


def reading_of(runs: Sequence[Run], pricer: Pricer) -> Reading:
    """What the runs say of how often a skill is read, and at which rate."""
    rates = [rate for run in runs if (rate := _rate(run, pricer)) is not None]
    turns = [run.card["total"]["llm_calls"] for run in runs]
    return Reading(float(median(turns)) if turns else 0.0, median(rates) if rates else None)


def saved_by(patches: Iterable[Patch], runs: Sequence[Run]) -> Interval | None:
    """What some patches save per run together; ``None`` if nothing is known of it.

    What the miners found counts nothing twice; of other patches the steps count that no patch
    before them names.
    """
    priced = sum(run.cost is not None for run in runs)
    ordered = sorted(patches, key=lambda patch: (patch.analyst != "rules", patch.id))
    named: set[tuple[str, int]] = set()
    saved: list[Interval] = []
    for patch in ordered:
        new = [ref for ref in patch.steps if (ref.trace_id, ref.n) not in named]
        named.update((ref.trace_id, ref.n) for ref in new)
        if len(new) == len(patch.steps) and patch.saves_usd_per_run is not None:
            saved.append(patch.saves_usd_per_run)
        else:
            known = [ref.saves_usd for ref in new if ref.saves_usd is not None]
            saved += [(low / priced, high / priced) for low, high in known if priced]
    return together(saved) if saved else None


def net_of(added: int, saved: Interval | None, reading: Reading) -> Net:
    """The sums of an evolved skill.

    Args:
        added: tokens that the rules added, at most.
        saved: what the rules save per run; ``None`` if that is unknown.
        reading: what a token costs.
    """
    low, high = saved or (0.0, 0.0)
    costs = reading.cost(added)
    net = Net(
        skill_tokens=added,
        turns=reading.turns,
        rate_usd=reading.rate,
        costs_usd=costs,
        saves_usd=saved,
    )
    if costs is not None and saved is not None and reading.rate:
        net.net_usd = (low - costs, high - costs)
        a_turn = added * reading.rate
        net.break_even_turns = (low / a_turn, high / a_turn) if a_turn else None
    return net


def _rate(run: Run, pricer: Pricer) -> float | None:
    """USD of a cached token by the first model of a run that has a price."""
    total = run.card["total"]["tokens"]
    size = total["input"] // max(run.card["total"]["llm_calls"], 1)
    when = datetime.fromisoformat(run.card["started"])
    for model in run.card["models"]:
        card = pricer.find_card("", (model,), when, "")
        if card is not None:
            rates = card.rates(size)
            return (rates.cache_read or rates.fresh) / PER_MONEY_UNIT / PER_USD
    return None
