"""The spans of a trace as a tree: each once, in time order, whatever way they came in.

Nothing here recurses: traces can be as deep as they are long.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from clawtrace_otel.semconv.step import Step, encode_step
from clawtrace_otel.tracecard.adoption import adopt
from clawtrace_otel.tracecard.inner_agents import add_inner_agents
from clawtrace_otel.tracecard.node import Node

STEP_KINDS = frozenset({"llm", "tool", "agent"})
"""The kinds of spans that become steps of a card."""


@dataclass(slots=True)
class Tree:
    """A trace.

    Attributes:
        nodes: in time order.
        downward: parents before their children.
    """

    nodes: list[Node]
    downward: list[Node]


def build_tree(steps: Iterable[Step]) -> Tree:
    """The tree of the spans of one trace.

    Spans that were delivered more than once are taken once. A span whose parent is missing, or
    which is its own ancestor, becomes a root.
    """
    nodes = [Node(step) for step in sorted(unique(steps), key=time_order)]
    by_id = {node.step.span_id: node for node in nodes}
    for node in nodes:
        parent = by_id.get(node.step.parent_id)
        node.parent = parent if parent is not node else None
    adopt(nodes, by_id)
    if agents := add_inner_agents(nodes):
        added = set(agents)
        nodes = sorted([*nodes, *agents], key=lambda node: _agents_first(node, added))
    for node in nodes:
        if node.parent is not None:
            node.parent.children.append(node)
    downward = list(_downward(nodes))
    for node in downward:
        _inherit(node)
    return Tree(nodes, downward)


def unique(steps: Iterable[Step]) -> list[Step]:
    """One step a span id. Of several, the one that ended last, whatever order they came in."""
    chosen: dict[str, Step] = {}
    for step in steps:
        other = chosen.get(step.span_id)
        if other is None or (step != other and _preference(step) > _preference(other)):
            chosen[step.span_id] = step
    return list(chosen.values())


def prefers(step: Step, other: Step) -> bool:
    """Whether ``step`` takes the place of ``other``, which has the same span id."""
    return unique([other, step])[0] is step


def _preference(step: Step) -> tuple[int, int, bytes]:
    data = encode_step(step)
    return step.end_ns, len(data), data


def time_order(step: Step) -> tuple[int, int, str]:
    """Sort key: by start; of spans that start together the longest, likely the parent, first."""
    return step.start_ns, -step.end_ns, step.span_id


def _agents_first(node: Node, agents: Set[Node]) -> tuple[int, int, bool, str]:
    """As :func:`time_order`; an agent that was added comes before what it did all its time."""
    start, end, span_id = time_order(node.step)
    return start, end, node not in agents, span_id


def _downward(nodes: list[Node]) -> Iterator[Node]:
    reached: set[str] = set()
    roots = [node for node in nodes if node.parent is None]
    yield from _walk(roots, reached)
    for node in nodes:
        if node.step.span_id not in reached:
            # Only cycles are left: the earliest of each is taken for its root.
            if node.parent is not None:
                node.parent.children.remove(node)
                node.parent = None
            yield from _walk([node], reached)


def _walk(roots: list[Node], reached: set[str]) -> Iterator[Node]:
    waiting = deque(roots)
    while waiting:
        node = waiting.popleft()
        reached.add(node.step.span_id)
        yield node
        waiting.extend(node.children)


def _inherit(node: Node) -> None:
    above = node.parent
    if above is None:
        return
    node.agent = above if above.step.kind == "agent" else above.agent
    node.above = above if above.step.kind in STEP_KINDS else above.above
