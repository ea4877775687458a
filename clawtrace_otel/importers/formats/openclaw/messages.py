"""Messages of the pi agent, which OpenClaw embeds: what a call used, what it answered.

An assistant message states its usage with cached tokens beside ``input``, and its cost in USD. Its
own ``timestamp`` is when the call began; the entry that holds it was written when it had ended.
"""

from collections.abc import Mapping

from clawtrace_otel.importers.formats.json_object import mapping, mappings, name_in
from clawtrace_otel.importers.formats.span_maker import (
    REASONING_PART,
    Failure,
    Tokens,
    answer,
    call_part,
    text_part,
)
from clawtrace_otel.semconv import attributes as a

Json = Mapping[str, object]

READ_ONLY = {
    **dict.fromkeys(("read", "grep", "find", "ls", "web_fetch", "web_search"), True),
    **dict.fromkeys(("edit", "write", "apply_patch"), False),
}
"""The tools that pi and OpenClaw bring, as far as they always, or never, leave all as it is."""

_NO_MODELS = frozenset({"delivery-mirror", "gateway-injected"})
"""What OpenClaw puts down as the model of text that no model wrote."""

_FAILED = frozenset({"error", "aborted"})


def is_call(message: Json) -> bool:
    """Whether a message is the answer of a model."""
    if message.get("role") != "assistant":
        return False
    return name_in(message, "model") not in _NO_MODELS


def chat_attributes(message: Json) -> dict[str, object]:
    """The attributes of the call that an assistant message answers."""
    reason = name_in(message, "stopReason")
    said: dict[str, object] = {
        a.GEN_AI_PROVIDER_NAME: name_in(message, "provider"),
        a.GEN_AI_RESPONSE_MODEL: name_in(message, "responseModel") or name_in(message, "model"),
        a.GEN_AI_REQUEST_MODEL: name_in(message, "model"),
        a.GEN_AI_RESPONSE_ID: name_in(message, "responseId"),
        a.GEN_AI_RESPONSE_FINISH_REASONS: [reason] if reason else [],
        a.GEN_AI_OUTPUT_MESSAGES: answer(_parts(message)),
    }
    usage = message.get("usage")
    if isinstance(usage, dict):
        said |= read_usage(usage).attributes()
        said[a.GEN_AI_USAGE_COST_AMOUNT] = mapping(usage.get("cost")).get("total")
    return said


def read_usage(usage: Json) -> Tokens:
    """The tokens of a ``usage`` object."""
    return Tokens(
        fresh=usage.get("input") or 0,
        output=usage.get("output") or 0,
        cache_read=usage.get("cacheRead") or 0,
        cache_write=usage.get("cacheWrite") or 0,
    )


def failure_of(message: Json) -> Failure | None:
    """Why a call failed, or was aborted; ``None`` if it was not."""
    reason = name_in(message, "stopReason")
    if reason not in _FAILED:
        return None
    return Failure(reason, name_in(message, "errorMessage"))


def tool_calls(message: Json) -> list[dict[str, object]]:
    """The tool calls that an assistant message asks for."""
    return [b for b in mappings(message.get("content")) if b.get("type") == "toolCall"]


def _parts(message: Json) -> list[Json]:
    content = message.get("content")
    if isinstance(content, str):
        return [text_part(content)]
    return [part for block in mappings(content) if (part := _part(block)) is not None]


def _part(block: Json) -> Json | None:
    kind = block.get("type")
    if kind == "text":
        return text_part(name_in(block, "text"))
    if kind == "thinking":
        return REASONING_PART
    if kind == "toolCall":
        return call_part(name_in(block, "id"), name_in(block, "name"), block.get("arguments"))
    return None
