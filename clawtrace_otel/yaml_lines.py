"""Writing YAML whose lines are ours: what gets lines of its own, and what stays on one.

YAML events go straight to libyaml's emitter, so that the style of every line is ours
(``docs/decisions/0002-yaml-events.md``). Strings are plain only where every YAML 1.1 and 1.2 reader
takes them for strings.
"""

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import yaml
from yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

Layout = Mapping[str, "Layout"]
"""The keys of a mapping whose values get lines of their own, each with the layout of its value.

A list has its items one a line, and they are on one line each, unless ``ITEMS`` is a key too.
"""

ITEMS = "-"

_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@-]*")
_ID = re.compile(r"[0-9a-f]{16,32}")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_ONE_LINE = 1 << 30
_SURROGATE = re.compile("[\ud800-\udfff]")


def dump(value: Mapping[str, Any] | list[Any], layout: Layout) -> str:
    """Plain data as YAML; equal data, with its keys in the same order, gives equal text.

    Args:
        value: of mappings, lists, texts, numbers, booleans and ``None``. Half of a surrogate pair,
            which no file can hold, becomes the replacement character.
        layout: of its lines.
    """
    events = _document(_value(value, layout))
    text: str = yaml.emit(events, Dumper=_Dumper, width=_ONE_LINE, allow_unicode=True)
    return text


def _document(events: Iterator[Event]) -> Iterator[Event]:
    yield StreamStartEvent()
    yield DocumentStartEvent(explicit=False)
    yield from events
    yield DocumentEndEvent(explicit=False)
    yield StreamEndEvent()


def _value(value: Any, layout: Layout | None) -> Iterator[Event]:
    """The events of a value; without a layout it is on one line."""
    if isinstance(value, Mapping):
        yield from _mapping(value, layout)
    elif isinstance(value, list):
        yield from _sequence(value, layout)
    else:
        yield _scalar(value)


def _mapping(value: Mapping[str, Any], layout: Layout | None) -> Iterator[Event]:
    yield MappingStartEvent(None, None, implicit=True, flow_style=layout is None)
    for key, item in value.items():
        yield _key(key)
        yield from _value(item, None if layout is None else layout.get(key))
    yield MappingEndEvent()


def _sequence(items: list[Any], layout: Layout | None) -> Iterator[Event]:
    yield SequenceStartEvent(None, None, implicit=True, flow_style=layout is None or not items)
    for item in items:
        yield from _value(item, None if layout is None else layout.get(ITEMS))
    yield SequenceEndEvent()


def _key(key: str) -> ScalarEvent:
    """Our own are plain, also ``n``; one that a file brought may be anything."""
    return ScalarEvent(None, None, (True, False), key) if key == "n" else _scalar(key)


def _scalar(value: Any) -> ScalarEvent:
    if isinstance(value, str):
        return _text(value)
    return ScalarEvent(None, None, (True, False), _literal(value))


def _text(value: str) -> ScalarEvent:
    if _PLAIN.fullmatch(value) and not _ID.fullmatch(value) and value.lower() not in _WORDS:
        return ScalarEvent(None, None, (True, False), value)
    style = "'" if '"' in value or "\\" in value else '"'
    if not value.isascii():
        value = _SURROGATE.sub("\ufffd", value)
    return ScalarEvent(None, None, (False, True), value, style=style)


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _decimal(value) if isinstance(value, float) else str(value)


def _decimal(value: float) -> str:
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    text = f"{Decimal(repr(value)):f}"
    return text if "." in text else text + ".0"
