"""The shells that instrumentations put around the arguments and results of tool calls.

They differ between equal calls (a step number, a checkpoint, an id) and between instrumentations of
one call, so they are taken off before anything is compared. What they say of the call is kept.
"""

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from clawtrace_otel.semconv.canonical import MAX_PARSED_CHARS, REDACTED, loads, parsed, text_of

Path = tuple[str, ...]
"""Keys from the outside inwards."""

MAX_SHELLS = 4
"""Shells around one value; what is wrapped more often is compared as it is."""


def read_literal(text: str) -> object:
    """A Python literal, or ``text`` itself if it is none (or too long or too deep to be read)."""
    if len(text) > MAX_PARSED_CHARS:
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


@dataclass(frozen=True, slots=True)
class Shell:
    """A JSON object around a value.

    Attributes:
        content: where the value is.
        beside: what is in the object as well; the shell is known by it.
        alone: nothing else is in the object but empty values.
        read: reads a value that is text.
        call_id: where the tool call's id is.
        status: where ``error`` stands if the call failed.
    """

    content: Path
    beside: tuple[Path, ...] = ()
    alone: bool = False
    read: Callable[[str], object] = str
    call_id: Path = ()
    status: Path = ()

    def holds(self, value: Mapping[str, object]) -> bool:
        """Whether ``value`` is this shell."""
        paths = (self.content, *self.beside)
        if self.alone and {key for key, held in value.items() if held} != {p[0] for p in paths}:
            return False
        return all(_at(value, path) is not None for path in paths)


_CALL_ID = ("tool_call_id",)

ARGUMENTS = (
    # Traceloop's LangChain: the metadata differs on every call. Older versions lack `inputs`.
    Shell(("inputs",), beside=(("input_str",),), call_id=("kwargs", *_CALL_ID)),
    Shell(("input_str",), read=read_literal, call_id=("kwargs", *_CALL_ID)),
    # Decorators of Traceloop and Langfuse.
    Shell(("kwargs",), alone=True),
    Shell(("args",), alone=True),
    Shell(("input",), alone=True, read=loads),
)

RESULTS = (
    # Traceloop's LangChain, around a LangChain message or the bare result.
    Shell(("output",), beside=(("kwargs", "name"),)),
    # LangChain's messages, as it serialises them and as OpenInference's instrumentation does.
    Shell(
        ("kwargs", "content"),
        beside=(("lc",), ("kwargs", *_CALL_ID)),
        call_id=("kwargs", *_CALL_ID),
        status=("kwargs", "status"),
    ),
    Shell(
        ("data", "content"),
        beside=(("type",), ("data", *_CALL_ID)),
        call_id=("data", *_CALL_ID),
        status=("data", "status"),
    ),
    # Google's function response, as OpenInference's ADK instrumentation writes it.
    Shell(("response",), beside=(("id",), ("name",)), alone=True, call_id=("id",)),
)

_NO_ARGUMENTS = frozenset(
    {"", "{}", "[]", "null", '""', '{"args":[],"kwargs":{}}', f'"{REDACTED}"', REDACTED}
)


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """What was in the shells.

    Attributes:
        text: empty if there is nothing that could be compared.
        call_id: id of the tool call; empty if no shell says it.
        failed: a shell says that the call failed.
    """

    text: str
    call_id: str = ""
    failed: bool = False


def read_arguments(value: object) -> Unwrapped:
    """The arguments of a call as text that is equal for equal arguments: JSON with sorted keys."""
    inner, found = _open(parsed(value), ARGUMENTS)
    text = text_of(inner) or text_of(value)
    return replace(found, text="" if text in _NO_ARGUMENTS else text)


def read_result(value: object) -> Unwrapped:
    """The result of a call as text that is equal for equal results.

    Text is left as it is, unless it is the JSON of a known shell or of a list of text blocks.
    """
    whole = parsed(value)
    inner, found = _open(whole, RESULTS)
    inner = _joined(inner)
    text = text_of(value if inner is whole else inner)
    return replace(found, text="" if text == REDACTED else text)


def _open(value: object, shells: Iterable[Shell]) -> tuple[object, Unwrapped]:
    call_id, failed = "", False
    for _ in range(MAX_SHELLS):
        if not isinstance(value, Mapping):
            break
        shell = next((shell for shell in shells if shell.holds(value)), None)
        if shell is None:
            break
        said = _at(value, shell.call_id)
        call_id = said if isinstance(said, str) else call_id
        failed = failed or _at(value, shell.status) == "error"
        content = _at(value, shell.content)
        value = shell.read(content) if isinstance(content, str) else content
    return value, Unwrapped("", call_id, failed)


def _at(value: object, path: Path) -> object:
    """What is at ``path``; ``None`` if nothing is, or the path is empty."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if path else None


def _joined(value: object) -> object:
    """The text of a list of text blocks, as Anthropic and MCP write results; else the value."""
    if not value or not isinstance(value, list):
        return value
    texts = [
        block.get("text")
        for block in value
        if isinstance(block, Mapping) and block.keys() == {"type", "text"}
    ]
    known = [text for text in texts if isinstance(text, str)]
    return "\n".join(known) if len(known) == len(value) else value
