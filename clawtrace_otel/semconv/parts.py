"""Parts of answers in the words of providers and SDKs, into those of the official conventions."""

from collections.abc import Mapping

Part = Mapping[str, object]

_WRAPPERS = ("toolUse", "functionCall", "function_call")
"""Keys of a part that hold a tool call: of Amazon's Converse, and of Google's API in two styles."""

_IDS = ("id", "toolUseId", "toolCallId")
_NAMES = ("name", "toolName")
_ARGUMENTS = ("arguments", "args", "input")
_CONVERSE_REASONING = "reasoningContent"
_GOOGLE_THOUGHT = "thought"


def official(part: Part) -> Part:
    """A part with its ``type``; what is in none of the known words stays as it is.

    The AI SDK's tool calls have no wrapper and are known by ``toolName``. Whole messages have a
    ``role`` and are no parts.
    """
    if "role" in part:
        return part
    body = next((part[key] for key in _WRAPPERS if isinstance(part.get(key), Mapping)), None)
    if isinstance(body, Mapping):
        return _call(body)
    if isinstance(part.get("toolName"), str):
        return _call(part)
    if _CONVERSE_REASONING in part or part.get(_GOOGLE_THOUGHT) is True:
        return {"type": "reasoning"}
    return part


def _call(body: Part) -> Part:
    return {
        "type": "tool_call",
        "id": _first(body, _IDS),
        "name": _first(body, _NAMES),
        "arguments": _first(body, _ARGUMENTS),
    }


def _first(body: Part, keys: tuple[str, ...]) -> object:
    return next((body[key] for key in keys if key in body), None)
