"""JSON lines, read line by line: memory is bounded by the longest line, not by the file.

What recorded sessions really hold is read too: two objects glued together on a line, a last line
that breaks off (the program was killed, or still runs), a byte-order mark, bytes that are no UTF-8,
and halves of surrogate pairs (JavaScript cuts texts between them).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from clawtrace_otel.importers.formats.reading import took
from clawtrace_otel.importers.importer import Problem

MAX_LINE_BYTES = 64 * 1024 * 1024
"""A longer line is passed over without being read into memory."""

CHUNK_BYTES = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_BLANK = re.compile(r"[ \t\r\n]*")
UNREADABLE = (ValueError, RecursionError)
"""What Python's parsers of JSON raise."""

_OPENING = re.compile(r"\s*(?:\[\s*)?\{")
_KEY = re.compile(r'\s*("(?:[^"\\]++|\\.)*+")\s*:\s*')
_COMMA = re.compile(r"\s*,")

_decoder = json.JSONDecoder()


def read_json_lines(path: Path) -> Iterator[tuple[int, object] | Problem]:
    """The JSON values of a file with one or more on each line.

    Args:
        path: of the file.

    Yields:
        (line number from 1, value); and a problem for each line that could not be read, or only in
        part. Empty lines are passed over.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if file.read(2) in _UTF_16:
            yield Problem(path, 0, "the text is UTF-16, not UTF-8")
            return
        file.seek(0)
        for number, line, size in _lines(file):
            if line is None:
                yield Problem(path, number, _too_long(size))
                continue
            if number == 1:
                line = line.removeprefix(_BOM)
            if line.strip():
                yield from _values(path, number, line)


def read_first_value(data: bytes) -> object:
    """The first JSON value on the first line that is not empty; ``None`` if there is none."""
    line = data.removeprefix(_BOM).lstrip().partition(b"\n")[0]
    try:
        return _decoder.raw_decode(line.decode())[0]
    except UNREADABLE:
        return None


def opening_members(data: bytes) -> dict[str, object]:
    """The members of the first object in a file, as far as they are in ``data``.

    Of a list the first item is asked. A member that breaks off has the value ``None``, and is the
    last one; so is one with a value that is no JSON.
    """
    text = data.removeprefix(_BOM).decode(errors="replace")
    found: dict[str, object] = {}
    at = _OPENING.match(text)
    while at and (key := _KEY.match(text, at.end())):
        name = _decoded(key[1])
        found[name] = None
        try:
            found[name], end = _decoder.raw_decode(text, key.end())
        except UNREADABLE:
            break
        at = _COMMA.match(text, end)
    return found


def first_line_members(data: bytes) -> dict[str, object]:
    """:func:`opening_members` of the first line alone that is not empty."""
    return opening_members(data.removeprefix(_BOM).lstrip().partition(b"\n")[0])


def _decoded(name: str) -> str:
    try:
        return str(_decoder.decode(name))
    except UNREADABLE:
        return name


def open_text(path: Path) -> BinaryIO:
    """A file, open for reading behind its byte-order mark.

    Raises:
        OSError: the file cannot be read.
    """
    file = path.open("rb")
    if file.read(len(_BOM)) != _BOM:
        file.seek(0)
    return file


def shorten(error: Exception) -> str:
    """What a parser says, on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:200] + "…"


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None, int]]:
    """(number, line, its size); of a line that is too long ``None`` for its text."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        size = len(line)
        is_long = size > MAX_LINE_BYTES and not line.endswith(b"\n")
        if is_long:
            size += _skip_line(file)
        took(size)
        yield number, None if is_long else line, size


def _skip_line(file: BinaryIO) -> int:
    """The size of what is left of a line."""
    size = 0
    while part := file.readline(CHUNK_BYTES):
        size += len(part)
        if part.endswith(b"\n"):
            break
    return size


def _too_long(size: int) -> str:
    return f"a line of {size:,} bytes, more than {MAX_LINE_BYTES:,}: passed over"


def _values(path: Path, number: int, line: bytes) -> Iterator[tuple[int, object] | Problem]:
    try:
        yield number, msgspec.json.decode(line)
    except UNREADABLE:
        yield from _hard_values(path, number, line)


def _hard_values(path: Path, number: int, line: bytes) -> Iterator[tuple[int, object] | Problem]:
    """The values of a line that is not simply one."""
    text = line.decode(errors="replace")
    found, wrong = _split(text)
    for value in found:
        yield number, _whole_text(value)
    if wrong is not None:
        yield Problem(path, number, _damage(wrong, is_cut=not line.endswith(b"\n")))
    elif b"\xef\xbf\xbd" not in line and "\ufffd" in text:
        yield Problem(path, number, "bytes that are no UTF-8 were replaced")


def _split(text: str) -> tuple[list[object], Exception | None]:
    """The values that stand in a text one after the other, and why the rest is none."""
    found: list[object] = []
    at = _past_blank(text, 0)
    while at < len(text):
        try:
            value, end = _decoder.raw_decode(text, at)
        except UNREADABLE as e:
            return found, e
        found.append(value)
        at = _past_blank(text, end)
    return found, None


def _past_blank(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _damage(error: Exception, *, is_cut: bool) -> str:
    if isinstance(error, RecursionError):
        return "JSON that is nested too deeply"
    if not isinstance(error, json.JSONDecodeError):
        return f"no JSON: {shorten(error)}"
    what = "the last line breaks off or is no JSON" if is_cut else "no JSON"
    return f"{what}: {error.msg} at character {error.pos + 1}"


def _whole_text(value: object) -> object:
    """The value with halves of surrogate pairs replaced: no other program could write them."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole_text(item) for item in value]
    if isinstance(value, dict):
        return {_whole_text(key): _whole_text(item) for key, item in value.items()}
    return value
