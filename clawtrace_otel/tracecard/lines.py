"""Steps, groups and loops as they stand in a card."""

from collections.abc import Callable, Iterable, Sequence
from typing import cast

from clawtrace_otel.money import PER_USD, to_usd
from clawtrace_otel.pricing.pricer import SUPPLIED, Price
from clawtrace_otel.processors.redundancy import Repeat, Retry, Verdict
from clawtrace_otel.semconv.content import shown_args, shown_error
from clawtrace_otel.semconv.step import Step, Usage
from clawtrace_otel.settings import Content
from clawtrace_otel.tracecard.amounts import Split, Waste
from clawtrace_otel.tracecard.items import Item
from clawtrace_otel.tracecard.loops import find_cycles
from clawtrace_otel.tracecard.model import Loop, Redundant, Repeated, StepLine
from clawtrace_otel.tracecard.model import Split as SplitLine

MAX_TEXT_CHARS = 120
MAX_NAME_CHARS = 64
_STEP_KEYS = tuple(StepLine.__annotations__)
GAP_SHOWN = 0.01
"""A computed cost that differs by more than this share is shown beside the supplied one."""


def clean(text: str, limit: int = MAX_TEXT_CHARS) -> str:
    """One printable line of at most ``limit`` characters, cut with an ellipsis."""
    head = text[: limit * 2]
    line = "".join(c if c.isprintable() and c != "\ufeff" else " " for c in head).strip()
    return line if len(line) <= limit and len(text) <= limit * 2 else line[: limit - 1] + "…"


def step_line(item: Item, content: Content = "sample") -> StepLine:
    """One step as it stands in a card."""
    line: StepLine = {"n": item.n, "ms": _milliseconds(item)}
    _ADD.get(item.step.kind, _add_agent)(line, item)
    _add_content(line, item.step, content)
    if item.price is not None:
        _add_price(line, item, item.price)
        _add_tokens(line, item.step.usage)
    if item.by is not None:
        line["by"] = item.by.n
    if item.agent is not None and item.agent.n:
        line["under"] = item.agent.n
    if item.spans > 1:
        line["merged"] = item.spans
    _add_failure(line, item)
    _add_finding(line, item)
    return cast("StepLine", {key: line[key] for key in _STEP_KEYS if key in line})  # type: ignore[literal-required]


def interval(waste: Waste) -> list[float]:
    """Low and high end in USD."""
    return [waste.low / PER_USD, waste.high / PER_USD]


def split_line(split: Split) -> SplitLine:
    """The parts of a cost in USD."""
    line: SplitLine = {
        "output": split.output / PER_USD,
        "tool_results": split.tool_results / PER_USD,
        "base": split.base / PER_USD,
    }
    if split.unsplit:
        line["unsplit"] = split.unsplit / PER_USD
    return line


def redundant_groups(items: Iterable[Item]) -> list[Redundant]:
    """The repeats of each call by verdict, with the steps that they repeat."""
    origins: dict[Item, Item] = {}
    groups: dict[tuple[Item, Verdict], list[Item]] = {}
    for item in items:
        if isinstance(item.finding, Repeat) and item.earlier is not None:
            verdict = item.finding.verdict
            origins[item] = origins.get(item.earlier, item.earlier)
            first = item.earlier if verdict == "same" else origins[item]
            groups.setdefault((first, verdict), []).append(item)
    return [_group(first, verdict, found) for (first, verdict), found in groups.items()]


def _group(first: Item, verdict: Verdict, repeats: list[Item]) -> Redundant:
    numbers = {item.n for item in repeats} | {item.earlier.n for item in repeats if item.earlier}
    near = any(isinstance(i.finding, Repeat) and i.finding.kind == "near" for i in repeats)
    group: Redundant = {
        "steps": sorted(numbers),
        "kind": "near" if near else "equal",
        "verdict": verdict,
    }
    if wasted := [item.waste for item in repeats if item.waste is not None]:
        group["waste_usd"] = interval(sum(wasted, Waste()))
    if first.step.kind == "llm":
        return {"llm": _model(first), **group}
    return {"tool": clean(first.step.tool, MAX_NAME_CHARS), **group}


def _model(item: Item) -> str:
    return clean(item.step.model or item.step.request_model or "unknown", MAX_NAME_CHARS)


def loops(items: Sequence[Item]) -> list[Loop]:
    """Cycles of tool calls, agent by agent."""
    found: list[Loop] = []
    contexts: dict[Item | None, list[Item]] = {}
    for item in items:
        if item.step.kind == "tool":
            contexts.setdefault(item.agent, []).append(item)
    for calls in contexts.values():
        keys = [(c.step.tool, c.step.args_hash) if c.step.args_hash else None for c in calls]
        found += [
            {
                "first": calls[cycle.start].n,
                "last": calls[cycle.end - 1].n,
                "period": cycle.period,
                "count": cycle.count,
            }
            for cycle in find_cycles(keys)
        ]
    return sorted(found, key=lambda loop: loop["first"])


def _milliseconds(item: Item) -> int:
    return max(item.step.end_ns - item.step.start_ns, 0) // 1_000_000


def _add_tool(line: StepLine, item: Item) -> None:
    line["tool"] = clean(item.step.tool, MAX_NAME_CHARS)
    if item.result_tokens:
        line["result_tokens"] = item.result_tokens
    if item.carry is not None:
        line["carry_usd"] = item.carry / PER_USD


def _add_content(line: StepLine, step: Step, content: Content) -> None:
    if step.kind == "tool" and (args := shown_args(step, content)):
        line["args"] = clean(args)
    if step.error is not None:
        line["error"] = clean(shown_error(step.error, content))


def _add_llm(line: StepLine, item: Item) -> None:
    line["llm"] = _model(item)
    line["does"] = item.step.does
    if item.compacted_from:
        line["compacted_from"] = item.compacted_from


def _add_agent(line: StepLine, item: Item) -> None:
    line["agent"] = clean(item.step.agent or item.step.name or "unknown", MAX_NAME_CHARS)
    line["usd"] = to_usd(item.cost)
    line["llm_calls"], line["tool_calls"] = item.llm_calls, item.tool_calls
    if item.tokens_in or item.tokens_out:
        line["in"], line["out"] = item.tokens_in, item.tokens_out
    if item.share is not None:
        line["share"] = round(item.share, 4)
    if item.split is not None and item.cost:
        line["split"] = split_line(item.split)
    if item.output_used is not None:
        line["output_used"] = round(item.output_used, 2)


_ADD: dict[str, Callable[[StepLine, Item], None]] = {
    "tool": _add_tool,
    "llm": _add_llm,
}


def _add_price(line: StepLine, item: Item, price: Price) -> None:
    if item.step.kind != "llm" and price.reason != "no_usage":
        line["aggregate"] = True
    line["usd"] = to_usd(item.cost)
    if price.reason:
        line["unpriced"] = price.reason
    if price.source == SUPPLIED:
        line["source"] = price.source
    if price.cost is not None and price.computed is not None:
        gap = abs(price.computed - price.cost)
        if gap > GAP_SHOWN * price.cost:
            line["computed_usd"] = price.computed / PER_USD


def _add_tokens(line: StepLine, usage: Usage | None) -> None:
    if usage is None:
        return
    line["in"], line["out"] = usage.input, usage.output
    if usage.cache_read:
        line["cached"] = usage.cache_read
    if usage.cache_write:
        line["written"] = usage.cache_write
    if usage.reasoning:
        line["reasoning"] = usage.reasoning


def _add_failure(line: StepLine, item: Item) -> None:
    if item.repaired_by is not None:
        line["repaired_by"] = item.repaired_by.n
    if item.until_repaired is not None:
        line["until_repaired_usd"] = item.until_repaired / PER_USD


def _add_finding(line: StepLine, item: Item) -> None:
    if item.waste is not None:
        line["waste_usd"] = interval(item.waste)
    if item.earlier is None:
        return
    if isinstance(item.finding, Retry):
        line["retry_of"] = item.earlier.n
    elif isinstance(item.finding, Repeat):
        repeat: Repeated = {"of": item.earlier.n, "verdict": item.finding.verdict}
        if item.finding.kind == "near":
            repeat["kind"] = "near"
        if item.finding.other_agent:
            repeat["other_agent"] = True
        line["repeat"] = repeat
