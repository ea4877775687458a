"""One session in OpenClaw's telemetry: an orchestrator or a sub-agent, and what it did.

Tool calls come as two events. LLM calls come with the conversation so far, which the next run of
the agent is given; those of the last run, and of sub-agents that run once, are in no record.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from clawtrace_otel.importers.formats.json_object import mapping, mappings, name_in, text_in
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
from clawtrace_otel.semconv.canonical import digest, text_of
from clawtrace_otel.span import Span
from clawtrace_otel.times import time_ns

Json = Mapping[str, object]


@dataclass(slots=True)
class Event:
    """A tool call as its events tell it.

    Attributes:
        span_id: of its span.
        start_ns: when it was read, as far as the file tells; no event has a time of its own.
        duration_ns: 0 while it runs.
    """

    span_id: str
    name: str
    params: object
    start_ns: int
    duration_ns: int = 0
    has_ended: bool = False
    failure: Failure | None = None


@dataclass(slots=True)
class Session:
    """A session.

    Attributes:
        key: its session key.
        spans: makes the spans of its trace.
        span_id: of its agent span.
        parent: the span that ran it; empty for an orchestrator.
        ran_by: the tool call that ran it, if one is known.
        failure: why its last run failed.
        usages: LLM calls that only usage events tell of: their times and attributes.
    """

    key: str
    spans: SpanMaker
    span_id: str
    name: str
    parent: str = ""
    ran_by: Event | None = None
    start_ns: int = 0
    end_ns: int = 0
    failure: Failure | None = None
    usages: list[tuple[tuple[int, int], dict[str, object]]] = field(default_factory=list)
    _events: dict[str, Event] = field(default_factory=dict)
    _running: dict[str, deque[Event]] = field(default_factory=dict)
    _unasked: dict[tuple[str, str], deque[Event]] = field(default_factory=dict)
    _asked: dict[str, tuple[ToolCall, Event | None, int]] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)
    _calls: int = 0

    def covers(self, start_ns: int, end_ns: int) -> None:
        """Widen its time."""
        if start_ns:
            self.start_ns = min(self.start_ns or start_ns, start_ns)
        self.end_ns = max(self.end_ns, start_ns, end_ns)

    def began(self, event: Event) -> None:
        """A tool call began."""
        self._events[event.span_id] = event
        self._running.setdefault(event.name, deque()).append(event)
        key = (event.name, digest(text_of(event.params)))
        self._unasked.setdefault(key, deque()).append(event)

    def ended(self, name: str, duration_ns: int, failure: Failure | None) -> int:
        """The first running call of a tool ended; returns when, 0 if none ran."""
        running = self._running.get(name)
        if not running:
            return 0
        event = running.popleft()
        event.has_ended, event.duration_ns, event.failure = True, duration_ns, failure
        return event.start_ns + duration_ns

    def add_messages(self, messages: Sequence[Json]) -> Iterator[Span]:
        """The calls of a conversation that were not in an earlier copy of it."""
        if messages:
            self.usages.clear()  # they add up what the messages tell call by call
        for number, message in enumerate(messages):
            if message.get("role") == "toolResult":
                yield from self._add_result(message)
            elif is_call(message) and (key := _key(message)) not in self._known:
                self._known.add(key)
                following = messages[number + 1] if number + 1 < len(messages) else {}
                yield self._add_call(key, message, following)

    def finish(self) -> Iterator[Span]:
        """What no copy of the conversation holds, and the agent's own span."""
        self._begin_after(self.ran_by)
        for number, (times, said) in enumerate(self.usages):
            self._calls += 1
            span_id = self.spans.id_of("usage", self.key, str(number))
            yield self._seen(self.spans.chat(span_id, self.span_id, times, said))
        unrecorded = (bool(self._events) and not self.usages) or not self._calls
        for event in self._events.values():
            call = ToolCall(event.name, "", event.params, None, READ_ONLY.get(event.name))
            end = event.start_ns + event.duration_ns if event.has_ended else 0
            yield self._tool(event.span_id, call, (event.start_ns, end), event.failure)
        for call, _, start in self._asked.values():
            yield self._tool(self.spans.id_of("tool", call.id), call, (start, 0), None)
        times = (self.start_ns, self.end_ns)
        agent = self.spans.agent(
            self.span_id, self.name, times, parent=self.parent, unrecorded=unrecorded
        )
        yield fail(agent, self.failure)

    def _add_call(self, key: str, message: Json, following: Json) -> Span:
        start = time_ns(message.get("timestamp"))
        asked = [self._ask(block) for block in tool_calls(message)]
        end = _end_of(start, following, asked)
        self._asked |= {call.id: (call, event, end) for call, event in asked}
        self._calls += 1
        said, span_id = chat_attributes(message), self.spans.id_of("message", self.key, key)
        span = self.spans.chat(span_id, self.span_id, (start, end), said)
        return self._seen(fail(span, failure_of(message)))

    def _ask(self, block: Json) -> tuple[ToolCall, Event | None]:
        name, arguments = name_in(block, "name"), block.get("arguments")
        call = ToolCall(name, name_in(block, "id"), arguments, None, READ_ONLY.get(name))
        unasked = self._unasked.get((name, digest(text_of(arguments))))
        event = unasked.popleft() if unasked else None
        if event is not None:
            del self._events[event.span_id]
        return call, event

    def _add_result(self, message: Json) -> Iterator[Span]:
        asked = self._asked.pop(name_in(message, "toolCallId"), None)
        if asked is None:
            return
        call, event, start = asked
        call.result = message.get("content")
        end = time_ns(message.get("timestamp")) or start
        if event is not None and event.duration_ns:
            event.start_ns = start = max(end - event.duration_ns, start)
        failed = message.get("isError") is True
        failure = Failure(TOOL_ERROR, text_in(call.result)) if failed else None
        if event is not None:
            yield self._tool(event.span_id, call, (start, end), failure or event.failure)
        else:
            yield self._tool(self.spans.id_of("tool", call.id), call, (start, end), failure)

    def _begin_after(self, tool: Event | None) -> None:
        """Move all that has no time of its own behind the call that ran the agent."""
        shift = tool.start_ns + 1 - self.start_ns if tool is not None else 0
        if shift > 0 and not self._known:
            self.start_ns, self.end_ns = self.start_ns + shift, self.end_ns + shift
            for event in self._events.values():
                event.start_ns += shift

    def _tool(
        self, span_id: str, call: ToolCall, times: tuple[int, int], failure: Failure | None
    ) -> Span:
        return self._seen(fail(self.spans.tool(span_id, self.span_id, times, call), failure))

    def _seen(self, span: Span) -> Span:
        self.covers(span.start_ns, span.end_ns)
        return span


def messages_in(event: Json) -> list[dict[str, object]]:
    """The conversation that an event carries."""
    return mappings(event.get("messages"))


def usage_attributes(event: Json) -> dict[str, object]:
    """The attributes of the calls that a usage event tells of."""
    cost = event.get("costUsd")
    usage = {"input": "inputTokens", "output": "outputTokens", "cacheRead": "cacheTokens"}
    message = {
        "provider": event.get("provider"),
        "model": event.get("model"),
        "usage": {**{key: event.get(name) for key, name in usage.items()}, "cost": {"total": cost}},
    }
    return chat_attributes(mapping(message))


def _end_of(start: int, following: Json, asked: Sequence[tuple[ToolCall, Event | None]]) -> int:
    """When an answer was complete: when the tool began whose result follows; else unknown."""
    if following.get("role") != "toolResult":
        return start
    wanted = name_in(following, "toolCallId")
    event = next((event for call, event in asked if call.id == wanted), None)
    if event is None or not event.duration_ns:
        return start
    return max(time_ns(following.get("timestamp")) - event.duration_ns, start)


def _key(message: Json) -> str:
    said = name_in(message, "responseId")
    usage = message.get("usage")
    return said or digest(text_of([message.get("timestamp"), usage, message.get("content")]))
