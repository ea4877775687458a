"""What stands in a JSON document, picked out in one pass: memory is bounded by the largest part."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from pathlib import Path

from clawtrace_otel.importers.formats.json_items import Event, damaged, read_json_events
from clawtrace_otel.importers.formats.json_lines import shorten
from clawtrace_otel.importers.importer import Problem

_VALUES = frozenset({"null", "boolean", "number", "string"})
_OPENING = frozenset({"start_map", "start_array"})
_CLOSING = frozenset({"end_map", "end_array"})


def read_members(path: Path, lists: Collection[str]) -> Iterator[tuple[str, object] | Problem]:
    """The members of the object that a document is.

    Args:
        path: of the file.
        lists: keys of lists that are handed out item by item.

    Yields:
        (key, value), for an item of a list the key of the list; and a last problem if the file
        breaks off or is damaged.

    Raises:
        OSError: the file cannot be read.
        ModuleNotFoundError: the extra ``importers`` is not installed.
    """
    import ijson

    key, depth, built = "", 0, None
    try:
        for place, event, value in read_json_events(path):
            if built is None:
                key = _begun(place, event, lists)
                if not key:
                    continue
                built = ijson.ObjectBuilder()
            built.event(event, _number(value))
            depth += (event in _OPENING) - (event in _CLOSING)
            if depth == 0:
                yield key, built.value
                built = None
    except damaged() as e:
        yield Problem(path, 0, f"damaged JSON: {shorten(e)}")


def _begun(place: str, event: str, lists: Collection[str]) -> str:
    """The key of the part that begins with an event; empty if none does."""
    if event not in _VALUES and event not in _OPENING:
        return ""
    if place in lists:
        return "" if event == "start_array" else place
    key, _, rest = place.partition(".")
    return key if key in lists and rest == "item" else place


def read_values(path: Path) -> Iterator[tuple[str, object] | Problem]:
    """The texts, numbers and truth values of a document, wherever they stand.

    Yields:
        (place, value), the place with dots between keys and ``item`` for an item of a list; and a
        last problem if the file breaks off or is damaged.

    Raises:
        OSError: the file cannot be read.
        ModuleNotFoundError: the extra ``importers`` is not installed.
    """
    try:
        events: Iterator[Event] = read_json_events(path)
        for place, event, value in events:
            if event in _VALUES and value is not None:
                yield place, _number(value)
    except damaged() as e:
        yield Problem(path, 0, f"damaged JSON: {shorten(e)}")


def _number(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value
