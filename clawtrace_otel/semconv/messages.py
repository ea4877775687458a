"""What a model answered, from the ways in which dialects write messages on a span."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from clawtrace_otel.semconv.answers import messages_in
from clawtrace_otel.semconv.canonical import REDACTED, digest, encodable, parsed, text_of
from clawtrace_otel.semconv.parts import official
from clawtrace_otel.semconv.shells import read_arguments
from clawtrace_otel.semconv.step import Call, Does

_TOOL_CALL_KEY = re.compile(
    r"tool_calls\.(\d{1,6})\.(?:tool_call\.)?(?:function\.)?(id|name|arguments)$"
)
_TEXT_KEY = re.compile(r"(?:^|\.)(?:content|message_content\.text)$")
_PART_TYPE_KEY = re.compile(r"\.message_content\.type$")
_CALL_PARTS = ("tool_call", "tool_use", "function_call")
_ARGUMENTS = ("arguments", "args", "input")
_REASONING_PARTS = ("reasoning", "thinking")
_CALLS = frozenset({"tool_calls", "tool_call", "tool_use", "function_call", "tool-calls"})
_ENDS = frozenset({"stop", "end_turn", "stop_sequence"})
_JSON_STARTS = ("[", "{")
"""Text that starts so is JSON, or some that was cut."""

_NO_ID = "<not specified>"
"""What Google's ADK writes in place of the id of a call."""

NO_ARGUMENTS = "{}"
"""Of a call that is known to have no arguments. It has no hash: calls of a tool that takes none are
all alike, and that is no evidence."""

MAX_NAME_CHARS = 120
"""Of names and ids; the rest is cut."""

MAX_CALL_ARGS_CHARS = 8192
"""Longer arguments are kept as their hash alone; they can still be equal, but not near."""


@dataclass(slots=True)
class Output:
    """The parts of an answer."""

    texts: list[str] = field(default_factory=list)
    reasoning: bool = False
    calls: list[Call] = field(default_factory=list)

    def does(self, finish_reasons: str) -> Does:
        """The role of the call; by its finish reason where content is not captured."""
        if self.calls:
            return "plan_then_tool" if self.texts else "tool_call"
        if self.texts:
            return "final_reply"
        if self.reasoning:
            return "thinking_only"
        words = set(re.findall(r"[\w-]+", finish_reasons.lower()))
        if words & _CALLS:
            return "tool_call"
        return "final_reply" if words & _ENDS else "other"

    def hash(self) -> str:
        """Of what was answered, without the ids that are new every time; empty if unknown."""
        if REDACTED in self.texts or not (self.texts or self.calls):
            return ""
        return digest(text_of([self.texts, [(call.tool, call.args_hash) for call in self.calls]]))

    def add_part(self, kind: object, text: object) -> None:
        """Add text, which in some kinds of parts is reasoning."""
        if kind in _REASONING_PARTS:
            self.reasoning = True
        elif (said := text_of(text) if text else "").strip() and said not in self.texts:
            self.texts.append(said)

    def add_call(self, call: Mapping[str, object], body: Mapping[str, object]) -> None:
        """Add a tool call, which LangChain writes twice: among the content, and beside it."""
        arguments = next((body[key] for key in _ARGUMENTS if key in body), None)
        made = make_call(call.get("call_id") or call.get("id"), body.get("name"), arguments)
        if not made.id or made.id not in {other.id for other in self.calls}:
            self.calls.append(made)


def flattened(attributes: Mapping[str, object], prefix: str) -> dict[str, object]:
    """The attributes ``<prefix><n>.…`` without their prefix; other keys that start so are left."""
    size = len(prefix)
    return {
        key[size:]: value
        for key, value in attributes.items()
        if key.startswith(prefix) and key[size : size + 1].isdigit()
    }


def read_output(value: object, calls: object = None) -> Output:
    """The answer in an attribute: messages as JSON, a list or flattened keys, or plain text.

    Args:
        value: the attribute.
        calls: the tool calls that were asked for, if they are in another attribute.
    """
    output = Output()
    for call in messages_in(parsed(calls)):
        _add_message(output, call)
    if isinstance(value, str) and not value.startswith(_JSON_STARTS):
        output.add_part(None, value)
        return output
    if isinstance(value, Mapping):
        return _from_flattened(value)
    for message in messages_in(parsed(value)):
        _add_message(output, message)
    return output


def request_hash(model: str, messages: object, parameters: Mapping[str, object]) -> str:
    """Hash of all that a model was asked; empty if the messages were not captured."""
    text = text_of(messages) if messages else ""
    asked = text_of(parameters) if text else ""
    if not asked or REDACTED in text:
        return ""
    return digest("\0".join((model, asked, text)))


def make_call(call_id: object, tool: object, arguments: object) -> Call:
    """A call with its arguments made comparable."""
    found = read_arguments(arguments)
    args = NO_ARGUMENTS if found.is_empty else encodable(found.text)
    return Call(
        id=name_of(call_id).replace(_NO_ID, "") or name_of(found.call_id),
        tool=name_of(tool),
        args=args if len(args) <= MAX_CALL_ARGS_CHARS else "",
        args_hash=digest(found.text) if found.text else "",
        args_size=len(found.text.encode("utf-8", "replace")),
    )


def name_of(value: object, limit: int = MAX_NAME_CHARS) -> str:
    """A name or id, cut; empty if the value is none."""
    return encodable(value[:limit]) if isinstance(value, str) else ""


def _add_message(output: Output, message: Mapping[str, object]) -> None:
    message = official(message)
    if message.get("type") in (*_CALL_PARTS, *_REASONING_PARTS):  # an item of OpenAI's responses
        _add_part(output, message)
        return
    content = message.get("content", message.get("text"))
    if isinstance(content, str):
        output.add_part(None, content)
    for part in _mappings(message.get("parts", content)):
        _add_part(output, part)
    beside = message.get("additional_kwargs")  # LangChain's, in Langfuse's words
    for call in _mappings(message.get("tool_calls") or _get(beside, "tool_calls")):
        body = call.get("function")
        output.add_call(call, body if isinstance(body, Mapping) else call)


def _add_part(output: Output, part: Mapping[str, object]) -> None:
    part = official(part)
    kind = part.get("type")
    if kind in _CALL_PARTS:
        output.add_call(part, part)
    else:
        output.add_part(kind, part.get("content") or part.get("text"))


def _get(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, Mapping) else None


def _from_flattened(values: Mapping[str, object]) -> Output:
    output = Output()
    calls: dict[tuple[str, int], dict[str, object]] = {}
    for key, value in values.items():
        if match := _TOOL_CALL_KEY.search(key):
            calls.setdefault((key[: match.start()], int(match[1])), {})[match[2]] = value
        elif _TEXT_KEY.search(key):
            output.add_part(values.get(key.removesuffix("text") + "type"), value)
        elif _PART_TYPE_KEY.search(key) and value in _REASONING_PARTS:
            output.reasoning = True
    for _, call in sorted(calls.items()):
        output.calls.append(make_call(call.get("id"), call.get("name"), call.get("arguments")))
    return output


def _mappings(value: object) -> Iterator[Mapping[str, object]]:
    if isinstance(value, list | tuple):
        yield from (item for item in value if isinstance(item, Mapping))
