"""What repeats cost: an interval, for only its low end can be proven.

* low: the answer's tokens that asked for the call, and its result's where it was read first;
* high: also every later reading of the result, and the whole turn that asked for the call if it did
  nothing else.

Only equal repeats with verdict ``same`` count: the result was already there, in the same context.
A repeated LLM call with an equal answer is wasted whole. Nothing is counted twice: what a wasted
turn paid to read an earlier wasted result is that result's.
"""

from collections.abc import Iterable

from clawtrace_otel.pricing.rates import PER_MONEY_UNIT
from clawtrace_otel.tracecard.amounts import Waste
from clawtrace_otel.tracecard.attribution import Attribution
from clawtrace_otel.tracecard.context import share_out
from clawtrace_otel.tracecard.items import Item


def find_waste(items: Iterable[Item], found: Attribution) -> dict[Item, Waste]:
    """The waste of each step that was in vain, where anything is known of it.

    Args:
        items: the steps of a trace.
        found: where the money went, and which steps were in vain.
    """
    items = list(items)
    asked: dict[Item, list[Item]] = {}
    for item in items:
        if item.step.kind == "tool" and item.by is not None:
            asked.setdefault(item.by, []).append(item)
    wasted = {item: _waste(item, asked, found) for item in items if found.in_vain(item)}
    return {item: waste for item, waste in wasted.items() if waste is not None}


def _waste(item: Item, asked: dict[Item, list[Item]], found: Attribution) -> Waste | None:
    if item.step.kind == "llm":
        cost = _cost_of_turn(item, found)
        return Waste(cost, cost) if item.price and item.price.cost is not None else None
    turn = item.by
    carry = found.carry(item)
    if carry is None and turn not in found.charges:
        return None
    low, high = found.first_reading(item), carry or 0
    if turn is None or turn not in found.charges or found.in_vain(turn):
        return Waste(low, high)
    answer = _share_of_answer(item, turn, asked[turn], found)
    return Waste(low + answer, high + max(answer, _share_of_turn(turn, asked[turn], found)))


def _share_of_answer(item: Item, turn: Item, calls: list[Item], found: Attribution) -> int:
    """What the tokens cost that asked for one call; 0 if the answer may have said more."""
    if turn.step.does != "tool_call" or len(turn.step.calls) != len(calls):
        return 0
    sizes = [len(call.step.tool) + call.step.args_size for call in calls]
    charge = found.charges[turn]
    # Reasoning that the usage does not state is no part of the calls, which bounds what they take.
    tokens = share_out(charge.usage.output - charge.usage.reasoning, sizes)
    return tokens[calls.index(item)] * charge.rates.output // PER_MONEY_UNIT


def _share_of_turn(turn: Item, calls: list[Item], found: Attribution) -> int:
    """The share of a turn that asked for nothing but waste."""
    if turn.step.does != "tool_call" or not all(map(found.in_vain, calls)):
        return 0
    return _cost_of_turn(turn, found) // len(calls)


def _cost_of_turn(turn: Item, found: Attribution) -> int:
    cost = turn.price.cost if turn.price else None
    return max((cost or 0) - found.wasted.get(turn, 0), 0)
