"""The entries of one pi session, in order, become spans.

Entries form a tree (``parentId``): whoever goes back in a conversation starts a branch. All
branches are in the file, and all were paid for.
"""

from collections.abc import Iterator, Mapping, MutableSet

from clawtrace_otel.importers.formats.json_object import mapping, name_in, text_in
from clawtrace_otel.importers.formats.openclaw.messages import (
    READ_ONLY,
    chat_attributes,
    failure_of,
    is_call,
    tool_calls,
)
from clawtrace_otel.importers.formats.span_maker import (
    TOOL_ERROR,
    Failure,
    SpanMaker,
    ToolCall,
    fail,
)
from clawtrace_otel.importers.importer import TraceEnd
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.canonical import digest, text_of
from clawtrace_otel.span import Span
from clawtrace_otel.times import time_ns

Json = Mapping[str, object]

IGNORED_TYPES = frozenset(
    {
        "custom",
        "custom_message",
        "label",
        "leaf",
        "model_change",
        "session",
        "session_info",
        "thinking_level_change",
    }
)
"""Types of entries that say nothing of calls."""

KNOWN_TYPES = IGNORED_TYPES | {"branch_summary", "compaction", "message"}


class PiReader:
    """Reads the entries of one session.

    Args:
        spans: makes the session's spans.
        agent: name of the main agent.
        counted: what the calls of earlier sessions are told by; it is added to.
    """

    def __init__(self, spans: SpanMaker, agent: str, counted: MutableSet[str]) -> None:
        self._spans = spans
        self._agent = agent
        self._counted = counted
        self._open: dict[str, tuple[str, ToolCall, int, Failure | None]] = {}
        self._compacted = False
        self._failure: Failure | None = None
        self._last_ns = 0
        self._start_ns = 0
        self._end_ns = 0

    def add(self, entry: Json) -> Iterator[Span]:
        """The spans that are complete with one more entry."""
        kind = entry.get("type")
        if kind == "compaction":
            self._compacted = True
        if kind != "message":
            return
        message = mapping(entry.get("message"))
        end = time_ns(entry.get("timestamp")) or time_ns(message.get("timestamp")) or self._last_ns
        if is_call(message):
            yield from self._add_call(entry, message, end)
        elif message.get("role") == "toolResult":
            yield from self._add_result(message, time_ns(message.get("timestamp")) or end)
        self._last_ns = end

    def finish(self) -> Iterator[Span | TraceEnd]:
        """The spans that were still open, the root and the end of the trace; for no calls none."""
        if not self._end_ns:
            return
        yield from self._close_tools(0)
        times = (self._start_ns, self._end_ns)
        yield fail(self._spans.agent(self._spans.root_id, self._agent, times), self._failure)
        yield TraceEnd(self._spans.trace_id)

    def _add_call(self, entry: Json, message: Json, end: int) -> Iterator[Span]:
        key = _key(entry, message)
        compacted, self._compacted = self._compacted, False
        if key in self._counted:  # a copy of what the session that was forked has
            return
        self._counted.add(key)
        start = time_ns(message.get("timestamp")) or self._last_ns or end
        yield from self._close_tools(start)
        said = chat_attributes(message)
        if compacted:
            said[a.GEN_AI_CONVERSATION_COMPACTED] = True
        failure = self._failure = failure_of(message)
        span = self._spans.chat(
            self._spans.id_of("message", key), self._spans.root_id, (start, end), said
        )
        yield self._seen(fail(span, failure))
        for number, block in enumerate(tool_calls(message)):
            call_id, name = name_in(block, "id"), name_in(block, "name")
            call = ToolCall(name, call_id, block.get("arguments"), None, READ_ONLY.get(name))
            place = f"{key} {number}"
            # A nanosecond each keeps the calls of one answer in their order.
            self._open[call_id or place] = (place, call, end + number, failure)

    def _add_result(self, message: Json, end: int) -> Iterator[Span]:
        asked = self._open.pop(name_in(message, "toolCallId"), None)
        if asked is None:
            return
        place, call, start, _ = asked
        call.result = message.get("content")
        failed = message.get("isError") is True
        failure = Failure(TOOL_ERROR, text_in(call.result)) if failed else None
        yield self._tool(place, call, (start, end), failure)

    def _close_tools(self, end: int) -> Iterator[Span]:
        """Calls that nothing answered; those of an answer that was broken off never ran."""
        for place, call, start, failure in self._open.values():
            ran_until = start if failure else max(end, start) if end else 0
            yield self._tool(place, call, (start, ran_until), failure)
        self._open.clear()

    def _tool(
        self, place: str, call: ToolCall, times: tuple[int, int], failure: Failure | None
    ) -> Span:
        span_id = self._spans.id_of("tool", place)
        return self._seen(
            fail(self._spans.tool(span_id, self._spans.root_id, times, call), failure)
        )

    def _seen(self, span: Span) -> Span:
        if span.start_ns:
            self._start_ns = min(self._start_ns or span.start_ns, span.start_ns)
        self._end_ns = max(self._end_ns, span.end_ns, span.start_ns, 1)
        return span


def _key(entry: Json, message: Json) -> str:
    """What a call is told by: the same in the file of a session and in those forked from it."""
    said = (entry.get("id"), entry.get("timestamp"), message.get("timestamp"))
    content = message.get("content") if not any(said) else None
    return digest(text_of([*said, name_in(message, "responseId"), message.get("usage"), content]))
