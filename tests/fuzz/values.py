"""Values that do not belong where they are written, and ones that do."""

import json

from clawtrace_otel.semconv.usage_details import SHAPES
from tests.fuzz.choices import Choices, chance, ordered, pick

MAX_REPEATED = 12_000
"""Characters of a repeated text; what is slow on it is slow by its algorithm."""

HUGE = "1e99999999999999999999"
"""A number that no ``Decimal`` can hold."""

NUMBERS: list[object] = [
    *(0, 1, 7, 1200, -1, 2**31, 2**53 - 1, 2**53, 2**63 - 1, -(2**63)),
    *(0.0, 0.5, 12.0, -0.0, 1e-9, 1e15, 1e308, float("inf"), float("nan"), float("-inf")),
    *("12", " 12 ", "12.0", "1e3", "-1", "1e400", "9e999999", "1e-999999", "nan", "Infinity"),
    *("1_000", "\u0663", "0x1f", "12 tokens", "9" * 5000, HUGE, True, False, None, "", [], {}),
]
"""What may stand for a count or an amount."""

WORDS = [
    *("chat", "execute_tool", "invoke_agent", "invoke_workflow", "embeddings", "LLM", "TOOL"),
    *("AGENT", "CHAIN", "tool", "llm", "agent", "workflow", "generation", "completion", "task"),
    *("read_file", "planner", "researcher", "gpt-5.4", "claude-sonnet-4-5", "gemini-2.5-pro"),
    *("nobody-knows-this", "openai", "anthropic", "gcp.gemini", "azure.ai.openai", "openai.chat"),
    *("call_1", "call_2", "resp_1", "stop", "tool_calls", "end_turn", "tool-calls", "error"),
    *("true", "false", "batch", "priority", "flex", "USD", "EUR", "__REDACTED__", "passed"),
    *('"\\ud800"', '{"a": "\\udfff"}'),
    *("2026-11-02T10:00:00Z", "9999-99-99T99:99:99Z", "-1", "{}", "[]", "null", '"', "\n", "\0"),
]

UNITS = [
    *("[", "{", '{"a":', "[[],", '"', "\\", '\\"', " ", "\n", "a", "a ", "A1", "0", "9", "é"),
    *("(", "-", "--", "://", "://a:", "@", "=", "password=", "password: '", "token ", "key: "),
    *("bearer ", "curl -u ", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "sk-", "eyJ", "AKIA"),
    *("a.", "Error: ", "a:1", "1.1", "\u0130", "Wall time: 1\n", "-a", "{'a': ", "''"),
]
"""What a long text may repeat."""

NAMES = [
    *("role", "parts", "content", "type", "tool_calls", "tool_call", "id", "name", "text"),
    *("function", "arguments", "args", "input", "inputs", "kwargs", "output", "outputs", "result"),
    *("choices", "generations", "candidates", "message", "messages", "finish_reason", "response"),
    *("tool_call_id", "toolUse", "toolCallId", "toolName", "functionCall", "functionResponse"),
    *("function_call", "reasoningContent", "thought", "thinking", "status", "data", "lc", "error"),
    *("isError", "is_error", "callId", "request", "responseParts", "input_str", "call_id"),
    *("additional_kwargs", "event.name", "annotations", "readOnlyHint", "service_tier", "model"),
    *("lc_agent_name", "total", "0", ""),
]
"""Keys of the objects in which messages, calls and results are written."""

ROLES = ["assistant", "user", "tool", "system", "tool_call", "tool_use", "reasoning", "text"]

COUNTS = ordered(
    {
        key
        for shape in SHAPES
        for paths in shape.fields.values()
        for p in paths
        for key in (p, *p.split("."))
    }
    | {name for s in SHAPES for name in s.known_by}
)
"""Keys of the objects in which providers write usage."""


def text(choices: Choices) -> str:
    """A known word, any text, or a long repetition."""
    kind = choices.integer(0, 9)
    if kind < 6:
        return pick(choices, WORDS)
    if kind < 9:
        return choices.text(24)
    unit = pick(choices, UNITS)
    most = pick(choices, [4, 4, 40, 40, 200, MAX_REPEATED // len(unit)])
    return unit * choices.integer(0, most)


def value(choices: Choices, depth: int = 3) -> object:
    """A value of any type that OTLP's ``AnyValue`` has."""
    kind = choices.integer(0, 9 if depth else 6)
    if kind < 3:
        return text(choices)
    if kind < 5:
        return pick(choices, NUMBERS)
    if kind == 5:
        return choices.integer(-(2**63), 2**63 - 1)
    if kind == 6:
        return choices.real() if chance(choices, 70) else choices.data(8)
    if kind == 7:
        return [value(choices, depth - 1) for _ in range(choices.integer(0, 3))]
    if kind == 8:
        return document(choices, depth)
    return written(choices, document(choices, depth))


def document(choices: Choices, depth: int = 4) -> object:
    """An object as messages, calls and results are written in, or a list of such."""
    if chance(choices, 30):
        return [document(choices, depth - 1) for _ in range(choices.integer(0, 3))] if depth else []
    found: dict[str, object] = {}
    for _ in range(choices.integer(0, 5)):
        name = pick(choices, NAMES)
        if name in ("role", "type"):
            found[name] = pick(choices, ROLES)
        elif depth and chance(choices, 55):
            found[name] = document(choices, depth - 1)
        else:
            found[name] = value(choices, 0)
    return found


def counts(choices: Choices, depth: int = 2) -> object:
    """Usage as a provider or an SDK writes it."""
    return {
        pick(choices, COUNTS): counts(choices, depth - 1)
        if depth and chance(choices, 10)
        else number(choices, 2)
        for _ in range(choices.integer(0, 6))
    }


def number(choices: Choices, odd: int = 20) -> object:
    """A count, or in ``odd`` of a hundred cases what may stand in its place."""
    return pick(choices, NUMBERS) if chance(choices, odd) else choices.integer(0, 5000)


def written(choices: Choices, held: object) -> object:
    """A value as it is, as its JSON, as that cut off, or as Python's ``repr`` of it."""
    kind = choices.integer(0, 5)
    if kind == 0:
        return held
    if kind == 1:
        return repr(held)
    json_text = json.dumps(held, default=repr)
    return json_text[: choices.integer(0, len(json_text))] if kind == 2 else json_text
