"""Cards as YAML, and as files that a reader never sees half of.

YAML events go straight to libyaml's emitter, so that the style of every line is ours
(``docs/decisions/0002-yaml-events.md``). Strings are plain only where every YAML 1.1 and 1.2 reader
takes them for strings.
"""

import os
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from secrets import token_hex
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

from clawtrace_otel.tracecard.model import Card, StepLine

_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@-]*")
_ID = re.compile(r"[0-9a-f]{16,32}")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_ONE_LINE = 1 << 30

_KEYS = {key: n for n, key in enumerate(Card.__annotations__)}
_BLOCK = frozenset({"total", "steps", "redundant", "loops", "unpriced"})
"""The keys whose values get lines of their own; everything else is written in flow style."""


def dump_card(card: Card) -> str:
    """A card as YAML; equal cards give equal text."""
    ordered = sorted(card.items(), key=lambda entry: _KEYS.get(entry[0], len(_KEYS)))
    return _emit(_mapping(dict(ordered), block=True))


def dump_step(line: StepLine) -> str:
    """One step as its line in a card."""
    return _emit(_sequence([line], block=True))


def write_text(text: str, path: Path) -> None:
    """Write a file at once: readers see the old text or the new one.

    Raises:
        OSError: the folder cannot be written to.
    """
    # No process id: in containers that share a folder, all writers may have the same one.
    temporary = path.with_name(f".{path.name}.{token_hex(4)}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a renaming last, also when the machine loses power. Windows cannot, nor need it."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _emit(events: Iterator[Event]) -> str:
    text: str = yaml.emit(_document(events), Dumper=_Dumper, width=_ONE_LINE, allow_unicode=True)
    return text


def _document(events: Iterator[Event]) -> Iterator[Event]:
    yield StreamStartEvent()
    yield DocumentStartEvent(explicit=False)
    yield from events
    yield DocumentEndEvent(explicit=False)
    yield StreamEndEvent()


def _mapping(value: Mapping[str, Any], *, block: bool) -> Iterator[Event]:
    yield MappingStartEvent(None, None, implicit=True, flow_style=not block)
    for key, item in value.items():
        yield _key(key)
        yield from _value(item, block=block and key in _BLOCK)
    yield MappingEndEvent()


def _sequence(items: list[Any], *, block: bool) -> Iterator[Event]:
    yield SequenceStartEvent(None, None, implicit=True, flow_style=not block)
    for item in items:
        yield from _value(item, block=False)
    yield SequenceEndEvent()


def _value(value: Any, *, block: bool) -> Iterator[Event]:
    if isinstance(value, Mapping):
        yield from _mapping(value, block=block)
    elif isinstance(value, list):
        yield from _sequence(value, block=block and bool(value))
    else:
        yield _scalar(value)


def _key(key: str) -> ScalarEvent:
    """Our own are plain, also ``n``; one that a file brought may be anything."""
    return ScalarEvent(None, None, (True, False), key) if key == "n" else _scalar(key)


def _scalar(value: Any) -> ScalarEvent:
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and not _ID.fullmatch(value)
        if plain and value.lower() not in _WORDS:
            return ScalarEvent(None, None, (True, False), value)
        style = "'" if '"' in value or "\\" in value else '"'
        return ScalarEvent(None, None, (False, True), value, style=style)
    return ScalarEvent(None, None, (True, False), _literal(value))


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = f"{Decimal(repr(value)):f}"
        return text if "." in text else text + ".0"
    return str(value)
