"""The form of a call's arguments, without their values: which keys there are, and of what kind.

A path is ``flights[].date``: the key ``date`` of the objects in the list ``flights``. Only keys
that look like names are told; a key that looks like a value (an id, a path, a date) is never shown.
"""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from clawtrace_otel.semconv.canonical import loads

MAX_DEPTH = 6

PLAIN_TEXT = "text"
EMPTY_TEXT = "empty text"
NULL = "null"

_NAME = re.compile(r"[A-Za-z_][A-Za-z_-]{0,39}\d{0,2}")
_FORMATS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (EMPTY_TEXT, re.compile(r"\s*")),
    ("an ISO date", re.compile(r"\d{4}-\d\d-\d\d")),
    ("an ISO time", re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")),
    ("a clock time", re.compile(r"\d{1,2}:\d\d(:\d\d)?")),
    ("a date with slashes", re.compile(r"\d{1,4}/\d{1,2}/\d{1,4}")),
    ("digits", re.compile(r"[+-]?\d+([.,]\d+)?")),
    ("a UUID", re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")),
    ("an e-mail address", re.compile(r"[^@\s]+@[^@\s]+\.\w+")),
    ("a URL", re.compile(r"[a-z][a-z0-9+.-]*://\S+")),
    ("an absolute path", re.compile(r"(/|[A-Za-z]:\\|~/)\S*")),
    ("a relative path", re.compile(r"\.{0,2}[\w.-]*/\S*")),
)
TEXTS = frozenset({PLAIN_TEXT, *(name for name, _ in _FORMATS)})
"""The kinds that are text."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a call.

    Attributes:
        forms: path -> the kinds of what stands there.
        values: path -> the values that stand there, as text.
    """

    forms: Mapping[str, Set[str]]
    values: Mapping[str, Set[str]]


def read_arguments(text: str) -> Arguments | None:
    """The form of arguments.

    Args:
        text: canonical JSON.

    Returns:
        ``None`` if it is no JSON object: it was cut, hashed or never recorded.
    """
    value = loads(text) if text else None
    if not isinstance(value, dict):
        return None
    forms: dict[str, set[str]] = {}
    values: dict[str, set[str]] = {}
    for path, kind, said in _walk("", value, 0):
        forms.setdefault(path, set()).add(kind)
        if said:
            values.setdefault(path, set()).add(said)
    forms.pop("", None)
    return Arguments(forms, values)


def is_name(path: str) -> bool:
    """Whether all keys of a path look like names."""
    return all(_NAME.fullmatch(key) for key in path.replace("[]", "").split("."))


def _walk(path: str, value: object, depth: int) -> Iterator[tuple[str, str, str]]:
    """Path, kind and text of a value and of all that is in it."""
    yield path, _kind(value), _text(value)
    if depth == MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(f"{path}.{key}" if path else str(key), inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(f"{path}[]", inner, depth + 1)


def _kind(value: object) -> str:
    if isinstance(value, str):
        return next((name for name, form in _FORMATS if form.fullmatch(value)), PLAIN_TEXT)
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if value is None:
        return NULL
    return "a list" if isinstance(value, list) else "an object"


def _text(value: object) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        return ""
    return str(value)
