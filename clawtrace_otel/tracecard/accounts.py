"""What a span says that the calls beside it used goes to those calls, once.

OpenClaw's ``openclaw.model.usage`` stands beside the calls of a turn and adds them up. Where the
calls tell their own tokens it says nothing new.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from clawtrace_otel.tracecard.node import Node
from clawtrace_otel.tracecard.same_call import Seen
from clawtrace_otel.tracecard.tree import Tree

_TURNS = frozenset({"agent", "workflow"})


@dataclass(slots=True)
class Settled:
    """The calls of a trace, after its accounts.

    Attributes:
        calls: with what the accounts told of them; and each account that stands for calls.
        accounted: spans of calls that were priced together, and have no price of their own.
    """

    calls: list[Seen]
    accounted: set[Node] = field(default_factory=set)


def settle_accounts(tree: Tree, calls: list[Seen]) -> Settled:
    """Give each account to the calls of its turn that ended before it did.

    An account with one call is that call seen once more. One without is a call itself. One with
    several keeps its price for itself, as a sum.
    """
    accounts = [node for node in tree.nodes if node.step.kind == "account"]
    settled = Settled(list(calls))
    if not accounts:
        return settled
    waiting: dict[Node | None, deque[Seen]] = {}
    for seen in sorted(calls, key=lambda seen: seen.node.step.end_ns):
        if seen.node.step.kind == "llm":
            waiting.setdefault(_turn(seen.node), deque()).append(seen)
    for account in sorted(accounts, key=lambda node: node.step.end_ns):
        turn = waiting.get(_turn(account), deque())
        mine = []
        while turn and turn[0].node.step.end_ns <= account.step.end_ns:
            mine.append(turn.popleft())
        _settle(settled, account, mine)
    return settled


def _settle(settled: Settled, account: Node, calls: list[Seen]) -> None:
    answered = [seen for seen in calls if seen.step().error is None]
    untold = [seen for seen in answered if seen.step().usage is None]
    if len(untold) < len(answered):
        account.step = msgspec.structs.replace(account.step, kind="span", usage=None, supplied=None)
        return
    if len(untold) == 1:
        untold[0].nodes.append(account)
        return
    account.step = msgspec.structs.replace(account.step, kind="workflow" if untold else "llm")
    settled.calls.append(Seen([account]))
    settled.accounted.update(node for seen in untold for node in seen.nodes)


def _turn(node: Node) -> Node | None:
    """The run that a span is a part of; the root if nothing above it is one."""
    for above in _above(node):
        if above.step.kind in _TURNS or above.parent is None:
            return above
    return None


def _above(node: Node) -> Iterable[Node]:
    above = node.parent
    while above is not None:
        yield above
        above = above.parent
