"""One call seen by several instrumentations becomes one call.

Two shapes occur (``tests/fixtures/otlp``): spans nested in one another, when each library makes its
span the current one; and siblings with the same response id (or the same id of a tool call), when
one does not. A log record that tells of a call is one more span that saw it. Within one
instrumentation scope two spans are two calls, unless one tells only what was used or what came of
the call that the other is.
"""

from collections import Counter, deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec

from clawtrace_otel.semconv.log_records import is_record
from clawtrace_otel.semconv.step import Step, Usage
from clawtrace_otel.tracecard.node import Node
from clawtrace_otel.tracecard.tree import Tree, time_order

MAX_INSTRUMENTATIONS = 16
"""More spans than this inside one another are not one call."""

MAX_CONCURRENT = 16
"""Among how many calls with the same tokens a twin is looked for."""

MEANWHILE = 0.9
"""What part of the shorter of two spans, at least, was during the other if both saw one call."""

DOUBLING_SCOPES = ("gcp.vertex.agent",)
"""Scopes that put a second span around a call, with the same tokens (Google's ADK, schema 1)."""

NATIVE_SCOPES = ("com.anthropic.",)
"""Scopes of vendors' own SDKs, whose counts are believed where counts differ (Traceloop counts
the first output token of an Anthropic stream twice)."""


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
            same = [node, *(n for n in below if _has_its_id(n, node))]
            if node.step.kind != "llm":
                yield Seen(same)
            known = set(same)
            waiting.extend(n for m in same for n in inner.get(m, ()) if n not in known)


def _has_its_id(below: Node, node: Node) -> bool:
    """Whether a span below a tool call, among other tools, is of the same call."""
    is_tool = node.step.kind == "tool" and node.step.call_id != ""
    return is_tool and below.step.call_id == node.step.call_id


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
        is_told_below = len(nodes) == 2 and nodes[0].step.usage is None
        return is_told_below or len({node.step.scope for node in nodes}) == len(nodes)
    first = used[0].usage
    is_once = all(n == 1 or (n == 2 and scope in DOUBLING_SCOPES) for scope, n in scopes.items())
    return is_once and all(_same_usage(first, step.usage) for step in used)


def _same_usage(one: Usage | None, other: Usage | None) -> bool:
    return (
        one is not None
        and other is not None
        and one.input == other.input
        and one.output == other.output
    )


def _is_same_tool_call(nodes: list[Node]) -> bool:
    steps = [node.step for node in nodes]
    arguments = {step.args_hash for step in steps if step.args_hash}
    ids = {step.call_id for step in steps}
    if len(ids) == 1 and "" not in ids:
        return True
    return (
        len({step.tool for step in steps}) == 1
        and len(arguments) <= 1
        and len({step.scope for step in steps}) == len(steps)
    )


def _is_same_agent(nodes: list[Node]) -> bool:
    steps = [node.step for node in nodes]
    return len({step.agent for step in steps}) == 1 and len({s.scope for s in steps}) == len(steps)


_IS_SAME = {"llm": _is_same_llm_call, "tool": _is_same_tool_call, "agent": _is_same_agent}


def is_twin(one: Step, other: Step) -> bool:
    """Whether two LLM spans or two tool spans, neither inside the other, saw one call.

    Each has its own instrumentation scope. They tell the same response id; where one knows none
    (OpenInference never does, failed calls have none), they agree in all that they know, and one
    was within the other, or nearly.
    """
    if one.scope == other.scope or one.service != other.service or one.kind != other.kind:
        return False
    if call_id(one) and call_id(other):
        return call_id(one) == call_id(other) and (
            _overlap(one, other) or is_record(one) or is_record(other)
        )
    return one.kind == "llm" and bool(
        usage_key(one) == usage_key(other)
        and (_names(one) & _names(other) or not (_names(one) and _names(other)))
        and (_is_within(one, other) or _is_within(other, one) or _is_meanwhile(one, other))
    )


def call_id(step: Step) -> str:
    """What both sides of a call know it by: the id of the response, or of the tool call."""
    return step.response_id if step.kind == "llm" else step.call_id


def _overlap(one: Step, other: Step) -> bool:
    return one.start_ns <= other.end_ns and other.start_ns <= one.end_ns


def usage_key(step: Step) -> Hashable:
    """What twins without a response id agree in."""
    tokens = (step.usage.input, step.usage.output) if step.usage else None
    return step.service, tokens, step.error is not None


def _names(step: Step) -> set[str]:
    return {step.model, step.request_model} - {""}


def _is_within(inner: Step, outer: Step) -> bool:
    return outer.start_ns <= inner.start_ns and inner.end_ns <= outer.end_ns


def _is_meanwhile(one: Step, other: Step) -> bool:
    """Whether nearly all of the shorter one was during the other.

    Of a stream, one library sees the beginning first and the other the end.
    """
    shared = min(one.end_ns, other.end_ns) - max(one.start_ns, other.start_ns)
    shorter = min(one.end_ns - one.start_ns, other.end_ns - other.start_ns)
    return 0 < shared >= MEANWHILE * shorter


def _join_siblings(calls: list[Seen]) -> list[Seen]:
    joined: list[Seen] = []
    recent: dict[Hashable, deque[Seen]] = {}
    for seen in sorted(calls, key=_records_last):
        keys = _sibling_keys(seen)
        twin = next((t for key in keys for t in recent.get(key, ()) if _are_twins(t, seen)), None)
        if twin is not None:
            twin.nodes.extend(seen.nodes)
            continue
        joined.append(seen)
        for key in keys:
            recent.setdefault(key, deque(maxlen=MAX_CONCURRENT)).append(seen)
    return joined


def _records_last(seen: Seen) -> tuple[bool, tuple[int, int, str]]:
    """The spans that a record joins were there before it, wherever the clock put it."""
    return is_record(seen.node.step), time_order(seen.node.step)


def _sibling_keys(seen: Seen) -> list[Hashable]:
    kind = seen.node.step.kind
    if kind == "agent":
        return []
    ids = sorted({call_id(node.step) for node in seen.nodes} - {""})
    known: list[Hashable] = [(kind, name) for name in ids]
    if kind == "tool":
        return known
    above = seen.node.above
    return [*known, (above.step.span_id if above else "", usage_key(seen.step()))]


def _are_twins(one: Seen, other: Seen) -> bool:
    scopes = {node.step.scope for node in one.nodes}
    return scopes.isdisjoint(node.step.scope for node in other.nodes) and is_twin(
        one.step(), other.step()
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
    "args_size",
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
    if merged.kind == "tool":
        merged.error = next((step.error for step in steps if step.error is not None), None)
    merged.does = next((step.does for step in steps if step.does != "other"), merged.does)
    merged.usage = _merge_usage(steps)
    merged.invalid = "" if merged.usage else merged.invalid
    return merged


def _merge_usage(steps: list[Step]) -> Usage | None:
    """The detail of all: some instrumentations leave out cached or reasoning tokens."""
    native_first = sorted(steps, key=lambda step: not step.scope.startswith(NATIVE_SCOPES))
    usages = [step.usage for step in native_first if step.usage is not None]
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
        reasoning=min(max(usage.reasoning for usage in usages), usages[0].output),
    )
