"""Whether what a sub-agent answered was used: a heuristic.

Of the telling words that its last answer brought (those that its task did not hold already), it
says how many come up in what the agent above said or passed to tools from then on.
"""

from collections.abc import Iterable, Mapping

from clawtrace_otel.semconv.words import Words, used_share
from clawtrace_otel.tracecard.items import Item

MAX_LATER = 64
"""Answers and arguments of the agent above that are looked at, the last ones."""


def output_used(items: Iterable[Item]) -> Mapping[Item, float]:
    """Sub-agent -> how much of its answer was used, from 0 to 1; where nothing can be said, none.

    Args:
        items: in time order, with their agents and issuers.
    """
    items = list(items)
    answers: dict[Item, Item] = {}
    said: dict[Item | None, list[Item]] = {}
    for item in items:
        if item.step.kind == "agent" or not item.step.words:
            continue
        said.setdefault(item.agent, []).append(item)
        if item.agent is not None and item.step.does == "final_reply":
            answers[item.agent] = item
    found = {
        agent: _used(agent, answer, said.get(agent.agent, []))
        for agent, answer in answers.items()
        if agent.by is not None
    }
    return {agent: share for agent, share in found.items() if share is not None}


def _used(agent: Item, answer: Item, above: list[Item]) -> float | None:
    task: Iterable[Words] = [agent.by.step.words] if agent.by is not None else []
    later = [item.step.words for item in above[-MAX_LATER:] if item.n > answer.n]
    return used_share(answer.step.words, task, later) if later else None
