"""A recorded run of an agent that talks with a user and calls tools, as the spans of a trace.

Benchmarks record messages: who said what, and perhaps when. An LLM call lasts from the message
before it to its answer, a tool call from there to its result. All are children of one root, the
agent. Ids come from the run's own id, so a run has the same ids in whatever file it stands.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.canonical import digest, text_of
from clawtrace_otel.span import Span

UNKNOWN_NS = 1_000_000
"""How long a message takes that says no time."""

MIN_NS = 1_000
"""How long a message takes at least, so that steps have an order."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_NAME_CHARS = 32


@dataclass(slots=True)
class ToolCall:
    """A tool call that a model asked for."""

    id: str
    tool: str
    arguments: object


class RecordedRun:
    """Makes the spans of one run.

    Args:
        kind: the format; also the spans' instrumentation scope and service.
        key: what tells this run from all others of the format.
        agent: name of the agent.
        session: conversation id.
        start_ns: Unix nanoseconds.
    """

    def __init__(self, kind: str, key: str, agent: str, session: str, start_ns: int = 0) -> None:
        self.trace_id = _hash(f"{kind}\0{key}", 16)
        self.kind = kind
        self.agent = agent
        self.session = session
        self.start_ns = self.now_ns = start_ns
        self._waiting: dict[str, deque[ToolCall]] = {}
        self._spans = 0

    def pass_time(self, at_ns: int | None) -> int:
        """Go on to a message that was complete at ``at_ns``, and return when it began.

        Time never stands still or goes back; a message without a time takes ``UNKNOWN_NS``.
        """
        start = self.now_ns
        self.now_ns = start + UNKNOWN_NS if at_ns is None else max(at_ns, start + MIN_NS)
        return start

    def answer(
        self, text: str, calls: list[ToolCall], at_ns: int | None, told: Mapping[str, object]
    ) -> Span:
        """An LLM call.

        Args:
            text: what the model said.
            calls: the tool calls that it asked for; their results are expected.
            at_ns: when it was complete.
            told: further attributes.
        """
        for call in calls:
            self._waiting.setdefault(call.id, deque()).append(call)
        start = self.pass_time(at_ns)
        model = told.get(a.GEN_AI_RESPONSE_MODEL) or told.get(a.GEN_AI_REQUEST_MODEL) or ""
        messages = text_of([{"role": "assistant", "parts": _parts(text, calls)}])
        attributes = {
            a.GEN_AI_OPERATION_NAME: "chat",
            a.GEN_AI_OUTPUT_MESSAGES: messages,
            **told,
        }
        return self._span(f"chat {model}".strip(), start, attributes)

    def result(self, call_id: str, text: str, at_ns: int | None, *, failed: bool) -> Span | None:
        """The tool call that has this result; ``None`` if the agent asked for none such."""
        waiting = self._waiting.get(call_id)
        if not waiting:
            return None
        call = waiting.popleft()
        span = self._tool(call, self.pass_time(at_ns))
        span.attributes = {**span.attributes, a.GEN_AI_TOOL_CALL_RESULT: text}
        if failed:
            span.failed, span.status_message = True, text
        return span

    def change(self, name: str, at_ns: int | None) -> Span:
        """Something that somebody else did, and that may have changed what the agent's tools see."""
        attributes = {a.CLAWTRACE_TOOL_READ_ONLY: False}
        return self._span(name, self.pass_time(at_ns), attributes)

    def unanswered(self) -> Iterator[Span]:
        """The tool calls that have no result: the run ended before."""
        for waiting in self._waiting.values():
            yield from (self._tool(call, self.pass_time(None)) for call in waiting)
        self._waiting.clear()

    def root(self, name: str, end_ns: int | None, error: str = "") -> Span:
        """The agent, when all else is done."""
        end_ns = max(end_ns or 0, self.now_ns, self.start_ns + MIN_NS)
        attributes = {a.GEN_AI_OPERATION_NAME: "invoke_agent"}
        span = self._span(name, self.start_ns, attributes, end_ns)
        span.span_id, span.parent_id = self._id_of("root"), ""
        span.failed, span.status_message = bool(error), error
        return span

    def _tool(self, call: ToolCall, start_ns: int) -> Span:
        attributes = {
            a.GEN_AI_OPERATION_NAME: "execute_tool",
            a.GEN_AI_TOOL_NAME: call.tool,
            a.GEN_AI_TOOL_CALL_ID: call.id,
            a.GEN_AI_TOOL_CALL_ARGUMENTS: text_of(call.arguments or {}),
        }
        return self._span(f"execute_tool {call.tool}", start_ns, attributes)

    def _span(
        self, name: str, start_ns: int, attributes: Mapping[str, object], end_ns: int | None = None
    ) -> Span:
        self._spans += 1
        return Span(
            trace_id=self.trace_id,
            span_id=self._id_of(str(self._spans)),
            parent_id=self._id_of("root"),
            name=name,
            start_ns=start_ns,
            end_ns=self.now_ns if end_ns is None else end_ns,
            attributes={
                a.GEN_AI_AGENT_NAME: self.agent,
                a.GEN_AI_CONVERSATION_ID: self.session,
                **attributes,
            },
            scope=self.kind,
            service=self.kind,
        )

    def _id_of(self, name: str) -> str:
        return _hash(f"{self.trace_id}\0{name}", 8)


def nanoseconds(text: str) -> int | None:
    """A time in ISO 8601 as Unix nanoseconds, UTC if it names no zone; ``None`` if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    microseconds = (moment - _EPOCH) // _MICROSECOND
    return microseconds * 1000 if microseconds >= 0 else None


def short(text: str) -> str:
    """A name that fits beside others on a card; a long one keeps a hash, to be told from others."""
    if len(text) <= _MAX_NAME_CHARS:
        return text
    return f"{text[: _MAX_NAME_CHARS - 10]}… {digest(text)[:8]}"


def label_of(reward: float | None) -> str:
    """Pass or fail: benchmarks count a run as passed if it got the whole reward."""
    return "" if reward is None else "pass" if reward == 1 else "fail"


def _parts(text: str, calls: list[ToolCall]) -> list[dict[str, object]]:
    texts: list[dict[str, object]] = [{"type": "text", "content": text}] if text else []
    return texts + [
        {"type": "tool_call", "id": call.id, "name": call.tool, "arguments": call.arguments}
        for call in calls
    ]


def _hash(text: str, size: int) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()
