"""JSON files that are one document, read piece by piece.

Memory is bounded by the largest piece. What ``ijson`` does not take for a number is read a second
way (:mod:`clawtrace_otel.importers.formats.odd_numbers`), from the beginning: few files have any.
"""

import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from clawtrace_otel.importers.formats.json_lines import CHUNK_BYTES, UNREADABLE, open_text, shorten
from clawtrace_otel.importers.formats.odd_numbers import (
    NO_KEY,
    OddNumbers,
    Source,
    is_marked,
    number_of,
    restored,
)
from clawtrace_otel.importers.formats.reading import CountedFile
from clawtrace_otel.importers.importer import Problem

T = TypeVar("T")

Event = tuple[str, str, object]
"""Place, event and value, as ``ijson`` names them."""


def read_json_items(path: Path, prefix: str) -> Iterator[tuple[int, object] | Problem]:
    """The values at one place of a document.

    Args:
        path: of the file.
        prefix: ``simulations.item`` are the items of the list at the key ``simulations``, ``item``
            those of a list at the top.

    Yields:
        (index from 0, value); and a last problem if the file breaks off or is damaged.

    Raises:
        OSError: the file cannot be read.
        ModuleNotFoundError: the extra ``importers`` is not installed.
    """
    import ijson

    def items(source: Source) -> Iterator[object]:
        found: Iterator[object] = ijson.items(source, prefix, buf_size=CHUNK_BYTES, use_float=True)
        return found

    index = 0
    try:
        for value in _in_two_ways(path, items, restored):
            yield index, value
            index += 1
    except damaged() as e:
        yield Problem(path, 0, f"damaged JSON after {index} items: {shorten(e)}")


def read_json_events(path: Path, *, is_counted: bool = True) -> Iterator[Event]:
    """The events of a document.

    Args:
        path: of the file.
        is_counted: whoever watches is told of the bytes; not where the file is read again anyway.

    Raises:
        OSError: the file cannot be read.
        ModuleNotFoundError: the extra ``importers`` is not installed.
        ijson.JSONError, ValueError, RecursionError: it breaks off or is damaged; see
            :func:`damaged`.
    """
    import ijson

    def events(source: Source) -> Iterator[Event]:
        found: Iterator[Event] = ijson.parse(source, buf_size=CHUNK_BYTES, use_float=True)
        return found

    return _in_two_ways(path, events, _event, told=0 if is_counted else sys.maxsize)


def damaged() -> tuple[type[Exception], ...]:
    """What is raised where a document is damaged.

    Raises:
        ModuleNotFoundError: the extra ``importers`` is not installed.
    """
    import ijson

    return (ijson.JSONError, *UNREADABLE)


def _in_two_ways(
    path: Path,
    parse: Callable[[Source], Iterator[T]],
    restore: Callable[[T], T],
    told: int = 0,
) -> Iterator[T]:
    """What is parsed; where that fails, what is parsed from there on with odd numbers as texts."""
    done = 0
    with open_text(path) as file:
        source = CountedFile(file, told)
        try:
            for value in parse(source):
                yield value
                done += 1
        except damaged():
            pass
        else:
            return
    with open_text(path) as file:
        again = OddNumbers(CountedFile(file, max(told, source.size)))
        yield from map(restore, islice(parse(again), done, None))


def _event(event: Event) -> Event:
    place, kind, value = event
    if not is_marked(value):
        return event
    if kind == "map_key":
        raise ValueError(NO_KEY)
    return place, "number", number_of(value)
