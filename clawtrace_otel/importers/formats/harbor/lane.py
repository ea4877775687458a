"""The calls of one agent, one after the other, as spans."""

from collections.abc import Iterator

from clawtrace_otel.importers.formats.harbor.usage import usage_of
from clawtrace_otel.importers.formats.json_object import JsonObject, text_in
from clawtrace_otel.importers.formats.span_maker import (
    REASONING_PART,
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
from clawtrace_otel.span import Span
from clawtrace_otel.times import iso_ns

UNKNOWN_NS = 1_000_000
"""How long a call takes whose end is not recorded."""

MIN_NS = 1_000
"""How long a call takes at least, so that steps have an order."""

_FAILED = ("tool_result_is_error", "is_error")
"""Where agents say in ``extra`` that a result is an error; ATIF has no place for it."""


class Lane:
    """An agent.

    Args:
        spans: makes the spans of its trace.
        span_id: of its own span.
        key: tells its spans from those of other agents of the trace.
        guess_ns: when it began, if none of its steps has a time.

    Attributes:
        name: of the agent.
        model: that is meant where a step names none.
        totals: attributes of what all its calls used; they count where no call says so itself.
        start_ns: when it began.
        now_ns: when what was read last was complete.
    """

    def __init__(self, spans: SpanMaker, span_id: str, key: str = "", guess_ns: int = 0) -> None:
        self._spans = spans
        self._key = key
        self._made = 0
        self._compacted = False
        self._has_begun = False
        self.span_id = span_id
        self.start_ns = self.now_ns = guess_ns
        self.name = self.model = ""
        self.totals: dict[str, object] = {}

    def begin(self, at_ns: int) -> None:
        """Say when it began, unless that is known; 0 is unknown."""
        if at_ns and not self._has_begun:
            self._has_begun = True
            self.start_ns = self.now_ns = at_ns

    def pass_time(self, at: str) -> int:
        """Go on to a step that says this time, and return when it began."""
        at_ns = iso_ns(at) if at else None
        self.begin(at_ns or 0)
        start = self.now_ns
        self.now_ns = start + UNKNOWN_NS if at_ns is None else max(at_ns, start + MIN_NS)
        return start

    def told_to_forget(self) -> None:
        """The context was replaced by a summary; the next call says so."""
        self._compacted = True

    def call(self, step: JsonObject) -> Span:
        """The LLM call of a step."""
        times = self.pass_time(step.text("timestamp")), self.now_ns
        said = {
            **model_attributes(step.text("model_name") or self.model),
            **usage_of(step.object("metrics"), self.name),
            a.GEN_AI_CONVERSATION_COMPACTED: self._compacted or None,
            a.GEN_AI_OUTPUT_MESSAGES: answer(_parts(step)),
        }
        self._compacted = False
        return _at(times, self._spans.chat(self._next_id(), self.span_id, times, said))

    def tools(self, step: JsonObject) -> Iterator[tuple[Span, JsonObject]]:
        """The tool calls of a step, each with the result that answers it.

        A result that names no call is that of the last call that has none: agents which type into
        a terminal see what it shows after all of them.
        """
        waiting = step.object("observation").objects("results")
        by_id = {id_: r for r in waiting if (id_ := r.text("source_call_id"))}
        nameless = [r for r in waiting if not r.text("source_call_id")]
        calls = step.objects("tool_calls")
        open_calls = [c.text("tool_call_id") for c in calls if c.text("tool_call_id") not in by_id]
        if nameless and open_calls:
            by_id[open_calls[-1]] = nameless[-1]
        none = JsonObject(step.where, {}, step.problems)
        for call in calls:
            result = by_id.pop(call.text("tool_call_id"), none)
            yield self._tool(call, result), result
        for left in by_id:
            step.problems.append(f"{step.where}: a result of a call that nobody made: {left}")

    def _tool(self, call: JsonObject, result: JsonObject) -> Span:
        times = self.pass_time(""), self.now_ns
        content = result.value.get("content")
        made = ToolCall(
            call.text("function_name"),
            call.text("tool_call_id"),
            call.object("arguments").value,
            text_in(content) if content is not None else None,
        )
        extra = result.object("extra").value
        failure = Failure(TOOL_ERROR, text_in(content))
        is_failed = any(extra.get(key) is True for key in _FAILED)
        span = self._spans.tool(self._next_id(), self.span_id, times, made)
        return fail(_at(times, span), failure if is_failed else None)

    def agent(self, parent: str, *, unrecorded: bool = False) -> Span:
        """The agent's own span, when all else is done."""
        times = self.start_ns, max(self.now_ns, self.start_ns + MIN_NS)
        name = self.name or "agent"
        made = self._spans.agent(self.span_id, name, times, parent=parent, unrecorded=unrecorded)
        known = {key: value for key, value in self.totals.items() if value is not None}
        if known:
            made.attributes = {**made.attributes, **model_attributes(self.model), **known}
        return _at(times, made)

    def _next_id(self) -> str:
        self._made += 1
        return self._spans.id_of(self._key, str(self._made))


def _parts(step: JsonObject) -> list[dict[str, object]]:
    message = text_in(step.value.get("message"))
    parts = [text_part(message)] if message else []
    if step.text("reasoning_content"):
        parts.insert(0, dict(REASONING_PART))
    return parts + [
        call_part(c.text("tool_call_id"), c.text("function_name"), c.object("arguments").value)
        for c in step.objects("tool_calls")
    ]


def model_attributes(model: str) -> dict[str, object]:
    """The model, and the provider that Harbor's users put before it."""
    if not model:
        return {}
    provider, _, name = model.partition("/")
    if not name or "/" in name:
        return {a.GEN_AI_REQUEST_MODEL: model}
    return {a.GEN_AI_PROVIDER_NAME: provider, a.GEN_AI_REQUEST_MODEL: name}


def _at(times: tuple[int, int], span: Span) -> Span:
    """The span at these times: of a run without times a start of 0 is one that is known."""
    span.start_ns, span.end_ns = times
    return span
