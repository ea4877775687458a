"""Finds the messages of an answer that is a whole JSON document, as providers and SDKs write it."""

from collections.abc import Iterator, Mapping

from clawtrace_otel.semconv import attributes as a

_LISTS = ("choices", "generations", "output", "candidates")
"""Where answers are: in a chat completion, LangChain's result, OpenAI's response, Google's."""

_MESSAGES = ("message", "kwargs", "content")
"""Where one is: in a choice, a generation or an event, in a constructor of LangChain, and in an
answer of Google's API."""

MAX_DEPTH = 8


def messages_in(value: object, depth: int = 0) -> Iterator[Mapping[str, object]]:
    """The messages in a document: itself, or what is in its choices, generations or output.

    Args:
        value: parsed JSON.
        depth: how deep in the document this is; below ``MAX_DEPTH`` nothing is looked for.
    """
    if isinstance(value, list | tuple) and depth < MAX_DEPTH:
        for item in value:
            yield from messages_in(item, depth + 1)
    elif isinstance(value, Mapping) and not _is_of_the_question(value):
        inner = _inside(value) if depth < MAX_DEPTH else None
        if inner is None:
            yield value
        else:
            yield from messages_in(inner, depth + 1)


def _is_of_the_question(value: Mapping[str, object]) -> bool:
    """Of a conversation written as events, all but the choice."""
    return value.get(a.EVENT_NAME, a.STRANDS_CHOICE_EVENT) != a.STRANDS_CHOICE_EVENT


def _inside(value: Mapping[str, object]) -> object:
    for key in _LISTS:
        if isinstance(value.get(key), list):
            return value[key]
    return next((value[key] for key in _MESSAGES if isinstance(value.get(key), Mapping)), None)
