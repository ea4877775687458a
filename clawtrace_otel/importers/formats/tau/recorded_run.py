"""A recorded run of an agent that talks with a user and calls tools, as the spans of a trace.

Benchmarks record messages: who said what, and perhaps when. An LLM call lasts from the message
before it to its answer, a tool call from there to its result. All are children of one root, the
agent. Ids come from the run's own id, so a run has the same ids in whatever file it stands.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from clawtrace_otel.ids import SPAN_BYTES, derived_id
from clawtrace_otel.importers.formats.span_maker import (
    OTHER_ERROR,
    TOOL_ERROR,
    Failure,
    SpanMaker,
    ToolCall,
    answer,
    call_part,
    fail,
    text_part,
)
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.canonical import digest
from clawtrace_otel.span import Span

UNKNOWN_NS = 1_000_000
"""How long a message takes that says no time."""

MIN_NS = 1_000
"""How long a message takes at least, so that steps have an order."""

_MAX_NAME_CHARS = 32


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
        self._spans = SpanMaker(kind, key, service=kind, conversation=session, agent=agent)
        self.trace_id = self._spans.trace_id
        self.agent = agent
        self.start_ns = self.now_ns = start_ns
        self._waiting: dict[str, deque[ToolCall]] = {}
        self._root_id = self._id_of("root")
        self._made = 0

    def pass_time(self, at_ns: int | None) -> int:
        """Go on to a message that was complete at ``at_ns``, and return when it began.

        Time never stands still or goes back; a message without a time takes ``UNKNOWN_NS``.
        """
        start = self.now_ns
        self.now_ns = start + UNKNOWN_NS if at_ns is None else max(at_ns, start + MIN_NS)
        return start

    def answer(
        self, text: str, calls: Sequence[ToolCall], at_ns: int | None, told: Mapping[str, object]
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
        times = (self.pass_time(at_ns), self.now_ns)
        parts = [text_part(text)] if text else []
        parts += [call_part(call.id, call.name, call.arguments) for call in calls]
        said = {a.GEN_AI_OUTPUT_MESSAGES: answer(parts), **told}
        return _at(times, self._spans.chat(self._next_id(), self._root_id, times, said))

    def result(self, call_id: str, text: str, at_ns: int | None, *, failed: bool) -> Span | None:
        """The tool call that has this result; ``None`` if the agent asked for none such."""
        waiting = self._waiting.get(call_id)
        if not waiting:
            return None
        call = waiting.popleft()
        call.result = text
        return fail(self._tool(call, at_ns), Failure(TOOL_ERROR, text) if failed else None)

    def change(self, name: str, at_ns: int | None) -> Span:
        """Something that somebody else did; what the agent's tools see may have changed."""
        times = (self.pass_time(at_ns), self.now_ns)
        said = {a.CLAWTRACE_TOOL_READ_ONLY: False}
        return _at(times, self._spans.span(self._next_id(), self._root_id, name, times, said))

    def unanswered(self) -> Iterator[Span]:
        """The tool calls that have no result: the run ended before."""
        for waiting in self._waiting.values():
            yield from (self._tool(call, None) for call in waiting)
        self._waiting.clear()

    def root(self, name: str, task: str, end_ns: int | None, error: str = "") -> Span:
        """The agent, when all else is done.

        Args:
            name: of the span.
            task: which task the run attempts, the same in all runs of it.
            end_ns: when it ended; ``None`` is when the last message was complete.
            error: why it did not end as it should; empty if it did.
        """
        times = (self.start_ns, max(end_ns or 0, self.now_ns, self.start_ns + MIN_NS))
        span = _at(times, self._spans.agent(self._root_id, self.agent, times))
        span.name = name
        span.attributes = {**span.attributes, a.CLAWTRACE_TASK_ID: task}
        return fail(span, Failure(OTHER_ERROR, error) if error else None)

    def _tool(self, call: ToolCall, at_ns: int | None) -> Span:
        times = (self.pass_time(at_ns), self.now_ns)
        call.arguments = call.arguments or {}
        return _at(times, self._spans.tool(self._next_id(), self._root_id, times, call))

    def _next_id(self) -> str:
        self._made += 1
        return self._id_of(str(self._made))

    def _id_of(self, name: str) -> str:
        return derived_id(SPAN_BYTES, self.trace_id, name)


def _at(times: tuple[int, int], span: Span) -> Span:
    """The span at these times: of a run without times a start of 0 is one that is known."""
    span.start_ns, span.end_ns = times
    return span


def short(text: str) -> str:
    """A name that fits beside others on a card; a long one keeps a hash, to be told from others."""
    if len(text) <= _MAX_NAME_CHARS:
        return text
    return f"{text[: _MAX_NAME_CHARS - 10]}… {digest(text)[:8]}"


def label_of(reward: float | None) -> str:
    """Pass or fail: benchmarks count a run as passed if it got the whole reward."""
    return "" if reward is None else "pass" if reward == 1 else "fail"
