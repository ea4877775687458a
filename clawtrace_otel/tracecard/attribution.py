"""Where the money of a trace went: every part of every call's cost is somebody's.

It is a part of the model's own answers, of a tool's result that was carried through later calls,
or of the base of the prompts (instructions, what people wrote, earlier answers). The parts add up
to the cost exactly, for every agent and for the trace.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from clawtrace_otel.pricing.rates import PER_MONEY_UNIT
from clawtrace_otel.processors.redundancy import Repeat
from clawtrace_otel.tracecard.amounts import Split
from clawtrace_otel.tracecard.context import Charge, Prompt, Reading, make_charge
from clawtrace_otel.tracecard.items import Item, innermost_first

MAX_PROMPTS = 4
"""Prompts of one agent and model that are kept apart at a time."""

MAX_IDLE = 8
"""Calls of the same agent and model after which a prompt that none of them continued is over."""

FAR_BETTER = 10
"""How many times more tokens than an older prompt the last one must leave unexplained, to be left
for it."""

MIN_REST = 256
"""Tokens that may always stay unexplained."""

InVain = Callable[[Item], bool]
"""Whether a step need not have been."""


@dataclass(slots=True, eq=False)
class Attribution:
    """What is found out about a trace.

    Attributes:
        in_vain: whether a step need not have been.
        charges: LLM call -> how its cost is spread; calls of which that is unknown are missing.
        readings: tool call -> what its result cost in each prompt that it was seen in.
        wasted: LLM call -> what it cost to read the results of steps in vain in it, in 1e-12 USD,
            rounded up.
        compacted: LLM call -> tokens of the prompt that was compacted before it.
        splits: agent -> the parts of what it and its sub-agents cost; ``None`` is the trace.
    """

    in_vain: InVain
    charges: dict[Item, Charge] = field(default_factory=dict)
    readings: dict[Item, list[Reading]] = field(default_factory=dict)
    wasted: dict[Item, int] = field(default_factory=dict)
    compacted: dict[Item, int] = field(default_factory=dict)
    splits: dict[Item | None, Split] = field(default_factory=lambda: {None: Split()})

    def carry(self, item: Item) -> int | None:
        """What a tool's result cost in all prompts that it was in, in 1e-12 USD.

        ``None`` if it was in none that has a price.
        """
        priced = [r.total for r in self.readings.get(item, ()) if r.priced]
        return sum(priced) // PER_MONEY_UNIT if priced else None

    def first_reading(self, item: Item) -> int:
        """What it cost where it was read first, in 1e-12 USD."""
        return sum(r.first for r in self.readings.get(item, ())[:1]) // PER_MONEY_UNIT


@dataclass(slots=True, eq=False)
class _Dialogue:
    """The calls of one agent to one model.

    Attributes:
        tools: the agent's tool calls so far, those that other models asked for included.
        calls: how many.
        open: the prompts that may be continued, the last used last.
        begun: each prompt, the call that began it, and the prompt that was used before.
        prompt_of: call -> its prompt.
    """

    tools: Sequence[Item]
    calls: int = 0
    open: list[Prompt] = field(default_factory=list)
    begun: list[tuple[Prompt, Item, Prompt | None]] = field(default_factory=list)
    prompt_of: dict[Item, Prompt] = field(default_factory=dict)

    def take(self, item: Item, tokens: int) -> tuple[Prompt, list[Item]]:
        """The prompt that a call continues, and the tool calls whose results are new in it."""
        self.calls += 1
        prompt = self._find(tokens) if not item.step.compacted else None
        if prompt is None:
            prompt = Prompt(seen=len(self.tools))
            self.begun.append((prompt, item, self.open[-1] if self.open else None))
        new, prompt.seen = self.tools[prompt.seen :], len(self.tools)
        prompt.issues = prompt.issues or any(
            self.prompt_of.get(t.by) is prompt for t in new if t.by
        )
        self.open = [*[p for p in self.open if p is not prompt][1 - MAX_PROMPTS :], prompt]
        self.prompt_of[item] = prompt
        return prompt, list(new) if prompt.issues else []

    def _find(self, tokens: int) -> Prompt | None:
        """The last prompt that fits, unless it leaves far more unexplained than an older one."""
        fitting = [p for p in self.open if p.fits(tokens) and self.calls - p.last_call <= MAX_IDLE]
        if not fitting:
            return None
        last, best = fitting[-1], min(fitting, key=lambda p: abs(p.growth(tokens)))
        rest = max(abs(best.growth(tokens)), MIN_REST)
        return best if last.growth(tokens) > FAR_BETTER * rest else last

    def compactions(self) -> Mapping[Item, int]:
        """Calls that began a prompt in the place of a larger one, and the tokens of that.

        A smaller prompt after which the larger one is continued was a call by the way.
        """
        return {
            item: before.input
            for prompt, item, before in self.begun
            if before is not None
            and before.issues
            and (item.step.compacted or (prompt.issues and before.last_call < prompt.first_call))
        }


def is_wasted(item: Item) -> bool:
    """Whether a call brought what its context already held.

    A near call is another question, whose answer happened to be equal.
    """
    repeat = item.finding
    return (
        isinstance(repeat, Repeat)
        and repeat.verdict == "same"
        and repeat.kind == "equal"
        and not repeat.other_agent
    )


def attribute(items: Iterable[Item], in_vain: InVain = is_wasted) -> Attribution:
    """Spread the cost of a trace.

    Args:
        items: in time order, with their prices, agents and issuers.
        in_vain: whether a step need not have been.
    """
    items = list(items)
    found = Attribution(in_vain)
    tools: dict[Item | None, list[Item]] = {}
    dialogues: dict[tuple[Item | None, str], _Dialogue] = {}
    for item in items:
        of_agent = tools.setdefault(item.agent, [])
        if item.step.kind == "tool":
            of_agent.append(item)
        elif item.step.kind == "llm":
            dialogue = dialogues.setdefault(_speakers(item), _Dialogue(of_agent))
            _read(found, dialogue, item)
    for dialogue in dialogues.values():
        for prompt, _, _ in dialogue.begun:
            prompt.end()
        found.compacted.update(dialogue.compactions())
    for item in items:
        _book(found, item)
    _sum_up(found)
    return found


def _speakers(item: Item) -> tuple[Item | None, str]:
    """The agent and the model of a call."""
    return item.agent, item.step.model or item.step.request_model


def _read(found: Attribution, dialogue: _Dialogue, item: Item) -> None:
    """Find out what is new in the prompt of a call, and charge all that is in it."""
    usage = item.step.usage
    if item.price is None or usage is None or not usage.input:
        return
    prompt, tools = dialogue.take(item, usage.input)
    charge = make_charge(item.price.cost, usage, item.price.rates)
    sizes = [tool.step.result_size for tool in tools]
    wasted = [found.in_vain(tool) for tool in tools]
    readings = prompt.grow(usage.input, sizes, wasted, _said_between(item, tools))
    for tool, reading in zip(tools, readings, strict=True):
        if reading.tokens:
            found.readings.setdefault(tool, []).append(reading)
    if charge is not None:
        found.charges[item] = charge
        found.wasted[item] = -(-prompt.charge(charge, len(readings)) // PER_MONEY_UNIT)
    prompt.go_on(usage.input, usage.output - usage.reasoning, dialogue.calls)


def _said_between(item: Item, tools: Iterable[Item]) -> int:
    """Tokens of answers of other models that asked for these tool calls."""
    others = {tool.by for tool in tools if tool.by and _speakers(tool.by) != _speakers(item)}
    usages = [other.step.usage for other in others if other.step.usage]
    return sum(usage.output - usage.reasoning for usage in usages)


def _book(found: Attribution, item: Item) -> None:
    """Add what an item cost to its agent's split; a tool's share is taken from the base."""
    split = found.splits.setdefault(item.agent, Split())
    if item.step.kind == "tool":
        carry = found.carry(item) or 0
        split.tool_results += carry
        split.base -= carry
        return
    cost = item.price.cost if item.price else None
    if cost is None:
        return
    # The price of an agent is what it says of calls that were not seen: a part of its own split.
    split = found.splits.setdefault(item, Split()) if item.step.kind != "llm" else split
    charge = found.charges.get(item)
    output = charge.output // PER_MONEY_UNIT if charge else 0
    split.output += output
    split.base += cost - output if charge else 0
    split.unsplit += 0 if charge else cost


def _sum_up(found: Attribution) -> None:
    """Add each agent's parts to those of the agent above it."""
    agents = [agent for agent in found.splits if agent is not None]
    for agent in innermost_first(agents):
        found.splits[agent.agent].add(found.splits[agent])
