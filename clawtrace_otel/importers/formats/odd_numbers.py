"""Numbers that programs write into JSON and ``ijson`` stops at: a way around them.

Python's ``json`` writes ``NaN`` and ``Infinity``, and integers of any size; ``yajl`` takes none of
them. On their way to the parser they become texts with a mark, and in what it gives numbers again.
"""

import json
import re
from typing import Protocol, TypeGuard

MARK = "\0number "
"""Before such a number while it is a text."""

NO_KEY = "a number stands where a key has to be"
"""As a text it would be one."""

MAX_DIGITS = 4000
"""Python reads no whole number that is much longer."""

MAX_HELD = 65_536
"""What is longer is no number."""

_MARK_IN_JSON = json.dumps(MARK)[:-1].encode()

_WORD = re.compile(
    rb"""
      "(?:[^"\\]++|\\.)*+("|\\?\Z)                # a text; the data may end in it
    | -?(?:NaN|Infinity|\d[\d.eE+-]*+)            # a number
    """,
    re.DOTALL | re.VERBOSE,
)
_REST_OF_TEXT = re.compile(rb'(?:[^"\\]++|\\.)*+("|\\?\Z)', re.DOTALL)
_OF_NUMBERS = b"0123456789+-.eENaInfity"
_MIN_CHARS = 3
_INT_64 = range(-(1 << 63), 1 << 63)


class Source(Protocol):
    """As much of a binary file as a parser needs."""

    def read(self, size: int = -1) -> bytes:
        """Like :meth:`io.BufferedReader.read`."""


class OddNumbers:
    """A JSON file in which each odd number is a text.

    Args:
        source: the file.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._held = b""
        self._in_text = False

    def read(self, size: int = -1) -> bytes:
        """Like :meth:`io.BufferedReader.read`, but the size may differ from what was asked for."""
        while True:
            more = self._source.read(size)
            data = self._rewrite(self._held + more, is_last=not more)
            if data or not more:
                return data

    def _rewrite(self, data: bytes, *, is_last: bool) -> bytes:
        """The data, as far as it can be told what it is; the rest is held."""
        at = self._end_of_text(_REST_OF_TEXT.match(data)) if self._in_text else 0
        done = [data[:at]]
        for word in () if self._in_text else _WORD.finditer(data, at):
            done.append(data[at : word.start()])
            if word[1] is not None:
                at = self._end_of_text(word)
                done.append(data[word.start() : at])
            elif word.end() < len(data) or is_last:
                at = word.end()
                done.append(_as_text(word[0]) if _is_odd(word[0]) else word[0])
            else:
                at = word.start()
        end = len(data) if is_last else max(self._clear_end(data), at)
        self._held = data[end:]
        return b"".join([*done, data[at:end]])

    def _end_of_text(self, text: re.Match[bytes] | None) -> int:
        """Where a text ends, or has to go on when there is more data."""
        if text is None:  # the pattern takes anything
            return 0
        self._in_text = text[1] != b'"'
        return text.end() - len(text[1]) * self._in_text

    def _clear_end(self, data: bytes) -> int:
        """Up to where it is clear what the data is: not in an escape, a number or a name of one."""
        if self._in_text:
            return 0
        end = len(data.rstrip(_OF_NUMBERS))
        return end if len(data) - end <= MAX_HELD else len(data)


def restored(value: object) -> object:
    """A value that was read, with its odd numbers as numbers; it is changed.

    Raises:
        ValueError: such a number is a key.
    """
    holder = [value]
    waiting: list[list[object] | dict[str, object]] = [holder]
    while waiting:
        part = waiting.pop()
        items = part.values() if isinstance(part, dict) else part
        waiting += (item for item in items if isinstance(item, list | dict))
        if isinstance(part, dict):
            if any(map(is_marked, part)):
                raise ValueError(NO_KEY)
            part.update({key: number_of(item) for key, item in part.items() if is_marked(item)})
        else:
            part[:] = [number_of(item) if is_marked(item) else item for item in part]
    return holder[0]


def is_marked(value: object) -> TypeGuard[str]:
    """Whether a value that was read is such a number."""
    return isinstance(value, str) and value.startswith(MARK)


def number_of(text: str) -> object:
    """The number that a text with a mark was; ``None`` if it has too many digits to be read."""
    try:
        return json.loads(text.removeprefix(MARK))
    except ValueError:
        return None


def _as_text(number: bytes) -> bytes:
    return _MARK_IN_JSON + number + b'"'


def _is_odd(number: bytes) -> bool:
    if len(number) < _MIN_CHARS:
        return False
    if len(number) > MAX_DIGITS:
        return True
    try:
        value = json.loads(number)
    except ValueError:
        return False  # damage, of which the parser tells
    return value not in _INT_64 if isinstance(value, int) else not abs(value) < float("inf")
