"""Spans that hang in the wrong place, or in another trace, and where they belong.

Most libraries nest a sub-agent below the tool call that ran it. These do not:

* Traceloop's OpenAI Agents puts the sub-agent beside its tool call, under the workflow;
* Traceloop's LangChain has the agent's span below the tool, and its calls below a sibling;
* an agent behind a queue or another service may have a trace of its own, with a span link, or with
  the conversation id and within the time of the call that waits for it.

See ``tests/fixtures/otlp`` and :mod:`clawtrace_otel.tracecard.joined_traces`.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.node import Node

CALLER_KINDS = frozenset({"tool", "agent"})
"""Spans, below a root, that may wait for an agent that has a trace of its own."""

ROOT_KINDS = frozenset({"agent", "workflow"})
"""Roots of such traces."""

MAX_LEVELS = 64
"""How far up and how far back is looked."""


def adopt(nodes: Sequence[Node], by_id: Mapping[str, Node]) -> None:
    """Hang spans where they belong.

    Args:
        nodes: in time order, with their parents but without their children.
        by_id: the same by span id.
    """
    _join_traces(nodes, by_id)
    agents = [node for node in nodes if node.step.kind == "agent"]
    if agents:
        _hang_agents_below_their_tools(nodes, agents)
        _hang_calls_below_their_agents(nodes, agents)


def _move(node: Node, parent: Node) -> None:
    if not any(other is node for other in (parent, *above(parent))):
        node.parent = parent


def above(node: Node) -> Iterator[Node]:
    """The spans above one, from the nearest on, as far as anybody looks."""
    for _ in range(MAX_LEVELS):
        if node.parent is None:
            return
        node = node.parent
        yield node


def is_within(inner: Step, outer: Step) -> bool:
    """Whether a step began and ended while another one, which may be open, was running."""
    began = outer.start_ns <= inner.start_ns
    return began and (not outer.end_ns or inner.start_ns <= inner.end_ns <= outer.end_ns)


def _join_traces(nodes: Sequence[Node], by_id: Mapping[str, Node]) -> None:
    if len({node.step.trace_id for node in nodes}) < 2:
        return
    roots = [node for node in nodes if not node.step.parent_id and node.parent is None]
    waiting = [n for n in nodes if n.step.kind in CALLER_KINDS and n.step.parent_id]
    for root in roots:
        linked = (by_id.get(span_id) for _, span_id in root.step.links)
        callers = (node for node in reversed(waiting) if is_caller(node.step, root.step))
        caller = next((n for n in (*linked, *callers) if n is not None), None)
        if caller is not None and caller.step.trace_id != root.step.trace_id:
            _move(root, caller)


def is_caller(step: Step, root: Step) -> bool:
    """Whether a call waits for an agent that has a trace of its own: same conversation, in time."""
    return (
        step.kind in CALLER_KINDS
        and root.kind in ROOT_KINDS
        and bool(step.parent_id)
        and step.trace_id != root.trace_id
        and bool(step.session)
        and step.session == root.session
        and is_within(root, step)
    )


def _hang_agents_below_their_tools(nodes: Sequence[Node], agents: Iterable[Node]) -> None:
    parents = {node.parent for node in nodes}
    tools = [node for node in nodes if node.step.kind == "tool" and node not in parents]
    starts = [tool.step.start_ns for tool in tools]
    taken: set[Node] = set()
    for agent in agents:
        if any(other.step.kind == "tool" for other in above(agent)):
            continue
        last = bisect_right(starts, agent.step.start_ns)
        started = [tool for tool in tools[max(last - MAX_LEVELS, 0) : last] if tool not in taken]
        tool = _the_one([tool for tool in started if _may_run(tool, agent)], agent)
        if tool is not None:
            taken.add(tool)
            _move(agent, tool)


def _may_run(tool: Node, agent: Node) -> bool:
    return (
        tool.step.scope == agent.step.scope
        and is_within(agent.step, tool.step)
        and any(other is agent.parent for other in above(tool))
    )


def _the_one(tools: Sequence[Node], agent: Node) -> Node | None:
    """The only tool, or of several the only one with the agent's name."""
    if len(tools) <= 1:
        return next(iter(tools), None)
    named = [tool for tool in tools if _is_named_alike(tool.step.tool, agent.step.agent)]
    return named[0] if len(named) == 1 else None


def _is_named_alike(tool: str, agent: str) -> bool:
    """Whether a word of one begins as the other: not so ``search`` and ``researcher``."""
    tool, agent = tool.lower(), agent.lower()
    return bool(tool and agent) and (_begins_a_word(tool, agent) or _begins_a_word(agent, tool))


def _begins_a_word(name: str, of: str) -> bool:
    return re.search(rf"(?<![^\W_]){re.escape(name)}", of) is not None


def _hang_calls_below_their_agents(nodes: Sequence[Node], agents: Iterable[Node]) -> None:
    by_name: dict[str, list[Node]] = {}
    starts: dict[str, list[int]] = {}
    for agent in agents:
        by_name.setdefault(agent.step.agent, []).append(agent)
        starts.setdefault(agent.step.agent, []).append(agent.step.start_ns)
    for node in nodes:
        name = node.step.agent
        if node.step.kind not in ("llm", "tool") or not name or name not in by_name:
            continue
        nearest = next((other for other in above(node) if other.step.kind == "agent"), None)
        if nearest is None or nearest.step.agent == name:
            continue
        last = bisect_right(starts[name], node.step.start_ns)
        started = by_name[name][max(last - MAX_LEVELS, 0) : last]
        owners = [agent for agent in started if _may_own(agent, node)]
        if owners:
            _move(node, owners[-1])


def _may_own(agent: Node, node: Node) -> bool:
    return agent.step.scope == node.step.scope and is_within(node.step, agent.step)
