"""What the whole of a trace says of each step: where the money went, what was waste, what was used.

Each finding has a module of its own; here they are put on the items.
"""

from collections.abc import Sequence

from clawtrace_otel.money import total
from clawtrace_otel.tracecard.amounts import Split
from clawtrace_otel.tracecard.attribution import attribute
from clawtrace_otel.tracecard.items import Item
from clawtrace_otel.tracecard.repairs import find_repairs
from clawtrace_otel.tracecard.used import output_used
from clawtrace_otel.tracecard.waste import find_waste


def add_findings(items: Sequence[Item]) -> Split:
    """Find out about all steps of a trace, and return the parts of its cost.

    Args:
        items: of :func:`clawtrace_otel.tracecard.items.build_items`.
    """
    found = attribute(items)
    for item in items:
        item.split = found.splits.get(item)
        item.compacted_from = found.compacted.get(item, 0)
        if readings := found.readings.get(item):
            item.carry, item.result_tokens = found.carry(item), readings[0].tokens
    for item, waste in find_waste(items, found).items():
        item.waste = waste
    for item, cost in find_repairs(items).items():
        item.until_repaired = cost
    _share_out(items)
    for agent, used in output_used(items).items():
        agent.output_used = used
    return found.splits[None]


def _share_out(items: Sequence[Item]) -> None:
    whole = total(item.price.cost for item in items if item.price)
    for item in items:
        if whole and item.n and item.step.kind == "agent" and item.cost is not None:
            item.share = item.cost / whole
