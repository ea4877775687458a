"""What a failure cost until it was repaired."""

from collections.abc import Iterable, Mapping

from clawtrace_otel.tracecard.items import Item


def find_repairs(items: Iterable[Item]) -> Mapping[Item, int]:
    """What the agent spent from a failed call to the one that succeeded, in 1e-12 USD.

    It is the cost of the LLM calls and sub-agents of the same agent in between: reading the error,
    trying otherwise, and asking for the call that succeeded. Unknown costs count as none.

    Args:
        items: in time order, the main agent last.
    """
    spent: dict[Item | None, int] = {}
    before: dict[Item, int] = {}
    for item in items:
        so_far = spent.get(item.agent, 0)
        before[item] = so_far
        if item.step.kind != "tool" and item.cost is not None:
            spent[item.agent] = so_far + item.cost
    return {
        item: before[item.repaired_by] - before[item]
        for item in before
        if item.repaired_by is not None and item.repaired_by.agent is item.agent
    }
