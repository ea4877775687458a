"""Values that belong where they stand, from few: so that calls repeat and refer to one another."""

import json
from collections.abc import Callable

from tests.fuzz.choices import Choices, chance, pick
from tests.fuzz.values import counts, document, number, text, value, written

TOOLS = ["read_file", "read_file", "write_file", "transfer_to_researcher"]
CALLS = ["call_1", "call_2", "call_3"]

POOLS: dict[str, list[str]] = {
    "model": ["gpt-5.4", "claude-sonnet-4-5", "gemini-2.5-pro", "nobody-knows-this"],
    "request_model": ["gpt-5.4", "gpt-5.4-mini", "claude-sonnet-4-5", "gemini-2.5-pro"],
    "provider": ["openai", "anthropic", "gcp.gemini", "openai.chat", "langgraph"],
    "response_id": ["resp_1", "resp_2", "resp_3"],
    "finish_reasons": ["stop", "tool_calls", "end_turn", '["stop"]', "tool-calls"],
    "tool": TOOLS,
    "call_id": CALLS,
    "agent": ["planner", "researcher"],
    "session": ["s1", "s2"],
    "tier": ["default", "batch", "priority", "flex"],
    "cost_currency": ["USD", "USD", "EUR"],
    "error_type": ["timeout", "ValueError"],
}
"""Field -> its values."""

_COUNTED = ("tokens", "cache_", "reasoning", "cost", "seconds")


def field_value(choices: Choices, name: str, odd: int) -> object:
    """A value for a field of a step; in ``odd`` of a hundred cases any other."""
    if chance(choices, odd):
        return value(choices)
    if name in POOLS:
        return pick(choices, POOLS[name])
    make = _MAKERS.get(name)
    if make is not None:
        return written(choices, make(choices))
    return number(choices, odd) if any(part in name for part in _COUNTED) else text(choices)


def arguments(choices: Choices) -> object:
    """Of a tool call, most often one of a few."""
    if chance(choices, 30):
        return document(choices)
    return {"path": pick(choices, ["a.py", "b.py", "a" * 40 + "1", "a" * 40 + "2"])}


def answer(choices: Choices) -> object:
    """Messages that a model answered, as one of the providers or SDKs writes them."""
    said = pick(choices, ["I look.", "Done: 42 rows.", "", text(choices)])
    call_id, tool, asked = pick(choices, CALLS), pick(choices, TOOLS), arguments(choices)
    as_text = json.dumps(asked, default=repr)
    function = {"id": call_id, "function": {"name": tool, "arguments": as_text}}
    message = {"role": "assistant", "content": said, "tool_calls": [function]}
    used = {"type": "tool_use", "id": call_id, "name": tool, "input": asked}
    part = {"type": "tool_call", "id": call_id, "name": tool, "arguments": asked}
    content = {"type": "text", "content": said}
    google = {"functionCall": {"name": tool, "args": asked}}
    return pick(
        choices,
        [
            [{"role": "assistant", "parts": [content, part]}],
            [{"role": "assistant", "parts": [content]}],
            {"choices": [{"message": message, "finish_reason": "tool_calls"}]},
            [{"role": "assistant", "content": [{"type": "text", "text": said}, used]}],
            {"candidates": [{"content": {"role": "model", "parts": [{"text": said}, google]}}]},
            {"generations": [[{"message": {"kwargs": message}}]]},
            document(choices),
        ],
    )


def result(choices: Choices) -> object:
    """Of a tool call."""
    text_block = [{"type": "text", "text": pick(choices, ["ok", "12 rows", "Error: no"])}]
    message = {"type": "tool", "tool_call_id": pick(choices, CALLS), "content": "ok"}
    return pick(choices, [text_block, message, {"output": message}, "ok", document(choices)])


_MAKERS: dict[str, Callable[[Choices], object]] = {
    "usage_details": counts,
    "input_details": counts,
    "output_details": counts,
    "cost_details": counts,
    "arguments": arguments,
    "result": result,
    "input_messages": answer,
    "output_messages": answer,
    "output_calls": answer,
    "parameters": document,
    "tool_definitions": document,
}
