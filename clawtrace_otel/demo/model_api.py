"""What the APIs answer: pure functions from a request and a scripted reply to bodies and events.

Shapes follow the API references: OpenAI "The chat completion object", "The chat completion chunk
object", "The response object", "Streaming events", "The embedding object"; Anthropic "Create a
Message", "Streaming Messages", "Prompt caching".
"""

import array
import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from clawtrace_otel.demo.model_script import Json, Reply, Request, ToolCall

# 2026-11-02T10:00:00Z. Every answer carries it, so that two runs of one script are equal.
CREATED = 1_793_613_600

_PIECE_CHARS = 24  # of a streamed text or argument

Event = tuple[str, Json | str]  # the name of a server-sent event ("" for none), and its data


def _pieces(text: str) -> list[str]:
    return [text[i : i + _PIECE_CHARS] for i in range(0, len(text), _PIECE_CHARS)]


def embeddings(request: Request) -> Json:
    """Three numbers for each text; a word is a token."""
    vector: Any = [0.25, 0.5, 0.75]
    if request.body.get("encoding_format") == "base64":
        vector = base64.b64encode(array.array("f", vector).tobytes()).decode()
    tokens = sum(len(str(m.get("content", "")).split()) for m in request.messages)
    data = [
        {"object": "embedding", "index": i, "embedding": vector}
        for i in range(len(request.messages))
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": request.model, "usage": usage}


# Chat Completions


def _chat_usage(reply: Reply) -> Json:
    return {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": reply.cache_read_tokens,
            "cache_write_tokens": reply.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
    }


def _chat_head(number: str, request: Request, reply: Reply, kind: str) -> Json:
    return {
        "id": f"chatcmpl-{number}",
        "object": kind,
        "created": CREATED,
        "model": reply.model or request.model,
        "service_tier": "default",
        "system_fingerprint": "fp_scripted",
    }


def _chat_call(call: ToolCall, arguments: str) -> Json:
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _chat(number: str, request: Request, reply: Reply) -> Json:
    message: Json = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.tool_calls:
        message["tool_calls"] = [_chat_call(call, call.arguments) for call in reply.tool_calls]
    finish = "tool_calls" if reply.tool_calls else "stop"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    head = _chat_head(number, request, reply, "chat.completion")
    return head | {"choices": [choice], "usage": _chat_usage(reply)}


def _chat_deltas(reply: Reply) -> Iterator[Json]:
    yield {"role": "assistant", "content": "", "refusal": None}
    for piece in _pieces(reply.text):
        yield {"content": piece}
    for i, call in enumerate(reply.tool_calls):
        yield {"tool_calls": [{"index": i} | _chat_call(call, "")]}
        for piece in _pieces(call.arguments):
            yield {"tool_calls": [{"index": i, "function": {"arguments": piece}}]}


def _chat_stream(number: str, request: Request, reply: Reply) -> Iterator[Event]:
    with_usage = bool((request.body.get("stream_options") or {}).get("include_usage"))
    head = _chat_head(number, request, reply, "chat.completion.chunk")
    if with_usage:
        head["usage"] = None
    choice: Json = {"index": 0, "logprobs": None, "finish_reason": None}
    for delta in _chat_deltas(reply):
        yield "", head | {"choices": [choice | {"delta": delta}]}
    finish = "tool_calls" if reply.tool_calls else "stop"
    yield "", head | {"choices": [choice | {"delta": {}, "finish_reason": finish}]}
    if with_usage:
        yield "", head | {"choices": [], "usage": _chat_usage(reply)}
    yield "", "[DONE]"


# Responses


def _responses_items(number: str, reply: Reply) -> list[Json]:
    items: list[Json] = []
    if reply.text:
        part = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
        message = {"id": f"msg_{number}", "type": "message", "role": "assistant"}
        items.append(message | {"content": [part]})
    for i, call in enumerate(reply.tool_calls):
        function = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
        items.append({"id": f"fc_{number}_{i}", "type": "function_call"} | function)
    return [item | {"status": "completed"} for item in items]


def _responses(number: str, request: Request, reply: Reply) -> Json:
    body = request.body
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": body.get("metadata") or {},
        "model": reply.model or request.model,
        "output": _responses_items(number, reply),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "service_tier": "default",
        "temperature": body.get("temperature", 1.0),
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "usage": {
            "input_tokens": reply.input_tokens,
            "input_tokens_details": {
                "cached_tokens": reply.cache_read_tokens,
                "cache_write_tokens": reply.cache_write_tokens,
            },
            "output_tokens": reply.output_tokens,
            "output_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
            "total_tokens": reply.input_tokens + reply.output_tokens,
        },
    }


def _responses_item_events(index: int, item: Json) -> Iterator[Json]:
    where: Json = {"output_index": index, "item_id": item["id"]}
    opened = item | {"status": "in_progress"}
    if item["type"] == "function_call":
        kind, text, is_text = "response.function_call_arguments", item["arguments"], False
        done: Json = {"arguments": text, "name": item["name"]}
        opened["arguments"] = ""
    else:
        part = item["content"][0]
        kind, text, is_text = "response.output_text", part["text"], True
        done = {"text": text, "logprobs": []}
        where["content_index"] = 0
        opened["content"] = []
    yield {"type": "response.output_item.added", "output_index": index, "item": opened}
    if is_text:
        yield {"type": "response.content_part.added", **where, "part": part | {"text": ""}}
    for piece in _pieces(text):
        yield {"type": f"{kind}.delta", **where, "delta": piece} | (
            {"logprobs": []} if is_text else {}
        )
    yield {"type": f"{kind}.done", **where, **done}
    if is_text:
        yield {"type": "response.content_part.done", **where, "part": part}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _responses_stream(number: str, request: Request, reply: Reply) -> Iterator[Event]:
    whole = _responses(number, request, reply)
    opened = whole | {"status": "in_progress", "output": [], "usage": None}
    events: list[Json] = [
        {"type": "response.created", "response": opened},
        {"type": "response.in_progress", "response": opened},
    ]
    for index, item in enumerate(whole["output"]):
        events.extend(_responses_item_events(index, item))
    events.append({"type": "response.completed", "response": whole})
    for sequence, event in enumerate(events):
        yield event["type"], event | {"sequence_number": sequence}


# Messages


def _messages_usage(reply: Reply) -> Json:
    """Anthropic's `input_tokens` are only those that the cache had no part in."""
    return {
        "input_tokens": reply.input_tokens - reply.cache_read_tokens - reply.cache_write_tokens,
        "cache_read_input_tokens": reply.cache_read_tokens,
        "cache_creation_input_tokens": reply.cache_write_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": reply.cache_write_tokens - reply.cache_write_1h_tokens,
            "ephemeral_1h_input_tokens": reply.cache_write_1h_tokens,
        },
        "output_tokens": reply.output_tokens,
        "service_tier": "standard",
    }


def _messages(number: str, request: Request, reply: Reply) -> Json:
    content: list[Json] = [{"type": "text", "text": reply.text}] if reply.text else []
    for call in reply.tool_calls:
        arguments = msgspec.json.decode(call.arguments)
        content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": arguments})
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": reply.model or request.model,
        "content": content,
        "stop_reason": "tool_use" if reply.tool_calls else "end_turn",
        "stop_sequence": None,
        "usage": _messages_usage(reply),
    }


def _messages_block_events(index: int, block: Json) -> Iterator[Json]:
    if block["type"] == "text":
        opened, kind, field, text = block | {"text": ""}, "text_delta", "text", block["text"]
    else:
        opened, kind, field = block | {"input": {}}, "input_json_delta", "partial_json"
        text = msgspec.json.encode(block["input"]).decode()
    yield {"type": "content_block_start", "index": index, "content_block": opened}
    for piece in _pieces(text):
        delta = {"type": kind, field: piece}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _messages_stream(number: str, request: Request, reply: Reply) -> Iterator[Event]:
    whole = _messages(number, request, reply)
    # The first event counts one token of output, the last but one counts them all, as Anthropic's.
    usage = whole["usage"] | {"output_tokens": 1}
    opened = whole | {"content": [], "stop_reason": None, "usage": usage}
    usage = {k: v for k, v in whole["usage"].items() if k not in ("cache_creation", "service_tier")}
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    events: list[Json] = [{"type": "message_start", "message": opened}]
    for index, block in enumerate(whole["content"]):
        events.extend(_messages_block_events(index, block))
    events.append({"type": "message_delta", "delta": delta, "usage": usage})
    events.append({"type": "message_stop"})
    for event in events:
        yield event["type"], event


WHOLE = {"chat": _chat, "responses": _responses, "messages": _messages}
"""API -> the body of an answer, from the number of the request, the request and the reply."""

STREAM = {"chat": _chat_stream, "responses": _responses_stream, "messages": _messages_stream}
"""API -> the server-sent events of the same answer."""
