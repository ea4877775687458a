"""Values made comparable: arguments and results as canonical JSON text, and their hashes."""

import ast
import json
from hashlib import blake2b

MAX_PARSED_CHARS = 1 << 20
"""Longer texts are compared as they are, without being parsed."""

_EMPTY = ("", "{}", "[]", "null", '""', "__REDACTED__", '"__REDACTED__"')


def digest(text: str) -> str:
    """24 hex digits that stand for ``text``."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def dumps(value: object) -> str:
    """``value`` as JSON with sorted keys and without spaces."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    )


def loads(text: str) -> object:
    """``text`` as JSON, or ``text`` itself if it is none (or too long or too deep to be read)."""
    if len(text) > MAX_PARSED_CHARS:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def text_of(value: object) -> str:
    """A result or message as text: strings as they are, everything else as canonical JSON."""
    if isinstance(value, str):
        return value
    try:
        return dumps(value)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def canonical_arguments(value: object) -> str:
    """The arguments of a call as text that is equal for equal arguments; empty if there are none.

    Parses JSON, sorts keys and takes off the shells that instrumentations put around arguments:
    ``{"args": [], "kwargs": {}}``, ``{"input": …}``, and LangChain's ``{"input_str": "{'a': 1}"}``,
    which is a Python literal inside JSON.
    """
    text = text_of(_unwrap(loads(value) if isinstance(value, str) else value))
    return "" if text in _EMPTY else text


def _unwrap(value: object) -> object:
    if not isinstance(value, dict):
        return value
    if isinstance(literal := value.get("input_str"), str):
        return _literal(literal)
    if value.keys() == {"input"}:
        inner = value["input"]
        return _unwrap(loads(inner) if isinstance(inner, str) else inner)
    if value.keys() and value.keys() <= {"args", "kwargs"}:
        args, kwargs = value.get("args"), value.get("kwargs")
        return [args, kwargs] if args and kwargs else args or kwargs
    return value


def _literal(text: str) -> object:
    if len(text) > MAX_PARSED_CHARS:
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    return repr(value)
