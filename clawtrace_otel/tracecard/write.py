"""Cards as YAML, and as files that a reader never sees half of."""

import os
from pathlib import Path
from secrets import token_hex

from clawtrace_otel.tracecard.model import Card, StepLine
from clawtrace_otel.yaml_lines import Layout, dump

_KEYS = {key: n for n, key in enumerate(Card.__annotations__)}
_LINES: Layout = {"total": {}, "steps": {}, "redundant": {}, "loops": {}, "unpriced": {}}
"""The keys whose values get lines of their own; everything else is written in flow style."""


def dump_card(card: Card) -> str:
    """A card as YAML; equal cards give equal text."""
    ordered = sorted(card.items(), key=lambda entry: _KEYS.get(entry[0], len(_KEYS)))
    return dump(dict(ordered), _LINES)


def dump_step(line: StepLine) -> str:
    """One step as its line in a card."""
    return dump([line], {})


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
