"""A span of any dialect becomes a step."""

import math
from collections.abc import Callable, Mapping

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.canonical import REDACTED, digest, parsed, text_of
from clawtrace_otel.semconv.dialects import (
    ANSWERS,
    BY_KIND,
    EVENTS,
    FAILURES,
    FIELDS,
    PREFIXES,
    REQUEST_PARAMETERS,
    Fields,
    Keys,
    Kind,
)
from clawtrace_otel.semconv.dialects.vercel_ai_sdk import API_SUFFIXES
from clawtrace_otel.semconv.messages import (
    flattened,
    make_call,
    name_of,
    read_output,
    request_hash,
)
from clawtrace_otel.semconv.shells import is_result_of, read_result
from clawtrace_otel.semconv.step import Evaluation, Step
from clawtrace_otel.semconv.usage import InvalidValueError, read_cost, read_usage
from clawtrace_otel.semconv.words import words_of
from clawtrace_otel.span import Event, Span

MAX_ERROR_CHARS = 8192
"""Of errors and explanations; what is kept is cut further, once secrets in it are masked."""

FRAMEWORKS = frozenset(
    {
        "strands-agents",
        "langgraph",
        "langchain",
        "gcp.vertex.agent",
        "litellm",
        "gateway",  # Vercel's; its models name the vendor, `openai/gpt-5`
        "microsoft.agent_framework",
    }
)
"""Names that are written where a provider belongs. They are passed over."""

ENDS_ALIKE = frozenset({"gcp.gemini", "gcp.gen_ai", "gcp.vertex_ai", "gemini", "google"})
"""Providers whose answers end with ``stop``, whether they are a reply or ask for a tool."""

_NOT_ASKED = frozenset({"id", "created_at", "completed_at"})
"""Of a response, but among the parameters of its request in OpenInference."""

_ABSENT: tuple[object, ...] = (None, "", {}, REDACTED)
_MCP_CALL = "tools/call"
_READ_ONLY_HINT = "readOnlyHint"
_LANGCHAIN_AGENT = "lc_agent_name"

Found = dict[str, object]
"""The fields of a step that a span has, by name, as it carries them."""


def normalize(span: Span) -> Step:
    """Read one span.

    Never raises: values of the wrong type are left out, and token counts or costs that make no
    sense are named in ``Step.invalid``.

    Args:
        span: a span with at least the attributes that ``dialects.is_read`` accepts.
    """
    kind, owner = kind_of(span), _langchain_agent(span.attributes)
    if kind == "span" and owner and owner == span.name:
        kind = "agent"
    if kind == "span" and is_result_of(span.name, span.attributes.get(a.LANGFUSE_OUTPUT)):
        kind = "tool"  # of LangChain, before Langfuse's callback said so
    found = find_fields(span, kind)
    step = Step(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        kind=kind,
        name=name_of(span.name),
        service=name_of(span.service),
        scope=name_of(span.scope),
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        error=_error(span, found),
        session=name_of(found.get("session")),
        task=name_of(span.attributes.get(a.CLAWTRACE_TASK_ID)),
        run=name_of(span.attributes.get(a.CLAWTRACE_RUN_ID)),
        agent=name_of(found.get("agent")) or owner,
        links=tuple(span.links) if not span.parent_id else (),
    )
    _READERS[kind](step, span, found)
    step.evaluations = tuple(
        read_evaluation(event.attributes, span.end_ns)
        for event in span.events
        if event.name == a.GEN_AI_EVALUATION_RESULT
    )
    return step


def kind_of(span: Span) -> Kind:
    """What a span is, by the most trusted dialect that says so."""
    kind = _kind_by_dialects(span)
    return "span" if kind == "llm" and _only_asks(span) else kind


def _only_asks(span: Span) -> bool:
    """Whether another span tells what was answered."""
    return not span.failed and any(
        _is_of(span, scopes) and not any(key in span.attributes for key in keys)
        for scopes, keys in ANSWERS
    )


def _kind_by_dialects(span: Span) -> Kind:
    attributes = span.attributes
    for dialect in BY_KIND:
        value = attributes.get(dialect.kind_key)
        kind = dialect.kinds.get(value) if isinstance(value, str) else None
        if kind is None and dialect.names and _is_of(span, dialect.scopes):
            kind = dialect.names.get(span.name)
        if kind is None and dialect.marks:
            kind = next((k for key, k in dialect.marks.items() if key in attributes), None)
        if kind is not None:
            return kind if _named(attributes, kind) else dialect.unnamed.get(kind, kind)
    is_call = a.GEN_AI_TOOL_CALL_ID in attributes or attributes.get(a.MCP_METHOD_NAME) == _MCP_CALL
    return "tool" if is_call and a.GEN_AI_TOOL_NAME in attributes else "span"


def read_evaluation(attributes: Mapping[str, object], time_ns: int) -> Evaluation:
    """A ``gen_ai.evaluation.result`` event or log record."""
    return Evaluation(
        name=name_of(attributes.get(a.GEN_AI_EVALUATION_NAME)),
        score=_score(attributes.get(a.GEN_AI_EVALUATION_SCORE_VALUE)),
        label=name_of(attributes.get(a.GEN_AI_EVALUATION_SCORE_LABEL)),
        explanation=name_of(attributes.get(a.GEN_AI_EVALUATION_EXPLANATION), MAX_ERROR_CHARS),
        time_ns=time_ns,
    )


def _score(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _is_of(span: Span, scopes: tuple[str, ...]) -> bool:
    return not scopes or span.scope.startswith(scopes)


def find_fields(span: Span, kind: Kind) -> Found:
    """The fields of a step that a span of some kind has, by name."""
    found = _first_of(span.attributes, FIELDS[kind])
    for scopes, name, fields in EVENTS if span.events else ():
        for event in span.events:
            if event.name == name and _is_of(span, scopes):
                found = _first_of(event.attributes, fields) | found
    return found


def _first_of(attributes: Mapping[str, object], fields: Fields) -> Found:
    found: Found = {}
    for name, keys in fields.items():
        for key in keys:
            value = flattened(attributes, key) if key in PREFIXES else attributes.get(key)
            if value not in _ABSENT:
                found[name] = value
                break
    return found


def _read_llm(step: Step, span: Span, found: Found) -> None:
    asked = _asked(span.attributes, found)
    _read_model(step, span, found)
    step.tier = step.tier or name_of(asked.get("service_tier")).lower()
    model = asked.get("model") or asked.get("model_name")
    step.request_model = step.request_model or name_of(model)
    step.start_ns = _begin(step, found.get("seconds"))
    step.response_id = name_of(found.get("response_id"))
    output = read_output(found.get("output_messages"), found.get("output_calls"))
    reasons = "" if step.provider in ENDS_ALIKE else text_of(found.get("finish_reasons", ""))
    step.does = output.does(reasons)
    step.calls = tuple(output.calls)
    step.output_hash = output.hash()
    step.words = words_of([*output.texts, *(call.args for call in output.calls)])
    step.compacted = span.attributes.get(a.GEN_AI_CONVERSATION_COMPACTED) is True
    model = step.request_model or step.model
    step.request_hash = request_hash(model, found.get("input_messages"), asked)
    step.read_only_tools = _read_only_tools(found.get("tool_definitions"))


def _begin(step: Step, seconds: object) -> int:
    """When a call began that is told by a log without a length, which says how long it took."""
    if step.start_ns != step.end_ns or not isinstance(seconds, float) or not 0 < seconds < 1e5:
        return step.start_ns
    return max(step.end_ns - round(seconds * 1e9), 0)


def _asked(attributes: Mapping[str, object], found: Found) -> Found:
    """The parameters of a request."""
    asked = {key: attributes[key] for key in REQUEST_PARAMETERS if key in attributes}
    told = parsed(found.get("parameters"))
    if isinstance(told, Mapping):
        asked.update((key, value) for key, value in told.items() if key not in _NOT_ASKED)
    elif told is not None:
        asked[""] = told
    return asked


def _read_tool(step: Step, span: Span, found: Found) -> None:
    step.tool = name_of(found.get("tool")) or step.name
    call = make_call(found.get("call_id"), step.tool, found.get("arguments"))
    result = read_result(found.get("result", ""))
    step.call_id = call.id or name_of(result.call_id)
    step.args, step.args_hash, step.args_size = call.args, call.args_hash, call.args_size
    if result.text:
        step.result_hash = digest(result.text)
        step.result_size = len(result.text.encode("utf-8", "replace"))
    if step.error is None and (result.failed or (result.error and not _has_status(span))):
        step.error = name_of(result.error or result.text, MAX_ERROR_CHARS) or "error"
    step.words = words_of([call.args])
    _read_effect(step, span, found)


def _read_agent(step: Step, span: Span, found: Found) -> None:
    _read_model(step, span, found)
    step.agent = step.agent or name_of(span.attributes.get(a.GEN_AI_WORKFLOW_NAME)) or step.name
    step.unrecorded = span.attributes.get(a.CLAWTRACE_CALLS_UNRECORDED) is True


def _read_effect(step: Step, span: Span, found: Found) -> None:  # noqa: ARG001 - as the others
    """Spans that are no steps hold the tree together, and may say that something was changed."""
    read_only = span.attributes.get(a.CLAWTRACE_TOOL_READ_ONLY)
    step.read_only = read_only if isinstance(read_only, bool) else None


_READERS: dict[Kind, Callable[[Step, Span, Found], None]] = {
    "llm": _read_llm,
    "account": _read_llm,
    "tool": _read_tool,
    "agent": _read_agent,
    "workflow": _read_agent,
    "span": _read_effect,
}


def _read_model(step: Step, span: Span, found: Found) -> None:
    step.provider = _provider(span.attributes, step.kind)
    step.request_model = name_of(found.get("request_model"))
    step.model = name_of(found.get("model"))
    step.tier = name_of(found.get("tier")).lower()
    try:
        step.supplied = read_cost(found)
    except InvalidValueError as e:
        step.invalid = str(e)
    try:
        step.usage = read_usage(found)
    except InvalidValueError as e:
        step.invalid = str(e)


def _provider(attributes: Mapping[str, object], kind: Kind) -> str:
    names = (name_of(attributes.get(key)).lower() for key in FIELDS[kind]["provider"])
    name = next((name for name in names if name and name not in FRAMEWORKS), "")
    return next((name.removesuffix(s) for s in API_SUFFIXES if name.endswith(s)), name)


def _read_only_tools(definitions: object) -> tuple[str, ...]:
    """Tools whose definition carries MCP's ``readOnlyHint``."""
    if not definitions or _READ_ONLY_HINT not in text_of(definitions):
        return ()
    tools = parsed(definitions)
    return tuple(
        name_of(tool.get("name"))
        for tool in (tools if isinstance(tools, list) else ())
        if isinstance(tool, Mapping)
        and isinstance(hints := tool.get("annotations"), Mapping)
        and hints.get(_READ_ONLY_HINT) is True
    )


_CALL_IDS: Mapping[Kind, Keys] = {"tool": FIELDS["tool"]["call_id"]}


def _named(attributes: Mapping[str, object], kind: Kind) -> bool:
    """Whether an agent or a tool says its name, or a tool its call; the other kinds have none."""
    keys = FIELDS[kind].get(kind, ())
    return any(attributes.get(key) for key in (*keys, *_CALL_IDS.get(kind, ())))


def _langchain_agent(attributes: Mapping[str, object]) -> str:
    """The agent that a span of LangChain belongs to.

    OpenInference has it in the metadata alone; the agent itself is a chain of that name, as it is
    in LangSmith.
    """
    if named := name_of(attributes.get(a.LANGSMITH_AGENT_NAME)):
        return named
    metadata = attributes.get(a.OI_METADATA)
    if not isinstance(metadata, str) or _LANGCHAIN_AGENT not in metadata:
        return ""
    told = parsed(metadata)
    return name_of(told.get(_LANGCHAIN_AGENT)) if isinstance(told, Mapping) else ""


def _error(span: Span, found: Found) -> str | None:
    if not span.failed and "error_type" not in found and not _says_failed(span.attributes):
        return None
    exception = next((e for e in reversed(span.events) if e.name == a.EXCEPTION_EVENT), None)
    text = span.status_message or (_exception_text(exception) if exception else "")
    said = text or found.get("error_text") or found.get("error_type")
    return name_of(said, MAX_ERROR_CHARS) or "error"


def _says_failed(attributes: Mapping[str, object]) -> bool:
    return any(
        key in attributes and str(attributes[key]).lower() in values
        for key, values in FAILURES.items()
    )


def _has_status(span: Span) -> bool:
    """Whether the sender says whether the call failed; then the result is not asked."""
    return any(key in span.attributes for key in FAILURES)


def _exception_text(exception: Event) -> str:
    kind = name_of(exception.attributes.get(a.EXCEPTION_TYPE))
    message = name_of(exception.attributes.get(a.EXCEPTION_MESSAGE), MAX_ERROR_CHARS)
    return f"{kind}: {message}" if kind and message else kind or message
