"""Sub-agents of Claude Code: who ran them, and what is known of their calls.

Their own messages are, by version, lines marked ``isSidechain`` in the session's file, ``progress``
lines that quote them (all but the last), files of their own, or nowhere. The result of the tool
call that ran a sub-agent states the usage of its last call alone; its ``totalTokens`` is the size
of the context of that call. Neither is what the sub-agent consumed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from clawtrace_otel.importers.formats.claude_code.calls import Message, chat_span, read_usage
from clawtrace_otel.importers.formats.json_object import mapping, mappings, name_in
from clawtrace_otel.importers.formats.span_maker import SpanMaker, text_part
from clawtrace_otel.span import Span

UNKNOWN_AGENT = "subagent"

AFTER_NS = 1000
"""What a tool call runs begins after it, though only the time of the call is recorded."""

_OWN_PURPOSE = re.compile(r"a([a-z_]{3,})-[0-9a-f]+")
"""Ids of agents that Claude Code runs for itself: ``acompact-…``, ``aprompt_suggestion-…``."""


@dataclass(slots=True)
class Agent:
    """A sub-agent.

    Attributes:
        tool_id: the tool call that ran it.
        told: ``toolUseResult`` of that call.
        start_ns, end_ns: of its calls and of the tool call; 0 if unknown.
        calls: LLM calls that were seen.
        is_quoted: its messages were found in ``progress`` lines.
        last: its last LLM call.
    """

    id: str
    tool_id: str = ""
    name: str = ""
    told: Mapping[str, object] = field(default_factory=dict)
    start_ns: int = 0
    end_ns: int = 0
    calls: int = 0
    is_quoted: bool = False
    last: Message | None = None

    def covers(self, start_ns: int, end_ns: int) -> None:
        """Widen its time."""
        if start_ns:
            self.start_ns = min(self.start_ns or start_ns, start_ns)
        self.end_ns = max(self.end_ns, end_ns)


class Agents:
    """The sub-agents of a session.

    Args:
        spans: makes the session's spans.
    """

    def __init__(self, spans: SpanMaker) -> None:
        self._spans = spans
        self._agents: dict[str, Agent] = {}
        self._by_tool: dict[str, str] = {}

    def of(self, agent: str) -> Agent:
        """A sub-agent by its id."""
        return self._agents.setdefault(agent, Agent(agent))

    def span_id(self, chain: str) -> str:
        """The span of the agent whose context ``chain`` is; the root for the main agent."""
        return self._spans.id_of("agent", chain) if chain else self._spans.root_id

    def ran_by(self, tool_id: str) -> str:
        """The sub-agent that a tool call ran; empty if none is known."""
        return self._by_tool.get(tool_id, "")

    def ran(self, agent: str, tool_id: str, asked: object) -> None:
        """Note which tool call, with which arguments, ran a sub-agent."""
        found = self.of(agent)
        found.tool_id = found.tool_id or tool_id
        self._by_tool[tool_id] = agent
        arguments = mapping(asked)
        found.name = found.name or name_in(arguments, "subagent_type") or name_in(arguments, "name")

    def answered(self, agent: str, told: Mapping[str, object], times: tuple[int, int]) -> None:
        """Note what the result of the tool call that ran a sub-agent says."""
        found = self.of(agent)
        found.told = told
        found.name = name_in(told, "agentType") or found.name
        is_done = told.get("isAsync") is not True
        found.covers(times[0] + AFTER_NS, times[1] if is_done else 0)

    def spans(self) -> Iterator[Span]:
        """The spans of the sub-agents, and of last calls that only the results tell of."""
        for agent in self._agents.values():
            if not agent.calls and not agent.told:
                continue  # all its messages are copies of another session's
            if last := _last_call(agent):
                yield chat_span(self._spans, last, self.span_id(agent.id))
            yield self._span(agent)

    def _span(self, agent: Agent) -> Span:
        tool = self._spans.id_of("tool", agent.tool_id)
        return self._spans.agent(
            self.span_id(agent.id),
            _name(agent),
            (agent.start_ns, agent.end_ns),
            parent=tool if agent.tool_id else self._spans.root_id,
            unrecorded=not agent.calls,
        )


def _last_call(agent: Agent) -> Message | None:
    """The call that ended a sub-agent whose other calls were quoted while it ran."""
    usage, before = agent.told.get("usage"), agent.last
    if not agent.is_quoted or before is None or not isinstance(usage, dict):
        return None
    if before.usage is not None and _input(usage) == _input(before.usage):
        return None
    texts = [text_part(name_in(block, "text")) for block in mappings(agent.told.get("content"))]
    return Message(
        key=f"last {agent.id}",
        chain=agent.id,
        start_ns=before.end_ns,
        end_ns=agent.end_ns,
        model=before.model,
        usage=usage,
        stop_reason="end_turn",
        parts=list(texts),
    )


def _input(usage: Mapping[str, object]) -> tuple[object, ...]:
    tokens = read_usage(usage)
    return tokens.fresh, tokens.cache_read, tokens.cache_write


def _name(agent: Agent) -> str:
    own_purpose = _OWN_PURPOSE.fullmatch(agent.id)
    return agent.name or (own_purpose[1] if own_purpose else UNKNOWN_AGENT)
