"""Cards from files, checked. Keys that this version does not know are kept."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, cast

import msgspec
import yaml
from yaml.constructor import ConstructorError

from clawtrace_otel.errors import CardError
from clawtrace_otel.storage.interface import Store
from clawtrace_otel.storage.open import open_store
from clawtrace_otel.storage.urls import Where, parse_where
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.yaml_io import Loader

MAX_FILE_BYTES = 1 << 20
"""A larger file is no card."""

SUFFIX = ".yaml"

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


def read_card(where: Where) -> Card:
    """The card in a file, or at a URL.

    Raises:
        CardError: the file cannot be read or is no valid TraceCard; the message names the file and
            the path to the key.
        ConfigError: the URL cannot be used.
    """
    folder, name = _parted(where)
    return read_card_in(open_store(folder), name)


def read_card_in(store: Store, name: str) -> Card:
    """The card in a file of a store.

    Raises:
        CardError: see :func:`read_card`.
    """
    where = store.place(name)
    try:
        data = store.read(name, MAX_FILE_BYTES)
    except OSError as e:
        msg = f"cannot read {where}: {e}"
        raise CardError(msg) from e
    return parse_card(data, where)


def read_cards(where: Where) -> Iterator[tuple[str, Card | CardError]]:
    """All cards of a folder by name, or the one card of a file; with where each is.

    Of object storage several are read at the same time. What is no card is an error among them.

    Raises:
        CardError: the folder cannot be read.
        ConfigError: the URL cannot be used.
    """
    if is_card_file(where):
        folder, name = _parted(where)
        yield from read_cards_in(open_store(folder), [name])
    else:
        yield from read_cards_in(open_store(where))


def read_cards_in(
    store: Store, names: Sequence[str] | None = None
) -> Iterator[tuple[str, Card | CardError]]:
    """The cards of a store: those in some files, or all. See :func:`read_cards`.

    Raises:
        CardError: the store cannot be read.
    """
    names = card_names(store) if names is None else names
    for name, data in store.read_many(names, MAX_FILE_BYTES):
        yield store.place(name), _card_or_error(data, store.place(name))


def card_names(store: Store) -> list[str]:
    """The card files of a store, by name.

    Raises:
        CardError: the store cannot be read.
    """
    try:
        return [name for name in store.names() if name.endswith(SUFFIX)]
    except OSError as e:
        msg = f"cannot read {store.where}: {e}"
        raise CardError(msg) from e


def is_card_file(where: Where) -> bool:
    """Whether it names a card rather than a folder: of a URL, its end says so.

    Raises:
        ConfigError: the URL cannot be used.
    """
    parsed = parse_where(where)
    return not parsed.is_dir() if isinstance(parsed, Path) else parsed.text.endswith(SUFFIX)


def _parted(where: Where) -> tuple[Where, str]:
    parsed = parse_where(where)
    if isinstance(parsed, Path):
        return parsed.parent, parsed.name
    folder, _, name = parsed.text.rpartition("/")
    return folder, name


def _card_or_error(data: bytes | OSError, where: str) -> Card | CardError:
    if isinstance(data, OSError):
        return CardError(f"cannot read {where}: {data}")
    try:
        return parse_card(data, where)
    except CardError as e:
        return e


def parse_card(data: bytes, where: str) -> Card:
    """The card in the content of a file.

    Raises:
        CardError: see :func:`read_card`.
    """
    if len(data) > MAX_FILE_BYTES:
        msg = f"{where} has over {MAX_FILE_BYTES} bytes; no TraceCard is that large"
        raise CardError(msg)
    try:
        value = yaml.load(data.decode(), _Loader)
    except (ValueError, yaml.YAMLError, RecursionError) as e:
        msg = f"cannot read {where}: {e}"
        raise CardError(msg) from e
    return check_card(value, where)


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
