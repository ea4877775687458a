"""Whether two spans, neither inside the other, saw one call or one run of an agent."""

from collections.abc import Hashable

from clawtrace_otel.semconv.log_records import is_placed_by_time, is_record
from clawtrace_otel.semconv.step import Step

MEANWHILE = 0.9
"""What part of the shorter of two spans, at least, was during the other if both saw one call."""

SLACK_NS = 5_000_000
"""How much more of the shorter one may be missing: what instrumentations take before and after."""

MAX_APART_NS = 50_000_000
"""How much earlier one library may see an agent begin, or end, than another."""

MISCOUNTING_SCOPES = ("opentelemetry.instrumentation.anthropic",)
"""Scopes that count one output token too many (Traceloop, the first one of an Anthropic stream),
and are believed last."""


def is_twin(one: Step, other: Step) -> bool:
    """Whether two LLM spans or two tool spans, neither inside the other, saw one call.

    Each has its own instrumentation scope. They tell the same response id; where one knows none
    (OpenInference never does, failed calls have none), they agree in all that they know, and one
    was within the other, or nearly.
    """
    if one.scope == other.scope or one.service != other.service or one.kind != other.kind:
        return False
    if call_id(one) and call_id(other):
        return call_id(one) == call_id(other) and (
            _overlap(one, other) or is_record(one) or is_record(other)
        )
    is_equal = _are_equal_calls if one.kind == "llm" else _are_equal_tool_calls
    return is_equal(one, other) and (
        _is_within(one, other) or _is_within(other, one) or _is_meanwhile(one, other)
    )


def _are_equal_calls(one: Step, other: Step) -> bool:
    is_other_model = _names(one).isdisjoint(_names(other)) and _names(one) and _names(other)
    return not is_other_model and not set(usage_keys(one)).isdisjoint(usage_keys(other))


def _are_equal_tool_calls(one: Step, other: Step) -> bool:
    """Arguments that one of them does not know do not make them two calls."""
    arguments = {one.args_hash, other.args_hash} - {""}
    return one.tool == other.tool and len(arguments) == 1


def call_id(step: Step) -> str:
    """What both sides of a call know it by: the id of the response, or of the tool call."""
    return step.response_id if step.kind == "llm" else step.call_id


def usage_keys(step: Step) -> list[Hashable]:
    """What twins without a response id agree in: at least one of these."""
    return [(step.service, counts, step.error is not None) for counts in _counts(step)]


def used_alike(one: Step, other: Step) -> bool:
    """Whether both state the same input and output tokens, or none."""
    return not set(_counts(one)).isdisjoint(_counts(other))


def _counts(step: Step) -> list[tuple[int, int] | None]:
    """Input and output tokens, as they are told and as they may be."""
    if step.usage is None:
        return [None]
    told = (step.usage.input, step.usage.output)
    less = (step.usage.input, step.usage.output - 1)
    if is_placed_by_time(step):
        # Its span leaves thoughts out.
        less = (step.usage.input, step.usage.output - step.usage.reasoning)
        return [told, less]
    return [told, less] if step.scope in MISCOUNTING_SCOPES else [told]


def _names(step: Step) -> set[str]:
    return {step.model, step.request_model} - {""}


def is_same_run(one: Step, other: Step) -> bool:
    """Whether two agent spans, neither inside the other, saw one run: they began and ended alike.

    Either may be a workflow around the agent, of another name.
    """
    apart = max(abs(one.start_ns - other.start_ns), abs(one.end_ns - other.end_ns))
    longer = max(one.end_ns - one.start_ns, other.end_ns - other.start_ns)
    return (
        one.scope != other.scope
        and one.service == other.service
        and one.end_ns > 0 < other.end_ns
        and apart <= min(max(SLACK_NS, (1 - MEANWHILE) * longer), MAX_APART_NS)
    )


def began_after(inner: Step, outer: Step) -> bool:
    """Whether a span began when the one above it was over."""
    return 0 < outer.end_ns <= inner.start_ns and outer.end_ns < inner.end_ns


def _overlap(one: Step, other: Step) -> bool:
    return one.start_ns <= other.end_ns and other.start_ns <= one.end_ns


def _is_within(inner: Step, outer: Step) -> bool:
    return outer.start_ns <= inner.start_ns and inner.end_ns <= outer.end_ns


def _is_meanwhile(one: Step, other: Step) -> bool:
    """Whether nearly all of the shorter one was during the other.

    Of a stream, one library sees the beginning first and the other the end.
    """
    shared = min(one.end_ns, other.end_ns) - max(one.start_ns, other.start_ns)
    shorter = min(one.end_ns - one.start_ns, other.end_ns - other.start_ns)
    return shared > 0 and shared + SLACK_NS >= MEANWHILE * shorter
