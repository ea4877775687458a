"""OTLP requests in a JSON file that is one document, a few hundred spans at a time.

The document is a request or a list of them, however it is indented. What has been handed out is
forgotten, so that memory is bounded by the part that is in hand.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clawtrace_otel.importers.formats.json_items import damaged, read_json_events
from clawtrace_otel.importers.formats.json_lines import shorten
from clawtrace_otel.importers.importer import Problem

MAX_SPANS = 500
"""Handed out at a time, at most."""

MAX_CHARS = 4 * 1024 * 1024
"""Of the texts in them; with the span that goes beyond it, it is enough."""

_LEVELS = (
    ("resourceSpans", "resource_spans", "resourceLogs", "resource_logs"),
    ("scopeSpans", "scope_spans", "scopeLogs", "scope_logs"),
    ("spans", "logRecords", "log_records"),
)
"""Keys of the nested lists of a request, from the outside in."""

_ENDS = frozenset({"end_map", "end_array", "string", "number", "boolean", "null"})

_MAPS = frozenset({"start_map", "end_map"})

_RECORD = re.compile(
    r"(?:item\.)?" + r"\.item\.".join(f"(?:{'|'.join(keys)})" for keys in _LEVELS) + r"\.item"
)
"""The place of a span or log record in a document."""


def read_document(path: Path) -> Iterator[tuple[int, object] | Problem]:
    """The requests of a document; a large one comes in pieces.

    Each is changed after it was handed out: take what you need before you ask for the next.

    Yields:
        (index in the list, request); and a last problem if the document breaks off or is damaged.

    Raises:
        OSError: the file cannot be read.
        ModuleNotFoundError: the extra ``importers`` is not installed.
    """
    import ijson

    built = ijson.ObjectBuilder()
    index = 0
    held = _Held()
    try:
        for place, event, value in read_json_events(path):
            built.event(event, value)
            is_full = held.add(place, event, value)
            ended = place == "item" and event in _ENDS and isinstance(built.value, list)
            if ended or is_full:
                yield index, _request(built.value)
                _forget(built.value, ended=ended)
                index, held = index + ended, _Held()
    except damaged() as e:
        if held.is_open:
            _drop_last(built.value)
        if held.spans:
            yield index, _request(built.value)
        yield Problem(path, 0, f"damaged JSON: {shorten(e)}")
        return
    if not isinstance(built.value, list):
        yield index, built.value


class _Held:
    """How much of a document is in hand.

    Attributes:
        spans: that are complete.
        is_open: there is one that is not.
    """

    def __init__(self) -> None:
        self.spans = 0
        self.is_open = False
        self._chars = 0

    def add(self, place: str, event: str, value: object) -> bool:
        """Count what was read; true at the end of a span with which it is enough."""
        if isinstance(value, str):
            self._chars += len(value)
        if event not in _MAPS or not _RECORD.fullmatch(place):
            return False
        self.is_open = event == "start_map"
        self.spans += not self.is_open
        return not self.is_open and (self.spans >= MAX_SPANS or self._chars >= MAX_CHARS)


def _request(root: Any) -> object:
    return root[-1] if isinstance(root, list) else root


def _lists(holder: object, keys: tuple[str, ...]) -> list[list[Any]]:
    if not isinstance(holder, dict):
        return []
    return [holder[key] for key in keys if isinstance(holder.get(key), list)]


def _forget(root: Any, *, ended: bool) -> None:
    """Empty what was handed out; only what is still being read keeps its resource and scope."""
    if ended:
        del root[:]
        return
    holders: list[Any] = [_request(root)]
    for level, keys in enumerate(_LEVELS):
        lists = [items for holder in holders for items in _lists(holder, keys)]
        for items in lists:
            del items[: None if level == len(_LEVELS) - 1 else -1]
        holders = [items[-1] for items in lists if items]


def _drop_last(root: Any) -> None:
    """Take away the span that was being read when the document broke off."""
    holder: Any = _request(root)
    for keys in _LEVELS[:-1]:
        holder = next(items for items in _lists(holder, keys) if items)[-1]
    next(items for items in _lists(holder, _LEVELS[-1]) if items).pop()
