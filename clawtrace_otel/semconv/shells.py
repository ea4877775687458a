"""The shells that instrumentations put around the arguments and results of tool calls.

They differ between equal calls (a step number, a checkpoint, an id) and between instrumentations of
one call, so they are taken off before anything is compared. What they say of the call is kept.
"""

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from clawtrace_otel.semconv.canonical import MAX_PARSED_CHARS, REDACTED, loads, parsed, text_of
from clawtrace_otel.semconv.failures import error_in

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
        status: where ``error`` or ``true`` stands if the call failed.
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

_TOOL_MESSAGE = Shell(
    ("content",), beside=(("type",), _CALL_ID), call_id=_CALL_ID, status=("status",)
)
"""LangChain's message of a tool's result, as LangSmith and Langfuse write it."""

ARGUMENTS = (
    # Traceloop's LangChain: the metadata differs on every call. Older versions lack `inputs`.
    Shell(("inputs",), beside=(("input_str",),), call_id=("kwargs", *_CALL_ID)),
    Shell(("input_str",), read=read_literal, call_id=("kwargs", *_CALL_ID)),
    # Gemini CLI.
    Shell(("args",), beside=(("callId",), ("name",)), call_id=("callId",)),
    # Decorators of Traceloop and Langfuse.
    Shell(("kwargs",), alone=True),
    Shell(("args",), alone=True),
    Shell(("input",), alone=True, read=loads),
)

RESULTS = (
    # LangSmith, around a LangChain message.
    Shell(("output",), beside=(("output", *_CALL_ID),), alone=True),
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
    _TOOL_MESSAGE,
    # Gemini CLI, two around the parts that the model reads.
    Shell(
        ("response",),
        beside=(("status",), ("request", "callId")),
        call_id=("request", "callId"),
        status=("status",),
    ),
    Shell(("responseParts",), beside=(("callId",),), status=("data", "isError")),
    # Google's ADK, around what is no object already.
    Shell(("result",), alone=True),
    # Google's function response, as OpenInference's ADK instrumentation writes it.
    Shell(("response",), beside=(("id",), ("name",)), alone=True, call_id=("id",)),
)

_FAILED = ("error", True)
_TERMINAL = re.compile(
    r"(?:Chunk ID: .*\n)?Wall time: .*\nProcess exited with code (-?\d+)\n"
    r"(?:Original token count: \d+\n)?Output:\n"
)
"""What Codex puts before the output of a command; times and ids are others every time."""

_EMPTY_ARGUMENTS = frozenset({"{}", '{"args":[],"kwargs":{}}'})
_NO_ARGUMENTS = _EMPTY_ARGUMENTS | {"", "[]", "null", '""', f'"{REDACTED}"', REDACTED}


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """What was in the shells.

    Attributes:
        text: empty if there is nothing that could be compared.
        call_id: id of the tool call; empty if no shell says it.
        failed: a shell says that the call failed.
        error: what an error says that was handed on as a result; empty if it is none.
        is_empty: there are arguments, and they are empty.
    """

    text: str
    call_id: str = ""
    failed: bool = False
    error: str = ""
    is_empty: bool = False


def read_arguments(value: object) -> Unwrapped:
    """The arguments of a call as text that is equal for equal arguments: JSON with sorted keys."""
    whole = parsed(value)
    if isinstance(whole, str) and whole.startswith("{"):
        whole = read_literal(whole)  # LangChain's callbacks are given the repr of a dict
    inner, found = _open(whole, ARGUMENTS)
    text = text_of(inner) or text_of(value)
    if text in _NO_ARGUMENTS:
        return replace(found, text="", is_empty=text in _EMPTY_ARGUMENTS)
    return replace(found, text=text)


def read_result(value: object) -> Unwrapped:
    """The result of a call as text that is equal for equal results.

    Text is left as it is, unless it is the JSON of text, of a known shell or of a list of text
    blocks.
    """
    whole = parsed(value)
    inner, found = _open(whole, RESULTS)
    inner, exited = _printed(_joined(_response(inner)))
    text = text_of(value if inner is whole and not isinstance(whole, str) else inner)
    return replace(
        found,
        text="" if text == REDACTED else text,
        failed=found.failed or exited not in ("", "0"),
        error=error_in(inner),
    )


def is_result_of(tool: str, value: object) -> bool:
    """Whether ``value``, an object or its JSON, is LangChain's message of that tool's result."""
    if value is None or (isinstance(value, str) and _CALL_ID[0] not in value):
        return False
    message = parsed(value)
    return (
        isinstance(message, Mapping)
        and _TOOL_MESSAGE.holds(message)
        and message.get("name") == tool
    )


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
        failed = failed or _at(value, shell.status) in _FAILED
        content = _at(value, shell.content)
        value = shell.read(content) if isinstance(content, str) else content
    return value, Unwrapped("", call_id, failed)


def _at(value: object, path: Path) -> object:
    """What is at ``path``; ``None`` if nothing is, or the path is empty."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if path else None


def _response(value: object) -> object:
    """The response in Google's only function response; else the value."""
    if not isinstance(value, list) or len(value) != 1:
        return value
    response = _at(value[0], ("functionResponse", "response"))
    if isinstance(response, Mapping) and response.keys() == {"output"}:
        return response["output"]
    return value if response is None else response


def _printed(value: object) -> tuple[object, str]:
    """What a command printed, and its exit code; the value and nothing if it is none of Codex's."""
    match = _TERMINAL.match(value) if isinstance(value, str) else None
    return (value[match.end() :], match[1]) if match and isinstance(value, str) else (value, "")


def _joined(value: object) -> object:
    """The text of a list of text blocks, as Anthropic and MCP write results; else the value.

    Strands writes them without their type.
    """
    if not value or not isinstance(value, list):
        return value
    texts = [
        block.get("text")
        for block in value
        if isinstance(block, Mapping) and block.keys() | {"type"} == {"type", "text"}
    ]
    known = [text for text in texts if isinstance(text, str)]
    return "\n".join(known) if len(known) == len(value) else value
