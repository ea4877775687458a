"""The steps of one trace become its card.

On the way: ``tree`` hangs spans where they belong (``adoption``, ``inner_agents``); ``same_call``
makes one call of all the spans that saw it (``twins``, ``accounts``); ``items`` prices, numbers and
compares calls; ``findings`` says where the money went (``attribution``, ``context``), what was
``waste``, what ``repairs`` cost and what was ``used``; ``lines`` and ``fit`` write it down in few
bytes.

The same steps give the same card, in whatever order, in however many pieces and however often they
were delivered.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from clawtrace_otel.money import to_usd, total
from clawtrace_otel.pricing.pricer import SUPPLIED, Pricer
from clawtrace_otel.processors.near import DEFAULT_THRESHOLD
from clawtrace_otel.processors.redundancy import RedundancyIndex
from clawtrace_otel.processors.tool_effects import ToolEffects
from clawtrace_otel.semconv.step import Evaluation, Step
from clawtrace_otel.settings import Content
from clawtrace_otel.tracecard.amounts import Waste
from clawtrace_otel.tracecard.findings import add_findings
from clawtrace_otel.tracecard.fit import DEFAULT_MAX_BYTES, fit
from clawtrace_otel.tracecard.items import Item, build_items
from clawtrace_otel.tracecard.lines import (
    MAX_NAME_CHARS,
    clean,
    interval,
    loops,
    redundant_groups,
    split_line,
)
from clawtrace_otel.tracecard.model import Card, Root, Status, Tokens, Total, Unpriced
from clawtrace_otel.tracecard.node import Node
from clawtrace_otel.tracecard.outcome import outcome_of
from clawtrace_otel.tracecard.tree import Tree, build_tree

_NS = 1_000_000_000
_MAX_NS = 253_402_300_799 * _NS  # the last second that datetime knows


class Compiler:
    """Compiles cards.

    Args:
        pricer: gives the prices.
        effects: what is known of the tools.
        near_threshold: similarity of arguments from which on calls are near.
        max_bytes: size of a card in UTF-8.
        content: what of arguments, errors and explanations is shown.
    """

    def __init__(
        self,
        pricer: Pricer | None = None,
        effects: ToolEffects | None = None,
        near_threshold: float = DEFAULT_THRESHOLD,
        max_bytes: int = DEFAULT_MAX_BYTES,
        content: Content = "sample",
    ) -> None:
        self.pricer = pricer or Pricer()
        self.effects = effects or ToolEffects()
        self.near_threshold = near_threshold
        self.max_bytes = max_bytes
        self.content: Content = content

    def new_index(self) -> RedundancyIndex:
        """An empty index of the calls of one trace."""
        return RedundancyIndex(self.effects, self.near_threshold)

    def compile(
        self, steps: Iterable[Step], evaluations: Iterable[Evaluation] = (), revision: int = 1
    ) -> Card | None:
        """The card of a trace; ``None`` if there is neither an LLM nor a tool step in it.

        Args:
            steps: all of one trace.
            evaluations: results that came in log records rather than with a span.
            revision: counts the changes of a card that was already closed.
        """
        compiled = self.compile_items(steps, evaluations, revision)
        return fit(*compiled, self.max_bytes, self.content) if compiled else None

    def compile_items(
        self, steps: Iterable[Step], evaluations: Iterable[Evaluation] = (), revision: int = 1
    ) -> tuple[Card, list[Item]] | None:
        """The card without its steps, and these before they are written down.

        Args:
            steps: see :meth:`compile`.
            evaluations: see :meth:`compile`.
            revision: see :meth:`compile`.
        """
        tree = build_tree(steps)
        index = self.new_index()
        items = build_items(tree, self.pricer, index)
        if not any(item.price or item.step.kind in ("llm", "tool") for item in items):
            return None
        split = add_findings(items)
        listed = [item for item in items if item.n]
        told = [e for node in tree.nodes for e in node.step.evaluations]
        card = _header(tree, items, revision)
        if card["total"]["cost_usd"] is not None:
            card["total"]["split"] = split_line(split)
            wasted = [item.waste for item in listed if item.waste is not None]
            card["total"]["waste_usd"] = interval(sum(wasted, Waste()))
        if unpriced := _unpriced(items):
            card["unpriced"] = unpriced
        if prices := _prices(listed, card["started"]):
            card["prices"] = prices
        if outcome := outcome_of([*told, *evaluations], self.content):
            card["outcome"] = outcome
        if redundant := redundant_groups(listed):
            card["redundant"] = redundant
        if found := loops(listed):
            card["loops"] = found
        if index.near_skipped:
            card["near_unchecked"] = index.near_skipped
        return card, listed


def root_of(tree: Tree) -> Node:
    """The span without a parent, or the earliest one whose parent has not come in."""
    roots = [node for node in tree.nodes if node.parent is None and not node.step.parent_id]
    traces = {node.step.trace_id for node in tree.nodes}
    # The caller of a joined trace may still be open, and so be unknown: that trace is no beginning.
    linked = {n for n in roots if any(t in traces - {n.step.trace_id} for t, _ in n.step.links)}
    known = (node for node in tree.downward if node.parent is None and node not in linked)
    return next((node for node in roots if node not in linked), next(known, tree.downward[0]))


def _header(tree: Tree, items: list[Item], revision: int) -> Card:
    root = root_of(tree)
    start = root.step.start_ns
    end = max(root.step.end_ns, start) if root.step.end_ns else max(_ends(tree), default=start)
    card: Card = {
        "tracecard": 1,
        "trace_id": root.step.trace_id,
        "root": _root(root, items),
        "started": _timestamp(start),
        "duration_s": max(end - start, 0) // 1_000_000 / 1000,
        "status": _status(root),
        "revision": revision,
        "models": _models(items),
        "total": _total(items),
        "steps": [],
    }
    named = [node.step for node in tree.downward]
    if session := next((step.session for step in named if step.session), ""):
        card["session"] = clean(session, MAX_NAME_CHARS)
    if task := next((step.task for step in named if step.task), ""):
        card["task"] = clean(task, MAX_NAME_CHARS)
    if run := next((step.run for step in named if step.run), ""):
        card["run"] = clean(run, MAX_NAME_CHARS)
    return card


def _root(node: Node, items: list[Item]) -> Root:
    root: Root = {
        "span": node.step.span_id,
        "name": clean(node.step.name, MAX_NAME_CHARS),
        "service": clean(node.step.service, MAX_NAME_CHARS),
    }
    main = next((item for item in items if not item.n), None)
    if main is not None:
        root["agent"] = clean(main.step.agent, MAX_NAME_CHARS)
    return root


def _status(root: Node) -> Status:
    if root.step.parent_id or not root.step.end_ns:
        return "open"
    return "error" if root.step.error is not None else "complete"


def _ends(tree: Tree) -> Iterable[int]:
    return (node.step.end_ns for node in tree.nodes)


def _timestamp(ns: int) -> str:
    moment = datetime.fromtimestamp(min(ns, _MAX_NS) // _NS, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns % _NS // 1_000_000:03d}Z"


def _models(items: list[Item]) -> list[str]:
    names = [item.step.model or item.step.request_model for item in items if item.price]
    return [clean(name, MAX_NAME_CHARS) for name in dict.fromkeys(names) if name]


def _total(items: list[Item]) -> Total:
    priced = [item for item in items if item.price]
    usages = [item.step.usage for item in priced if item.step.usage]
    tokens: Tokens = {
        "input": sum(usage.input for usage in usages),
        "cache_read": sum(usage.cache_read for usage in usages),
        "cache_write": sum(usage.cache_write for usage in usages),
        "output": sum(usage.output for usage in usages),
        "reasoning": sum(usage.reasoning for usage in usages),
    }
    return {
        "cost_usd": to_usd(total(item.price.cost for item in priced if item.price)),
        "llm_calls": sum(item.step.kind == "llm" for item in items),
        "tool_calls": sum(item.step.kind == "tool" for item in items),
        "unpriced_calls": sum(item.price.cost is None for item in priced if item.price),
        "tokens": tokens,
    }


def _unpriced(items: list[Item]) -> list[Unpriced]:
    counted = Counter(
        (item.step.model or item.step.request_model or "unknown", item.price.reason)
        for item in items
        if item.price
    )
    return [
        {"model": clean(model, MAX_NAME_CHARS), "reason": reason, "calls": calls}
        for (model, reason), calls in counted.items()
        if reason
    ]


def _prices(items: list[Item], started: str) -> dict[str, str | int]:
    """Where the prices came from. ``supplied`` counts the calls that brought their own."""
    sources = Counter(item.price.source for item in items if item.price and item.price.source)
    supplied = sources.pop(SUPPLIED, 0)
    prices: dict[str, str | int] = {source: _version(source) for source in sorted(sources)}
    if prices:
        prices["day"] = started[:10]
    if supplied:
        prices[SUPPLIED] = supplied
    return prices


def _version(source: str) -> str:
    from clawtrace_otel.pricing import genai

    return genai.VERSION if source == genai.SOURCE else "file"
