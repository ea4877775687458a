"""Cards from files, checked. Keys that this version does not know are kept."""

import math
from pathlib import Path
from typing import ClassVar, cast

import msgspec
import yaml
from yaml.constructor import ConstructorError

from clawtrace_otel.errors import CardError
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.yaml_io import Loader

MAX_FILE_BYTES = 1 << 20
"""A larger file is no card."""


_TAG = "tag:yaml.org,2002:"
_KINDS = ("null", "bool", "int", "str", "seq", "map")


def _finite(loader: Loader, node: yaml.ScalarNode) -> float:
    number = loader.construct_yaml_float(node)
    if not math.isfinite(number):
        raise ConstructorError(None, None, f"{node.value} is no number", node.start_mark)
    return number


class _Loader(Loader):
    """Reads what JSON can hold as well; a date stays the text that it is."""

    yaml_constructors: ClassVar = {
        None: Loader.construct_undefined,
        **{_TAG + kind: Loader.yaml_constructors[_TAG + kind] for kind in _KINDS},
        _TAG + "float": _finite,
        _TAG + "timestamp": Loader.construct_yaml_str,
    }


def read_card(path: Path) -> Card:
    """The card in a file.

    Raises:
        CardError: the file cannot be read or is no valid TraceCard; the message names the file and
            the path to the key.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            msg = f"{path} has over {MAX_FILE_BYTES} bytes; no TraceCard is that large"
            raise CardError(msg)
        value = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as e:
        msg = f"cannot read {path}: {e}"
        raise CardError(msg) from e
    return check_card(value, str(path))


def check_card(value: object, where: str) -> Card:
    """``value`` as a card, with unknown keys kept.

    Args:
        value: what a YAML loader gave.
        where: names the source in the error message.

    Raises:
        CardError: it does not fit the schema.
    """
    try:
        msgspec.convert(value, Card)
    except msgspec.ValidationError as e:
        msg = f"{where} is no valid TraceCard: {e}"
        raise CardError(msg) from e
    return cast("Card", value)


def card_paths(folder: Path) -> list[Path]:
    """The card files of a folder, by name."""
    return sorted(path for path in folder.glob("*.yaml") if not path.name.startswith("."))
