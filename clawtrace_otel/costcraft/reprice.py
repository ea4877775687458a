"""What a run would have cost without some of its steps: an interval, for nothing else may change.

With the recorded run this is exact token accounting, the same that the ``waste_usd`` of a card is:
low is what is certain (the tokens that asked for a call, and those of its result where it was read
first), high is all that hangs on it (every later reading, and the turn if it asked for nothing
else).
With a card alone it is what the card says of its steps.
"""

from collections.abc import Collection, Iterable, Mapping
from math import fsum

from clawtrace_otel.costcraft.run import Interval, Run
from clawtrace_otel.money import PER_USD
from clawtrace_otel.tracecard.attribution import attribute
from clawtrace_otel.tracecard.items import Item
from clawtrace_otel.tracecard.model import StepLine
from clawtrace_otel.tracecard.waste import find_waste


def reprice(run: Run, steps: Collection[int]) -> Mapping[int, Interval]:
    """What each of some steps would save, if all of them were left out, in USD.

    Args:
        run: what was recorded, or its card.
        steps: their numbers.

    Returns:
        Step number -> interval; steps of which no cost is known are missing. The intervals add up:
        nothing is counted twice.
    """
    if not run.is_recorded:
        found = ((n, _by_card(run.by_number[n])) for n in steps if n in run.by_number)
        return {n: interval for n, interval in found if interval is not None}
    gone = {run.items[n] for n in steps if n in run.items}
    whole = {item for item in gone if item.step.kind == "agent"}
    single = {item for item in gone - whole if not _is_within(item, whole)}
    wasted = find_waste(run.items.values(), attribute(run.items.values(), single.__contains__))
    saved = {item.n: (waste.low / PER_USD, waste.high / PER_USD) for item, waste in wasted.items()}
    for agent in whole:
        if agent.cost is not None and not _is_within(agent, whole):
            saved[agent.n] = (agent.cost / PER_USD, agent.cost / PER_USD)
    return saved


def together(intervals: Iterable[Interval]) -> Interval:
    """The sum of intervals."""
    found = list(intervals)
    return fsum(low for low, _ in found), fsum(high for _, high in found)


def _is_within(item: Item, agents: Collection[Item]) -> bool:
    above = item.agent
    while above is not None:
        if above in agents:
            return True
        above = above.agent
    return False


def _by_card(step: StepLine) -> Interval | None:
    if (waste := step.get("waste_usd")) is not None:
        return waste[0], waste[1]
    if "tool" in step:
        carry = step.get("carry_usd")
        return None if carry is None else (0.0, carry)
    usd = step.get("usd")
    return None if usd is None else (usd, usd)
