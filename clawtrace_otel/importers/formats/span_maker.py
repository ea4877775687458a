"""Spans of recorded runs: what an agent wrote down, under the names of the GenAI conventions.

Ids are hashes of the run and of the record's own id: reading a file again gives the same spans.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clawtrace_otel.ids import SPAN_BYTES, TRACE_BYTES, derived_id
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.normalize import MAX_ERROR_CHARS
from clawtrace_otel.span import Span

OTHER_ERROR = "_OTHER"
"""``error.type`` where the record names no class of error, as OpenTelemetry says."""

TOOL_ERROR = "tool_error"
"""``error.type`` of a tool call that answered with an error, as the MCP conventions say."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The usage of one call as a session states it: the buckets are disjoint.

    A value that is no count is handed on as it is: the normaliser names it and prices nothing.

    Attributes:
        fresh: input tokens without cached ones.
        write_5m, write_1h: of ``cache_write``, by time to live; 0 where that is unknown.
        reasoning: of ``output``.
    """

    fresh: object = 0
    output: object = 0
    cache_read: object = 0
    cache_write: object = 0
    write_5m: object = 0
    write_1h: object = 0
    reasoning: object = 0

    def attributes(self) -> dict[str, object]:
        """The attributes of a span; ``gen_ai.usage.input_tokens`` includes the cached tokens."""
        said: dict[str, object] = {
            a.GEN_AI_USAGE_INPUT_TOKENS: _sum(self.fresh, self.cache_read, self.cache_write),
            a.GEN_AI_USAGE_OUTPUT_TOKENS: self.output or 0,
            a.GEN_AI_USAGE_CACHE_READ: self.cache_read,
            a.GEN_AI_USAGE_CACHE_WRITE: self.cache_write,
            a.ANTHROPIC_CACHE_WRITE_5M: self.write_5m,
            a.ANTHROPIC_CACHE_WRITE_1H: self.write_1h,
            a.GEN_AI_USAGE_REASONING: self.reasoning,
        }
        kept = (a.GEN_AI_USAGE_INPUT_TOKENS, a.GEN_AI_USAGE_OUTPUT_TOKENS)
        return {key: value for key, value in said.items() if value or key in kept}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call or a run failed.

    Attributes:
        kind: the ``error.type``.
        text: what was said, in any length.
    """

    kind: str
    text: str = ""


class SpanMaker:
    """Makes the spans of one trace.

    Args:
        scope: of the spans: the instrumentation that they come from.
        run: what tells the run from all others of the scope.
        service: ``service.name`` of the spans.
        conversation: the conversation id.
        agent: name of the agent that all spans belong to; empty if only the agents' own have one.
    """

    def __init__(
        self, scope: str, run: str, service: str, conversation: str, agent: str = ""
    ) -> None:
        self.scope = scope
        self.service = service
        self.run = run
        self.trace_id = derived_id(TRACE_BYTES, scope, run)
        self.root_id = self.id_of("root")
        self._common = {a.GEN_AI_AGENT_NAME: agent} if agent else {}
        self._common[a.GEN_AI_CONVERSATION_ID] = conversation

    @classmethod
    def of_session(
        cls, kind: str, session: str, service: str, conversation: str = ""
    ) -> "SpanMaker":
        """Makes the spans of a session.

        Args:
            kind: the last part of the scope.
            session: what makes the trace unique among those of its kind.
            service: ``service.name`` of the spans.
            conversation: the conversation id, if it is not ``session``.
        """
        scope = ".".join(("clawtrace", "importers", kind))
        return cls(scope, session, service, conversation or session)

    @property
    def conversation(self) -> str:
        """The conversation id."""
        return self._common[a.GEN_AI_CONVERSATION_ID]

    def id_of(self, *record: str) -> str:
        """A span id from what identifies the record, 16 hex digits."""
        return derived_id(SPAN_BYTES, self.scope, self.run, *record)

    def agent(
        self,
        span_id: str,
        name: str,
        times: tuple[int, int],
        *,
        parent: str = "",
        unrecorded: bool = False,
    ) -> Span:
        """A span ``invoke_agent``.

        Args:
            span_id: its id.
            name: of the agent.
            times: start and end in Unix nanoseconds; an end of 0 means that it is not known.
            parent: span id; empty for the root.
            unrecorded: it called models, of which no record is left.
        """
        said: dict[str, object] = {
            a.GEN_AI_OPERATION_NAME: "invoke_agent",
            a.GEN_AI_AGENT_NAME: name,
        }
        if unrecorded:
            said[a.CLAWTRACE_CALLS_UNRECORDED] = True
        return self.span(span_id, parent, f"invoke_agent {name}", times, said)

    def chat(
        self, span_id: str, parent: str, times: tuple[int, int], said: Mapping[str, object]
    ) -> Span:
        """A span ``chat`` with the attributes ``said``; those without a value are left out."""
        model = said.get(a.GEN_AI_RESPONSE_MODEL) or said.get(a.GEN_AI_REQUEST_MODEL)
        known = {key: value for key, value in said.items() if value not in (None, "", [])}
        attributes = {a.GEN_AI_OPERATION_NAME: "chat", **known}
        name = f"chat {model}" if isinstance(model, str) and model else "chat"
        return self.span(span_id, parent, name, times, attributes)

    def tool(self, span_id: str, parent: str, times: tuple[int, int], call: "ToolCall") -> Span:
        """A span ``execute_tool``."""
        said = {
            a.GEN_AI_TOOL_NAME: call.name,
            a.GEN_AI_TOOL_CALL_ID: call.id,
            a.GEN_AI_TOOL_CALL_ARGUMENTS: call.arguments,
            a.GEN_AI_TOOL_CALL_RESULT: call.result,
            a.CLAWTRACE_TOOL_READ_ONLY: call.read_only,
        }
        known = {key: value for key, value in said.items() if value not in (None, "")}
        attributes = {a.GEN_AI_OPERATION_NAME: "execute_tool", **known}
        return self.span(span_id, parent, f"execute_tool {call.name}", times, attributes)

    def span(
        self,
        span_id: str,
        parent: str,
        name: str,
        times: tuple[int, int],
        attributes: Mapping[str, object],
    ) -> Span:
        """Any span of the trace; a start of 0 is not known, and then its end is taken for it."""
        start, end = times
        return Span(
            trace_id=self.trace_id,
            span_id=span_id,
            parent_id=parent,
            name=name,
            start_ns=min(start, end) if start and end else start or end,
            end_ns=end,
            attributes={**self._common, **attributes},
            scope=self.scope,
            service=self.service,
        )


@dataclass(slots=True)
class ToolCall:
    """A tool call as it is put on a span.

    Attributes:
        id: that of the model; empty if the record has none.
        arguments, result: ``None`` where they were not recorded.
        read_only: what is known of the tool's effect; ``None`` is unknown.
    """

    name: str
    id: str = ""
    arguments: object = None
    result: object = None
    read_only: bool | None = None


def fail(span: Span, failure: Failure | None) -> Span:
    """The span, marked as failed unless ``failure`` is ``None``."""
    if failure is not None:
        span.failed = True
        span.status_message = failure.text[:MAX_ERROR_CHARS]
        span.attributes = {**span.attributes, a.ERROR_TYPE: failure.kind or OTHER_ERROR}
    return span


def answer(parts: Sequence[Mapping[str, object]]) -> list[object]:
    """``gen_ai.output.messages`` of one answer; empty if it has no parts."""
    return [{"role": "assistant", "parts": list(parts)}] if parts else []


def text_part(text: str) -> dict[str, object]:
    """Text of an answer."""
    return {"type": "text", "content": text}


def call_part(call_id: str, name: str, arguments: object) -> dict[str, object]:
    """A tool call of an answer."""
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


REASONING_PART: Mapping[str, object] = {"type": "reasoning", "content": ""}
"""That there was reasoning; nothing looks at its text."""


def _sum(*counts: object) -> object:
    """The sum of counts; the first value that is no count, if there is one."""
    total = 0
    for count in counts:
        if count is None:
            continue
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            return count
        total += count
    return total
