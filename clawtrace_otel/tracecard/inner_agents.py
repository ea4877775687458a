"""Tool calls that call models: what runs in them is a sub-agent, also where no span says so.

Claude Code's ``Task``, a tool of the Vercel AI SDK that calls ``generateText``, a tool that
summarises what it found: each has a prompt of its own, which must not be taken for the caller's.
"""

from collections.abc import Sequence

from clawtrace_otel.ids import SPAN_BYTES, derived_id
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.adoption import above
from clawtrace_otel.tracecard.node import Node


def add_inner_agents(nodes: Sequence[Node]) -> list[Node]:
    """Put an agent between each tool call and the model calls right below it.

    Args:
        nodes: with their parents but without their children.

    Returns:
        The agents. Each lasts from the first thing that it did to the end of its tool call, and has
        the name that the call gives it, or that of the tool.
    """
    callers = (_tool_that_calls(node) for node in nodes)
    below: dict[Node, list[Node]] = {tool: [] for tool in callers if tool is not None}
    for node in nodes if below else ():
        if node.parent in below and not _is_same_call(node.step, node.parent.step):
            below[node.parent].append(node)
    agents = []
    for tool, inner in below.items():
        agent = Node(_agent(tool, [node.step for node in inner]), parent=tool)
        for node in inner:
            node.parent = agent
        agents.append(agent)
    return agents


def _tool_that_calls(node: Node) -> Node | None:
    """The tool call that a model call is a part of, if it is in no agent within that."""
    if node.step.kind != "llm":
        return None
    holder = next((a for a in above(node) if a.step.kind in ("tool", "agent")), None)
    return holder if holder is not None and holder.step.kind == "tool" else None


def _is_same_call(inner: Step, tool: Step) -> bool:
    """Whether a span below a tool call is that call, seen once more."""
    if inner.kind != "tool":
        return False
    if inner.call_id and tool.call_id:
        return inner.call_id == tool.call_id
    return inner.tool == tool.tool and inner.scope != tool.scope


def _agent(node: Node, inner: Sequence[Step]) -> Step:
    tool = node.step
    return Step(
        trace_id=tool.trace_id,
        span_id=derived_id(SPAN_BYTES, tool.trace_id, tool.span_id, "agent"),
        parent_id=tool.span_id,
        kind="agent",
        name=tool.name,
        service=tool.service,
        scope=tool.scope,
        start_ns=min((step.start_ns for step in inner), default=tool.start_ns),
        end_ns=max([tool.end_ns, *(step.end_ns for step in inner)]) if tool.end_ns else 0,
        agent=_name(node),
    )


def _name(node: Node) -> str:
    """Of the agent, by the outermost of the spans of its tool call."""
    tools = [node.step]
    for outer in above(node):
        if outer.step.kind != "tool" or not _is_same_call(tools[-1], outer.step):
            break
        tools.append(outer.step)
    named = (tool.agent for tool in reversed(tools) if tool.agent)
    return next(named, tools[-1].tool)
