"""A span of any dialect becomes a step."""

from collections.abc import Callable, Mapping

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.canonical import digest, loads, text_of
from clawtrace_otel.semconv.dialects import BY_KIND, FIELDS, PREFIXES, REQUEST_PARAMETERS, Kind
from clawtrace_otel.semconv.messages import (
    flattened,
    make_call,
    read_output,
    request_hash,
)
from clawtrace_otel.semconv.step import Evaluation, Step
from clawtrace_otel.semconv.usage import InvalidValueError, read_cost, read_usage
from clawtrace_otel.span import Event, Span

MAX_NAME_CHARS = 120
MAX_ERROR_CHARS = 240

FRAMEWORKS = frozenset({"strands-agents", "langgraph", "langchain", "gcp.vertex.agent", "litellm"})
"""Names that are written where a provider belongs. The provider is then told by the model."""

Found = dict[str, object]
"""The fields of a step that a span has, by name, as it carries them."""


def normalize(span: Span) -> Step:
    """Read one span.

    Never raises: values of the wrong type are left out, and token counts or costs that make no
    sense are named in ``Step.invalid``.

    Args:
        span: a span with at least the attributes that ``dialects.is_read`` accepts.
    """
    kind = kind_of(span.attributes)
    found = _find(span.attributes, kind)
    step = Step(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        kind=kind,
        name=span.name[:MAX_NAME_CHARS],
        service=span.service[:MAX_NAME_CHARS],
        scope=span.scope[:MAX_NAME_CHARS],
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        session=_string(found.get("session")),
        agent=_string(found.get("agent")),
    )
    _READERS[kind](step, span, found)
    step.error = _error(span, found)
    step.evaluations = tuple(
        read_evaluation(event.attributes, span.end_ns)
        for event in span.events
        if event.name == a.GEN_AI_EVALUATION_RESULT
    )
    return step


def kind_of(attributes: Mapping[str, object]) -> Kind:
    """What a span is, by the most trusted dialect that says so."""
    for dialect in BY_KIND:
        value = attributes.get(dialect.kind_key or "")
        kind = dialect.kinds.get(value) if isinstance(value, str) else None
        if kind is None:
            continue
        if kind == "agent" and dialect.agent_is_named and not _named(attributes):
            return "workflow"
        return kind
    is_mcp_call = attributes.get(a.MCP_METHOD_NAME) == "tools/call"
    return "tool" if is_mcp_call and a.GEN_AI_TOOL_NAME in attributes else "span"


def read_evaluation(attributes: Mapping[str, object], time_ns: int) -> Evaluation:
    """A ``gen_ai.evaluation.result`` event or log record."""
    score = attributes.get(a.GEN_AI_EVALUATION_SCORE_VALUE)
    number = score if isinstance(score, int | float) and not isinstance(score, bool) else None
    return Evaluation(
        name=_string(attributes.get(a.GEN_AI_EVALUATION_NAME)),
        score=None if number is None or number != number else float(number),
        label=_string(attributes.get(a.GEN_AI_EVALUATION_SCORE_LABEL)),
        explanation=_string(attributes.get(a.GEN_AI_EVALUATION_EXPLANATION), MAX_ERROR_CHARS),
        time_ns=time_ns,
    )


def _find(attributes: Mapping[str, object], kind: Kind) -> Found:
    found: Found = {}
    for name, keys in FIELDS[kind].items():
        for key in keys:
            value = flattened(attributes, key) if key in PREFIXES else attributes.get(key)
            if value is not None and value != {} and value != "":
                found[name] = value
                break
    return found


def _read_llm(step: Step, span: Span, found: Found) -> None:
    _read_model(step, found)
    step.response_id = _string(found.get("response_id"))
    output = read_output(found.get("output_messages"))
    step.does = output.does(text_of(found.get("finish_reasons", "")))
    step.calls = tuple(output.calls)
    if "output_messages" in found:
        step.output_hash = digest(text_of(found["output_messages"]))
    parameters = [span.attributes.get(key) for key in REQUEST_PARAMETERS]
    model = step.request_model or step.model
    step.request_hash = request_hash(model, found.get("input_messages"), parameters)
    step.read_only_tools = _read_only_tools(found.get("tool_definitions"))


def _read_tool(step: Step, span: Span, found: Found) -> None:
    step.tool = _string(found.get("tool")) or step.name
    call = make_call(found.get("call_id"), step.tool, found.get("arguments"))
    step.call_id = "" if call.id == "<not specified>" else call.id[:MAX_NAME_CHARS]
    step.args, step.args_hash = call.args, call.args_hash
    if "result" in found and found["result"] != "__REDACTED__":
        result = text_of(found["result"])
        step.result_hash, step.result_size = digest(result), len(result)
    read_only = span.attributes.get(a.CLAWTRACE_TOOL_READ_ONLY)
    step.read_only = read_only if isinstance(read_only, bool) else None


def _read_agent(step: Step, span: Span, found: Found) -> None:
    _read_model(step, found)
    step.agent = step.agent or _string(span.attributes.get(a.GEN_AI_WORKFLOW_NAME)) or step.name


def _read_nothing(step: Step, span: Span, found: Found) -> None:
    """Spans that are no steps only hold the tree together."""


_READERS: dict[Kind, Callable[[Step, Span, Found], None]] = {
    "llm": _read_llm,
    "tool": _read_tool,
    "agent": _read_agent,
    "workflow": _read_agent,
    "span": _read_nothing,
}


def _read_model(step: Step, found: Found) -> None:
    provider = _string(found.get("provider")).lower()
    step.provider = "" if provider in FRAMEWORKS else provider
    step.request_model = _string(found.get("request_model")) or _requested(found.get("parameters"))
    step.model = _string(found.get("model"))
    step.tier = _string(found.get("tier")).lower()
    try:
        step.usage = read_usage(found)
        step.supplied = read_cost(found)
    except InvalidValueError:
        step.invalid = _first_invalid(found)


def _first_invalid(found: Found) -> str:
    for name in ("input_tokens", "output_tokens", "cache_read", "cache_write", "reasoning"):
        try:
            read_usage({"input_tokens": found.get(name)})
        except InvalidValueError:
            return f"{name}={text_of(found[name])[:40]}"
    return "cost=" + text_of(found.get("cost"))[:40]


def _requested(parameters: object) -> str:
    """The model in OpenInference's invocation parameters: all that a failed call has."""
    value = loads(parameters) if isinstance(parameters, str) else parameters
    return _string(value.get("model")) if isinstance(value, Mapping) else ""


def _read_only_tools(definitions: object) -> tuple[str, ...]:
    """Tools whose definition carries MCP's ``readOnlyHint``."""
    if not definitions or "readOnlyHint" not in text_of(definitions):
        return ()
    listed = loads(definitions) if isinstance(definitions, str) else definitions
    tools = (
        [tool for tool in listed if isinstance(tool, Mapping)] if isinstance(listed, list) else []
    )
    return tuple(
        _string(tool.get("name"))
        for tool in tools
        if isinstance(hints := tool.get("annotations"), Mapping)
        and hints.get("readOnlyHint") is True
    )


def _named(attributes: Mapping[str, object]) -> bool:
    return any(attributes.get(key) for key in FIELDS["agent"]["agent"])


def _error(span: Span, found: Found) -> str | None:
    if not span.failed and "error_type" not in found:
        return None
    exception = next((e for e in reversed(span.events) if e.name == a.EXCEPTION_EVENT), None)
    text = span.status_message or (_exception_text(exception) if exception else "")
    return (text or _string(found.get("error_type")) or "error")[:MAX_ERROR_CHARS]


def _exception_text(event: Event) -> str:
    kind = _string(event.attributes.get(a.EXCEPTION_TYPE))
    message = _string(event.attributes.get(a.EXCEPTION_MESSAGE), MAX_ERROR_CHARS)
    return f"{kind}: {message}" if kind and message else kind or message


def _string(value: object, limit: int = MAX_NAME_CHARS) -> str:
    return value[:limit] if isinstance(value, str) else ""
