"""One call seen by several instrumentations becomes one call.

Two shapes occur (``tests/fixtures/otlp``): spans nested in one another, when each library makes its
span the current one; and siblings with the same response id (or the same id of a tool call), when
one does not. A log record that tells of a call is one more span that saw it. Within one
instrumentation scope two spans are two calls, unless one tells only what was used or what came of
the call that the other is.
"""

from collections import Counter, deque
from collections.abc import Hashable, Iterator, Set
from dataclasses import dataclass
from itertools import islice

import msgspec

from clawtrace_otel.semconv.log_records import is_placed_by_time, is_record
from clawtrace_otel.semconv.step import Step, Usage
from clawtrace_otel.tracecard.adoption import above
from clawtrace_otel.tracecard.node import Node
from clawtrace_otel.tracecard.tree import Tree, time_order
from clawtrace_otel.tracecard.twins import (
    MISCOUNTING_SCOPES,
    began_after,
    call_id,
    is_same_run,
    is_twin,
    usage_keys,
    used_alike,
)

MAX_INSTRUMENTATIONS = 16
"""More spans than this inside one another are not one call."""


MAX_CONCURRENT = 16
"""Among how many calls with the same tokens a twin is looked for."""


DOUBLING_SCOPES = ("gcp.vertex.agent",)
"""Scopes that put a second span around a call, with the same tokens (Google's ADK, schema 1)."""

NATIVE_SCOPES = ("com.anthropic.",)
"""Scopes of vendors' own SDKs, whose counts are believed where counts differ."""


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
    outermost: list[Node] = []
    told = {node.above for node in tree.downward if node.step.kind == "llm" and _is_inside(node)}
    for node in tree.downward:
        above = _same_kind_above(node, told)
        if above is not None:
            inner.setdefault(above, []).append(node)
        elif node.step.kind in _IS_SAME:
            outermost.append(node)
    nested = [seen for node in outermost for seen in _nested(node, inner)]
    return _join_siblings(nested)


def _same_kind_above(node: Node, told: Set[Node | None]) -> Node | None:
    """The span around this one of the same kind.

    Some libraries leave a stream's span to be the current one (OpenInference, of Anthropic). What
    begins below when it is over, and its own call has been ``told`` below, is another call.
    """
    above = node.above
    while above is not None and above in told and began_after(node.step, above.step):
        above = above.above
    return above if above is not None and above.step.kind == node.step.kind else None


def _is_inside(node: Node) -> bool:
    above = node.above
    return above is not None and above.step.kind == "llm" and not began_after(node.step, above.step)


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
    is_once = all(n == 1 or (n == 2 and scope in DOUBLING_SCOPES) for scope, n in scopes.items())
    return is_once and all(used_alike(used[0], step) for step in used)


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


def _join_siblings(calls: list[Seen]) -> list[Seen]:
    calls = sorted(calls, key=_records_last)
    if len({node.step.scope for seen in calls for node in seen.nodes}) == 1:
        return calls  # one library sees each call once
    joined: list[Seen] = []
    recent: dict[Hashable, deque[Seen]] = {}
    for seen in calls:
        keys = _sibling_keys(seen)
        twin = next((t for key in keys for t in recent.get(key, ()) if _are_twins(t, seen)), None)
        if twin is not None:
            _join(twin, seen)
            continue
        joined.append(seen)
        for key in keys:
            recent.setdefault(key, deque(maxlen=MAX_CONCURRENT)).append(seen)
    return joined


def _join(one: Seen, other: Seen) -> None:
    """Put the one first that says whose call it was: not every library knows the agent."""
    if one.node.agent is None and other.node.agent is not None:
        one.nodes[:0] = other.nodes
    else:
        one.nodes.extend(other.nodes)


def _records_last(seen: Seen) -> tuple[bool, tuple[int, int, str]]:
    """The spans that a record joins were there before it, wherever the clock put it."""
    return is_record(seen.node.step), time_order(seen.node.step)


def _sibling_keys(seen: Seen) -> list[Hashable]:
    """What calls that may be twins have in common: an id, or what they used.

    Failed calls all used the same, nothing; of them only those of one place are looked at.
    """
    step = seen.step()
    if step.kind == "agent":
        return [("agent", step.agent.casefold())]
    ids = sorted({call_id(node.step) for node in seen.nodes} - {""})
    known: list[Hashable] = [(step.kind, name) for name in ids]
    if step.kind == "tool":
        return [*known, ("tool of name", step.tool)]
    above = seen.node.above.step.span_id if seen.node.above and step.usage is None else ""
    return [*known, *((above, key) for key in usage_keys(step))]


def _are_twins(one: Seen, other: Seen) -> bool:
    scopes = {node.step.scope for node in one.nodes}
    if not scopes.isdisjoint(node.step.scope for node in other.nodes):
        return False
    if one.node.step.kind == "agent":
        return is_same_run(one.node.step, other.node.step) and not _are_nested(one, other)
    return is_twin(one.step(), other.step())


def _are_nested(one: Seen, other: Seen) -> bool:
    """Whether one agent runs within the other, with something in between."""
    return any(
        holder in outer.nodes
        for inner, outer in ((one, other), (other, one))
        for node in inner.nodes
        for holder in above(node)
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
    usages = [step.usage for step in sorted(steps, key=_disbelief) if step.usage is not None]
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


def _disbelief(step: Step) -> int:
    is_believed = step.scope.startswith(NATIVE_SCOPES) or is_placed_by_time(step)
    return 2 * (step.scope in MISCOUNTING_SCOPES) - is_believed
