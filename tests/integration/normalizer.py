"""What the Collector's ``gen_ai_normalizer`` adds to spans, as statements of ``transform``.

Source: processor/genainormalizerprocessor of opentelemetry-collector-contrib, its tables for
OpenInference and OpenLLMetry, with ``remove_originals: false`` and ``overwrite: false``. An
attribute that is there already stays; of several that are mapped to one, the first one wins.

Its messages are not in the tables: it puts OpenInference's attributes of each message together as
JSON, which ``transform`` cannot. :func:`with_messages` does that before the spans are sent.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.integration.running import Config

PROCESSOR = "gen_ai_normalizer"
"""Its name in a configuration; a Collector without it has :func:`transform`."""

NORMALIZE: Config = {PROCESSOR: {"sources": [{"name": "openinference"}, {"name": "openllmetry"}]}}
"""The processor itself."""

OPERATION = "gen_ai.operation.name"
FINISH_REASONS = "gen_ai.response.finish_reasons"

NAMES: tuple[tuple[str, str], ...] = (
    # OpenInference
    ("llm.token_count.prompt", "gen_ai.usage.input_tokens"),
    ("llm.token_count.completion", "gen_ai.usage.output_tokens"),
    ("llm.model_name", "gen_ai.request.model"),
    ("llm.provider", "gen_ai.provider.name"),
    ("llm.input_messages", "gen_ai.input.messages"),
    ("llm.output_messages", "gen_ai.output.messages"),
    ("embedding.model_name", "gen_ai.request.model"),
    ("tool.name", "gen_ai.tool.name"),
    ("tool.description", "gen_ai.tool.description"),
    ("tool_call.function.arguments", "gen_ai.tool.call.arguments"),
    ("tool_call.id", "gen_ai.tool.call.id"),
    ("reranker.model_name", "gen_ai.request.model"),
    ("agent.name", "gen_ai.agent.name"),
    ("session.id", "gen_ai.conversation.id"),
    # OpenLLMetry
    ("llm.usage.prompt_tokens", "gen_ai.usage.input_tokens"),
    ("llm.usage.completion_tokens", "gen_ai.usage.output_tokens"),
    ("llm.request.model", "gen_ai.request.model"),
    ("llm.response.model", "gen_ai.response.model"),
    ("llm.request.max_tokens", "gen_ai.request.max_tokens"),
    ("llm.request.temperature", "gen_ai.request.temperature"),
    ("llm.request.top_p", "gen_ai.request.top_p"),
    ("llm.top_k", "gen_ai.request.top_k"),
    ("llm.frequency_penalty", "gen_ai.request.frequency_penalty"),
    ("llm.presence_penalty", "gen_ai.request.presence_penalty"),
    ("llm.chat.stop_sequences", "gen_ai.request.stop_sequences"),
    ("llm.request.functions", "gen_ai.tool.definitions"),
    ("llm.response.finish_reason", FINISH_REASONS),
    ("llm.response.stop_reason", FINISH_REASONS),
    ("traceloop.entity.name", "gen_ai.agent.name"),
    ("traceloop.entity.input", "gen_ai.input.messages"),
    ("traceloop.entity.output", "gen_ai.output.messages"),
)
"""Source and target."""

OPERATIONS: Mapping[str, Mapping[str, str]] = {
    "openinference.span.kind": {
        "llm": "chat",
        "embedding": "embeddings",
        "chain": "invoke_agent",
        "retriever": "retrieval",
        "reranker": "retrieval",
        "tool": "execute_tool",
        "agent": "invoke_agent",
        "prompt": "text_completion",
    },
    "llm.request.type": {
        "completion": "text_completion",
        "chat": "chat",
        "rerank": "retrieval",
        "embedding": "embeddings",
    },
    "traceloop.span.kind": {
        "workflow": "invoke_workflow",
        "task": "invoke_agent",
        "agent": "invoke_agent",
        "tool": "execute_tool",
    },
}
"""Source -> its value, in lower case -> the operation. Any other value is taken as it is."""


def transform() -> Config:
    """The processor ``transform`` with all of that, for spans and for their events."""
    # A group each: statements of one group all run for what the narrowest of them is about.
    groups = [{"statements": list(_statements(holder))} for holder in ("span", "spanevent")]
    return {"transform": {"error_mode": "propagate", "trace_statements": groups}}


def _statements(holder: str) -> Iterator[str]:
    for source, values in OPERATIONS.items():
        at = f'{holder}.attributes["{source}"]'
        for value, operation in values.items():
            yield _set(
                holder, OPERATION, f'"{operation}"', f'ConvertCase({at}, "lower") == "{value}"'
            )
        yield _set(holder, OPERATION, at, f"{at} != nil")
    for source, target in NAMES:
        at = f'{holder}.attributes["{source}"]'
        yield _set(holder, target, f"[{at}]" if target == FINISH_REASONS else at, f"{at} != nil")


def _set(holder: str, target: str, value: str, where: str) -> str:
    at = f'{holder}.attributes["{target}"]'
    if "ConvertCase" in where:
        where = f"{where.split('(')[1].split(',')[0]} != nil and {where}"
    return f"set({at}, {value}) where {at} == nil and {where}"


Message = dict[str, Any]

_MESSAGE = re.compile(r"llm\.(input|output)_messages\.(\d+)\.message\.(.+)")
_CALL = re.compile(r"tool_calls\.(\d+)\.tool_call\.(id|function\.name|function\.arguments)")


def with_messages(request: bytes) -> bytes:
    """An export request whose OpenInference messages are there as JSON, too."""
    made = ExportTraceServiceRequest.FromString(request)
    for resource in made.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                _add_messages(span)
    return made.SerializeToString()


def _add_messages(span: Span) -> None:
    known = {item.key for item in span.attributes}
    found: dict[str, dict[int, dict[str, str]]] = {}
    for item in span.attributes:
        if match := _MESSAGE.fullmatch(item.key):
            way, n, field = match.groups()
            found.setdefault(way, {}).setdefault(int(n), {})[field] = item.value.string_value
    for way, messages in found.items():
        key = f"gen_ai.{way}.messages"
        if key not in known:
            text = json.dumps([_message(messages[n]) for n in sorted(messages)])
            span.attributes.append(KeyValue(key=key, value=AnyValue(string_value=text)))


def _message(fields: Mapping[str, str]) -> Message:
    """It has one kind of part: the result of a tool, else calls, else a text."""
    calls: dict[int, dict[str, str]] = {}
    for field, value in fields.items():
        if match := _CALL.fullmatch(field):
            calls.setdefault(int(match[1]), {})[match[2]] = value
    role, content, answers = (fields.get(key, "") for key in ("role", "content", "tool_call_id"))
    if answers:
        role = "tool" if role in ("", "user") else role
        part = {"type": "tool_call_response", "id": answers, "result": content}
        return {"role": role, "parts": [part]}
    if calls:
        return {"role": role or "assistant", "parts": [_call(calls[n]) for n in sorted(calls)]}
    text = [{"type": "text", "content": content}] if content else []
    return {"role": role or "user", "parts": text}


def _call(fields: Mapping[str, str]) -> Message:
    part: Message = {"type": "tool_call", "id": fields.get("id", "")}
    part["name"] = fields.get("function.name", "")
    if arguments := fields.get("function.arguments"):
        try:
            part["arguments"] = json.loads(arguments)
        except ValueError:
            part["arguments"] = arguments
    return {key: value for key, value in part.items() if key in ("type", "name") or value}
