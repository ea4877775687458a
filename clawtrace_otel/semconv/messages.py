"""What a model answered, from the ways in which dialects write messages on a span."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from clawtrace_otel.semconv.canonical import canonical_arguments, digest, dumps, loads
from clawtrace_otel.semconv.step import Call, Does

_TOOL_CALL_KEY = re.compile(
    r"tool_calls\.(\d+)\.(?:tool_call\.)?(?:function\.)?(id|name|arguments)$"
)
_TEXT_KEY = re.compile(r"(?:^|\.)(?:content|message_content\.text)$")
_CALLS = frozenset({"tool_calls", "tool_call", "tool_use", "function_call", "tool-calls"})
_ENDS = frozenset({"stop", "end_turn", "stop_sequence"})

MAX_CALL_ARGS_CHARS = 8192
"""Longer arguments are kept as their hash alone; they can still be equal, but not near."""


@dataclass(slots=True)
class Output:
    """The parts of an answer."""

    text: bool = False
    reasoning: bool = False
    calls: list[Call] = field(default_factory=list)

    def does(self, finish_reasons: str) -> Does:
        """The role of the call; by its finish reason where content is not captured."""
        if self.calls:
            return "plan_then_tool" if self.text else "tool_call"
        if self.text:
            return "final_reply"
        if self.reasoning:
            return "thinking_only"
        words = set(re.findall(r"[\w-]+", finish_reasons.lower()))
        if words & _CALLS:
            return "tool_call"
        return "final_reply" if words & _ENDS else "other"


def flattened(attributes: Mapping[str, object], prefix: str) -> dict[str, object]:
    """The attributes ``<prefix><n>.…`` without their prefix; other keys that start so are left."""
    size = len(prefix)
    return {
        key[size:]: value
        for key, value in attributes.items()
        if key.startswith(prefix) and key[size : size + 1].isdigit()
    }


def read_output(value: object) -> Output:
    """The answer in an output messages attribute: JSON text, a list, or flattened keys."""
    if isinstance(value, str):
        value = loads(value)
    if isinstance(value, Mapping) and any(key[:1].isdigit() for key in value):
        return _from_flattened(value)
    output = Output()
    for message in value if isinstance(value, list | tuple) else ():
        if isinstance(message, Mapping):
            _add_message(output, message)
    return output


def request_hash(model: str, messages: object, parameters: Iterable[object]) -> str:
    """Hash of all that a model was asked; empty if the messages were not captured."""
    if not messages:
        return ""
    if isinstance(messages, Mapping):
        messages = dumps(messages)
    return digest(dumps([model, messages, *parameters]))


def make_call(call_id: object, tool: object, arguments: object) -> Call:
    """A call with its arguments made comparable."""
    args = canonical_arguments(arguments)
    return Call(
        id=str(call_id or ""),
        tool=str(tool or ""),
        args=args if len(args) <= MAX_CALL_ARGS_CHARS else "",
        args_hash=digest(args) if args else "",
    )


def _add_message(output: Output, message: Mapping[str, object]) -> None:
    content = message.get("content")
    if isinstance(content, str) and content.strip():
        output.text = True
    for part in _mappings(message.get("parts")) if "parts" in message else _mappings(content):
        _add_part(output, part)
    for call in _mappings(message.get("tool_calls")):
        function = call.get("function")
        body = function if isinstance(function, Mapping) else call
        output.calls.append(make_call(call.get("id"), body.get("name"), body.get("arguments")))


def _add_part(output: Output, part: Mapping[str, object]) -> None:
    kind = part.get("type")
    if kind in ("tool_call", "tool_use"):
        arguments = part.get("arguments", part.get("input"))
        output.calls.append(make_call(part.get("id"), part.get("name"), arguments))
    elif kind in ("reasoning", "thinking"):
        output.reasoning = True
    elif str(part.get("content") or part.get("text") or "").strip():
        output.text = True


def _from_flattened(values: Mapping[str, object]) -> Output:
    output = Output()
    calls: dict[tuple[str, str], dict[str, object]] = {}
    for key, value in values.items():
        if match := _TOOL_CALL_KEY.search(key):
            calls.setdefault((key[: match.start()], match[1]), {})[match[2]] = value
        elif _TEXT_KEY.search(key) and str(value or "").strip():
            output.text = True
    for _, call in sorted(calls.items()):
        output.calls.append(make_call(call.get("id"), call.get("name"), call.get("arguments")))
    return output


def _mappings(value: object) -> Iterator[Mapping[str, object]]:
    if isinstance(value, list | tuple):
        yield from (item for item in value if isinstance(item, Mapping))
