"""One call seen by several instrumentations becomes one call.

Two shapes occur (``tests/fixtures/otlp``): spans nested in one another, when each library makes its
span the current one; and siblings with the same response id, when one does not. Within one
instrumentation scope two spans are always two calls.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec

from clawtrace_otel.semconv.step import Step, Usage
from clawtrace_otel.tracecard.tree import Node, Tree

MAX_INSTRUMENTATIONS = 16
"""More spans than this inside one another are not one call."""


@dataclass(slots=True, eq=False)
class Seen:
    """A call and the spans that saw it, the outermost first."""

    nodes: list[Node]

    @property
    def node(self) -> Node:
        """The outermost span."""
        return self.nodes[0]

    def step(self) -> Step:
        """The outermost span, with what only the others know filled in."""
        steps = [node.step for node in self.nodes]
        return steps[0] if len(steps) == 1 else _merge(steps)


def find_calls(tree: Tree) -> list[Seen]:
    """The LLM calls, tool calls and agents of a trace, each once."""
    inner: dict[Node, list[Node]] = {}
    for node in tree.downward:
        above = _same_kind_above(node)
        if above is not None:
            inner.setdefault(above, []).append(node)
    outermost = [
        node
        for node in tree.downward
        if node.step.kind in _IS_SAME and _same_kind_above(node) is None
    ]
    nested = [seen for node in outermost for seen in _nested(node, inner)]
    return _join_siblings(nested)


def _same_kind_above(node: Node) -> Node | None:
    above = node.above
    return above if above is not None and above.step.kind == node.step.kind else None


def _nested(outer: Node, inner: dict[Node, list[Node]]) -> Iterator[Seen]:
    waiting = [outer]
    while waiting:
        node = waiting.pop()
        below = list(islice(_descendants(node, inner), MAX_INSTRUMENTATIONS))
        if not below:
            yield Seen([node])
        elif len(below) < MAX_INSTRUMENTATIONS and _IS_SAME[node.step.kind]([node, *below]):
            yield Seen([node, *below])
        else:
            # An LLM span around several calls only adds them up.
            if node.step.kind != "llm":
                yield Seen([node])
            waiting.extend(inner.get(node, ()))


def _descendants(node: Node, inner: dict[Node, list[Node]]) -> Iterator[Node]:
    waiting = deque(inner.get(node, ()))
    while waiting:
        below = waiting.popleft()
        yield below
        waiting.extend(inner.get(below, ()))


def _is_same_llm_call(nodes: list[Node]) -> bool:
    used = [node.step for node in nodes if node.step.usage is not None]
    scopes = Counter(step.scope for step in used)
    if len(used) < 2:
        return len({node.step.scope for node in nodes}) == len(nodes)
    first = used[0].usage
    return max(scopes.values()) == 1 and all(_same_usage(first, step.usage) for step in used)


def _same_usage(one: Usage | None, other: Usage | None) -> bool:
    return (
        one is not None
        and other is not None
        and one.input == other.input
        and one.output == other.output
    )


def _is_same_tool_call(nodes: list[Node]) -> bool:
    steps = [node.step for node in nodes]
    known = {step.args_hash for step in steps if step.args_hash}
    return (
        len({step.tool for step in steps}) == 1
        and len(known) <= 1
        and len({step.scope for step in steps}) == len(steps)
    )


def _is_same_agent(nodes: list[Node]) -> bool:
    steps = [node.step for node in nodes]
    return len({step.agent for step in steps}) == 1 and len({s.scope for s in steps}) == len(steps)


_IS_SAME = {"llm": _is_same_llm_call, "tool": _is_same_tool_call, "agent": _is_same_agent}


def _join_siblings(calls: list[Seen]) -> list[Seen]:
    joined: list[Seen] = []
    by_response: dict[str, list[Seen]] = {}
    for seen in sorted(calls, key=lambda call: (call.node.step.start_ns, call.node.step.span_id)):
        response_id = next((n.step.response_id for n in seen.nodes if n.step.response_id), "")
        earlier = by_response.setdefault(response_id, []) if response_id else []
        twin = next((other for other in earlier if _is_twin(other, seen)), None)
        if twin is not None:
            twin.nodes.extend(seen.nodes)
        else:
            joined.append(seen)
            earlier.append(seen)
    return joined


def _is_twin(one: Seen, other: Seen) -> bool:
    scopes = {node.step.scope for node in one.nodes}
    a, b = one.node.step, other.node.step
    return (
        scopes.isdisjoint(node.step.scope for node in other.nodes)
        and a.start_ns <= b.end_ns
        and b.start_ns <= a.end_ns
    )


_FILLED = (
    "provider",
    "request_model",
    "model",
    "tier",
    "supplied",
    "response_id",
    "request_hash",
    "output_hash",
    "calls",
    "call_id",
    "args",
    "args_hash",
    "result_hash",
    "result_size",
    "read_only",
    "read_only_tools",
    "session",
    "agent",
)


def _merge(steps: list[Step]) -> Step:
    merged = msgspec.structs.replace(steps[0])
    for name in _FILLED:
        values = (getattr(step, name) for step in steps)
        setattr(merged, name, next((v for v in values if v), getattr(merged, name)))
    merged.does = next((step.does for step in steps if step.does != "other"), merged.does)
    merged.usage = _merge_usage([step.usage for step in steps if step.usage is not None])
    merged.invalid = "" if merged.usage else merged.invalid
    return merged


def _merge_usage(usages: list[Usage]) -> Usage | None:
    """The detail of all: some instrumentations leave out cached or reasoning tokens."""
    if not usages:
        return None
    read = max(usage.cache_read for usage in usages)
    hour = max(usage.cache_write_1h for usage in usages)
    write = max(usage.cache_write for usage in usages)
    return Usage(
        fresh=max(usages[0].input - read - write, 0),
        cache_read=read,
        cache_write_5m=write - hour,
        cache_write_1h=hour,
        output=usages[0].output,
        reasoning=max(usage.reasoning for usage in usages),
    )
