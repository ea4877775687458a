"""The steps of a card before they are written down: calls with their price, place and finding."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import msgspec

from clawtrace_otel.pricing.pricer import Price, Pricer
from clawtrace_otel.processors.redundancy import Finding, RedundancyIndex, Retry
from clawtrace_otel.semconv.step import Call, Step
from clawtrace_otel.tracecard.accounts import settle_accounts
from clawtrace_otel.tracecard.amounts import Split, Waste
from clawtrace_otel.tracecard.node import Node
from clawtrace_otel.tracecard.same_call import Seen, find_calls
from clawtrace_otel.tracecard.tree import Tree


@dataclass(slots=True, eq=False)
class Item:
    """One step.

    Attributes:
        step: what is known of it, from all the spans that saw it.
        spans: how many spans saw it.
        n: its number, from 1 in time order; 0 for the main agent, which is the run and no step.
        price: of an LLM call, or of an agent whose calls were not seen: unknown, if the agent says
            that they left no record.
        agent: the agent whose context it is a part of; ``None`` for the trace's own.
        by: the LLM call that asked for this tool call, or the tool call that ran this agent.
        finding: the repeat or retry that it is.
        earlier: the step that ``finding`` names.
        repaired_by: the retry of this failed call that succeeded.
        cost, llm_calls, tool_calls, tokens_in, tokens_out: of an agent: over all that it and its
            sub-agents did.
        split: of an agent: the parts of ``cost``.
        share: of an agent: of the whole trace's cost, from 0 to 1.
        output_used: of an agent: how much of what it answered was used.
        carry, result_tokens: of a tool call: what its result cost in the prompts that it was in, in
            1e-12 USD, and its tokens where it was read first; ``None`` if it was seen in none.
        compacted_from: of an LLM call: tokens of the prompt that was compacted before it.
        waste: of a repeat.
        until_repaired: of a failure: what was spent until the call that repaired it, itself
            included, in 1e-12 USD.
    """

    step: Step
    spans: int = 1
    n: int = 0
    price: Price | None = None
    agent: "Item | None" = None
    by: "Item | None" = None
    finding: Finding | None = None
    earlier: "Item | None" = None
    repaired_by: "Item | None" = None
    cost: int | None = None
    llm_calls: int = 0
    tool_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    split: Split | None = None
    share: float | None = None
    output_used: float | None = None
    carry: int | None = None
    result_tokens: int = 0
    compacted_from: int = 0
    waste: Waste | None = None
    until_repaired: int | None = None


def build_items(tree: Tree, pricer: Pricer, index: RedundancyIndex) -> list[Item]:
    """The steps of a trace in time order, priced and compared, the main agent last with ``n`` 0.

    Args:
        tree: the trace.
        pricer: gives the prices.
        index: an unused index; it has been filled when this returns.
    """
    settled = settle_accounts(tree, find_calls(tree))
    found = settled.calls
    items = {node: item for seen in found for item in [_item(seen)] for node in seen.nodes}
    for seen in found:
        above = seen.node.agent
        items[seen.node].agent = items[above] if above is not None else None
    _find_delegating_tools(items)
    _price(items, settled.accounted, pricer)
    inner = items.keys() - {seen.node for seen in found}
    _price_aggregates(tree, items, inner, pricer)
    _price_unrecorded(items.values())
    outermost = items.keys() - inner
    _sum_up(items[node] for node in tree.nodes if node in outermost)
    ordered = list(dict.fromkeys(items[node] for node in tree.nodes if node in outermost))
    main = _main_agent(ordered)
    steps = [item for item in ordered if item is not main]
    for n, item in enumerate(steps, 1):
        item.n = n
    _find_issuers(steps)
    changes = [node.step for node in tree.nodes if _changes_state(node.step)]
    _find_repeats(steps, changes, index)
    return [*steps, main] if main else steps


def _item(seen: Seen) -> Item:
    return Item(step=seen.step(), spans=len(seen.nodes))


def _find_delegating_tools(items: dict[Node, Item]) -> None:
    """A tool that runs an agent does nothing itself: what its agent's tools do are calls too."""
    for node, item in items.items():
        tool = items.get(node.above) if node.above and item.step.kind == "agent" else None
        if tool is None or tool.step.kind != "tool":
            continue
        item.by = tool
        if tool.step.read_only is None:
            tool.step = msgspec.structs.replace(tool.step, read_only=True)


def _price(items: dict[Node, Item], accounted: Set[Node], pricer: Pricer) -> None:
    for node, item in items.items():
        if item.step.kind == "llm" and item.price is None and node not in accounted:
            item.price = pricer.price(item.step)


def _price_aggregates(
    tree: Tree, items: dict[Node, Item], inner: Set[Node], pricer: Pricer
) -> None:
    """Price what an agent says that it used, where no call below it says so itself.

    Of an agent that several libraries saw only the outermost span is asked, not the ``inner`` ones;
    a call below any of its spans is one below it.
    """
    told = _above_priced_calls(tree, items)
    for node in reversed(tree.downward):
        seen, step = items.get(node, node), items[node].step if node in items else node.step
        if step.kind != "llm" and _tells_cost(step) and seen not in told and node not in inner:
            told.add(seen)
            agent = items.get(node.agent) if node.agent else None
            items.setdefault(node, Item(step, agent=agent)).price = pricer.price(step)
        if seen in told and node.parent is not None:
            told.add(items.get(node.parent, node.parent))


def _above_priced_calls(tree: Tree, items: dict[Node, Item]) -> set[Node | Item]:
    """Spans and steps at or above LLM calls that state their use; a step may be several spans."""
    told: set[Node | Item] = {
        item for item in items.values() if item.step.kind == "llm" and _tells_cost(item.step)
    }
    for _ in range(2):  # the second time for what stands above another span of the same step
        for node in reversed(tree.downward):
            if items.get(node, node) in told and node.parent is not None:
                told.add(items.get(node.parent, node.parent))
    return told


def _price_unrecorded(items: Iterable[Item]) -> None:
    """What an agent spent is not known if it says that calls left no record, and no sum of them."""
    for item in items:
        if item.step.unrecorded and item.price is None:
            item.price = Price(reason="no_usage")


def _tells_cost(step: Step) -> bool:
    used = step.usage is not None and (step.usage.input or step.usage.output)
    return bool(used) or step.supplied is not None


def innermost_first(items: Iterable[Item]) -> Iterator[Item]:
    """All items, each after those that are a part of it."""
    items = list(items)
    waiting = Counter(item.agent for item in items if item.agent is not None)
    ready = [item for item in items if not waiting[item]]
    while ready:
        item = ready.pop()
        yield item
        if item.agent is not None:
            waiting[item.agent] -= 1
            if not waiting[item.agent]:
                ready.append(item.agent)


def _sum_up(items: Iterable[Item]) -> None:
    """Add each call to the agents above it."""
    for item in innermost_first(items):
        if item.price and item.price.cost is not None:
            item.cost = item.price.cost + (item.cost or 0)
        if item.step.usage is not None and item.price is not None:
            item.tokens_in += item.step.usage.input
            item.tokens_out += item.step.usage.output
        above = item.agent
        if above is None:
            continue
        above.tokens_in += item.tokens_in
        above.tokens_out += item.tokens_out
        above.llm_calls += item.llm_calls + (item.step.kind == "llm")
        above.tool_calls += item.tool_calls + (item.step.kind == "tool")
        if item.cost is not None:
            above.cost = item.cost + (above.cost or 0)


def _main_agent(items: list[Item]) -> Item | None:
    """The one agent that is under no other. Where there are several, they are all steps.

    An agent beside calls that are under none is a sub-agent of whoever made those.
    """
    outermost = [item for item in items if item.agent is None]
    agents = [item for item in outermost if item.step.kind == "agent"]
    if len(agents) != 1 or any(item.step.kind == "llm" for item in outermost):
        return None
    return None if _tells_cost(agents[0].step) and agents[0].price else agents[0]


def _find_issuers(items: list[Item]) -> None:
    """Find the LLM call behind each tool call, by its id or as the last one in its context."""
    asked: dict[str, tuple[Item, Call]] = {}
    last: dict[Item | None, Item] = {}
    for item in items:
        if item.step.kind == "llm":
            # What ended with a reply asked for nothing; a title was made, or a question moderated.
            if item.step.does != "final_reply" or item.agent not in last:
                last[item.agent] = item
            asked.update({call.id: (item, call) for call in item.step.calls if call.id})
        elif item.step.kind == "tool":
            item.by, call = asked.get(item.step.call_id) or (_latest(last, item.agent), None)
            if not item.step.args_hash and item.by:
                _take_arguments(item, call or _only_call(item.by, item.step.tool))


def _latest(last: Mapping[Item | None, Item], agent: Item | None) -> Item | None:
    """The last LLM call of an agent, unless others may have come after it and left no record."""
    return None if agent is not None and agent.step.unrecorded else last.get(agent)


def _only_call(issuer: Item, tool: str) -> Call | None:
    calls = [call for call in issuer.step.calls if call.tool == tool]
    return calls[0] if len(calls) == 1 else None


def _take_arguments(item: Item, call: Call | None) -> None:
    """Arguments that the tool's span lacks, from the model's answer that asked for the call."""
    if call is not None:
        item.step = msgspec.structs.replace(
            item.step, args=call.args, args_hash=call.args_hash, args_size=call.args_size
        )


def _changes_state(step: Step) -> bool:
    """Whether a span that is no step says that it changed something: a user may act, too."""
    return step.kind == "span" and step.read_only is False


def _find_repeats(items: Iterable[Item], changes: Sequence[Step], index: RedundancyIndex) -> None:
    calls = [item for item in items if item.step.kind in ("llm", "tool")]
    for item in calls:
        index.hint(item.step.read_only_tools)
    by_span = {item.step.span_id: item for item in calls}
    waiting = deque(changes)
    for item in calls:
        while waiting and waiting[0].start_ns <= item.step.start_ns:
            waiting.popleft()
            index.disturb()
        context = item.agent.step.span_id if item.agent else ""
        item.finding = index.observe(item.step, context)
        if item.finding is None:
            continue
        item.earlier = by_span[item.finding.of]
        if isinstance(item.finding, Retry) and item.step.error is None:
            _mark_repaired(item, item.earlier)


def _mark_repaired(item: Item, failed: Item | None) -> None:
    """Name the call that succeeded at each of the failures before it."""
    while failed is not None and failed.repaired_by is None and failed.step.error is not None:
        failed.repaired_by = item
        failed = failed.earlier if isinstance(failed.finding, Retry) else None
