"""One session of Claude Code: its records, in order, become spans."""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass

from clawtrace_otel.importers.formats.claude_code.agents import Agents
from clawtrace_otel.importers.formats.claude_code.calls import (
    Message,
    blocks_of,
    chat_span,
    key_of,
)
from clawtrace_otel.importers.formats.claude_code.files import SessionFile
from clawtrace_otel.importers.formats.claude_code.records import (
    COMPACTIONS,
    IGNORED_TYPES,
    api_error,
    is_no_call,
)
from clawtrace_otel.importers.formats.claude_code.tools import Tools
from clawtrace_otel.importers.formats.json_lines import read_json_lines
from clawtrace_otel.importers.formats.json_object import mapping, name_in, text_in
from clawtrace_otel.importers.formats.span_maker import Failure, SpanMaker, fail
from clawtrace_otel.importers.importer import Problem, Record, TraceEnd
from clawtrace_otel.span import Span
from clawtrace_otel.times import time_ns

AGENT_NAME = "claude-code"

MAX_OPEN_MESSAGES = 32
"""Messages whose lines may still be coming in; sub-agents run side by side."""

Json = Mapping[str, object]


@dataclass(slots=True)
class Chain:
    """The context of one agent, as far as it has been read.

    Attributes:
        last_ns: time of the last thing that the next call was given.
        compacted: the context was compacted since the last call.
        failure: the API error that it ended with so far.
    """

    last_ns: int = 0
    compacted: bool = False
    failure: Failure | None = None


class SessionReader:
    """Reads the files of one session.

    Args:
        session: its id.
        counted: keys of the messages of earlier sessions of the project; it is added to.
        own_files: ids of the sub-agents that have files of their own.
    """

    def __init__(self, session: str, counted: set[str], own_files: Set[str] = frozenset()) -> None:
        self._spans = SpanMaker.of_session("claude_code", session, AGENT_NAME)
        self._counted = counted
        self._own_files = own_files
        self._agents = Agents(self._spans)
        self._tools = Tools(self._spans)
        self._chains: dict[str, Chain] = {}
        self._open: dict[str, Message] = {}
        self._chain_of: dict[str, str] = {}
        self._agent_of_file = ""
        self._start_ns = 0
        self._end_ns = 0

    def read(self, file: SessionFile) -> Iterator[Record]:
        """The spans that are complete when a file has been read."""
        self._agent_of_file = file.agent
        unknown: set[str] = set()
        for line in read_json_lines(file.path):
            if isinstance(line, Problem):
                yield line
                continue
            number, record = line
            kind = name_in(mapping(record), "type")
            if (handle := _HANDLERS.get(kind)) is not None:
                yield from map(self._seen, handle(self, mapping(record)))
            elif kind not in IGNORED_TYPES and kind not in unknown:
                unknown.add(kind)
                yield Problem(file.path, number, f"records of unknown type {kind!r} are ignored")

    def finish(self) -> Iterator[Record]:
        """The spans that were still open, the root and the end of the trace; for no calls none."""
        yield from map(self._seen, self._flush(list(self._open)))
        yield from map(self._seen, self._tools.unanswered(self._agents.span_id))
        if not self._end_ns:
            return
        yield from map(self._seen, self._agents.spans())
        root_id, times = self._spans.root_id, (self._start_ns, self._end_ns)
        yield fail(self._spans.agent(root_id, AGENT_NAME, times), self._chain("").failure)
        yield TraceEnd(self._spans.trace_id)

    def _seen(self, span: Span) -> Span:
        if span.start_ns:
            self._start_ns = min(self._start_ns or span.start_ns, span.start_ns)
        self._end_ns = max(self._end_ns, span.end_ns, span.start_ns, 1)
        return span

    def _assistant(self, record: Json) -> Iterator[Span]:
        yield from self._add_message(record, self._chain_key(record))

    def _add_message(self, record: Json, chain: str) -> Iterator[Span]:
        context, time = self._chain(chain), self._time(record, chain)
        if is_no_call(record):
            context.failure = api_error(record) or context.failure
            context.last_ns = time
            return
        key = key_of(record) or name_in(record, "uuid")
        message = self._open.get(key)
        if message is None:
            if key in self._counted:  # a copy of what another file, or another session, has
                self._tools.skip(blocks_of(record))
                context.compacted = False
                return
            yield from self._flush([k for k, m in self._open.items() if m.chain == chain])
            yield from self._flush(list(self._open)[: -MAX_OPEN_MESSAGES + 1])
            message = self._begin(key, chain, context, time)
        message.add(record, time)
        for number, block in enumerate(blocks_of(record)):
            if block.get("type") != "tool_use" or self._tools.begin(block, chain, time + number):
                message.add_block(block)
        context.last_ns = time

    def _begin(self, key: str, chain: str, context: Chain, time: int) -> Message:
        message = Message(key, chain, context.last_ns or time, compacted=context.compacted)
        context.compacted, context.failure = False, None
        self._open[key] = message
        self._counted.add(key)
        return message

    def _user(self, record: Json) -> Iterator[Span]:
        yield from self._add_input(record, self._chain_key(record))

    def _add_input(self, record: Json, chain: str) -> Iterator[Span]:
        context, time = self._chain(chain), self._time(record, chain)
        context.last_ns = time
        if record.get("isCompactSummary") is True:
            context.compacted = True
        told = mapping(record.get("toolUseResult"))
        for block in blocks_of(record):
            if block.get("type") == "tool_result":
                yield from self._add_result(block, told, time)

    def _add_result(self, block: Json, told: Json, time: int) -> Iterator[Span]:
        tool_id = name_in(block, "tool_use_id")
        call = self._tools.end(tool_id)
        if call is None:
            return
        if "agentId" in told or "totalTokens" in told:
            agent = self._agents.ran_by(tool_id) or name_in(told, "agentId") or tool_id
            self._agents.ran(agent, tool_id, call.arguments)
            self._agents.answered(agent, told, (call.start_ns, time))
        yield self._tools.span(call, self._agents.span_id(call.chain), block, time)

    def _progress(self, record: Json) -> Iterator[Span]:
        """A line that quotes a message of a sub-agent; other progress says nothing of calls."""
        data = mapping(record.get("data"))
        agent, quoted = name_in(data, "agentId"), mapping(data.get("message"))
        if not agent or agent in self._own_files:
            return
        tool_id = name_in(record, "parentToolUseID")
        if (call := self._tools.running(tool_id)) is not None:
            self._agents.ran(agent, tool_id, call.arguments)
        self._agents.of(agent).is_quoted = True
        if quoted.get("type") == "assistant":
            yield from self._add_message(quoted, agent)
        elif quoted.get("type") == "user":
            yield from self._add_input(quoted, agent)

    def _system(self, record: Json) -> Iterator[Span]:
        if record.get("subtype") in COMPACTIONS:
            self._chain(self._chain_key(record)).compacted = True
        return iter(())

    def _attachment(self, record: Json) -> Iterator[Span]:
        """What Claude Code put into the context itself."""
        chain = self._chain_key(record)
        self._chain(chain).last_ns = self._time(record, chain)
        return iter(())

    def _chain(self, key: str) -> Chain:
        return self._chains.setdefault(key, Chain())

    def _chain_key(self, record: Json) -> str:
        """The sub-agent that a record belongs to; empty for the main agent."""
        if self._agent_of_file:
            return self._agent_of_file
        if record.get("isSidechain") is not True:
            return ""
        return name_in(record, "agentId") or self._side_chain(record)

    def _side_chain(self, record: Json) -> str:
        """Older versions name no agent: the first record of a side chain stands for it."""
        own = name_in(record, "uuid") or "side chain"
        chain = self._chain_of.get(name_in(record, "parentUuid"))
        if chain is None:
            chain = own
            prompt = text_in(mapping(record.get("message")).get("content"))
            if (call := self._tools.asked_to(prompt)) is not None:
                self._agents.ran(chain, call.id, call.arguments)
        self._chain_of[own] = chain
        return chain

    def _time(self, record: Json, chain: str) -> int:
        return time_ns(record.get("timestamp")) or self._chain(chain).last_ns

    def _flush(self, keys: list[str]) -> Iterator[Span]:
        for key in keys:
            message = self._open.pop(key)
            if message.chain:
                agent = self._agents.of(message.chain)
                agent.calls += 1
                agent.last = message
                agent.covers(message.start_ns, message.end_ns)
            yield chat_span(self._spans, message, self._agents.span_id(message.chain))


_HANDLERS: dict[str, Callable[[SessionReader, Json], Iterator[Span]]] = {
    "assistant": SessionReader._assistant,
    "user": SessionReader._user,
    "progress": SessionReader._progress,
    "system": SessionReader._system,
    "attachment": SessionReader._attachment,
}
