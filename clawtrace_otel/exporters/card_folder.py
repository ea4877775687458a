"""The folder that cards are written to, on this machine or in object storage."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from clawtrace_otel.errors import CardError
from clawtrace_otel.storage.open import open_store
from clawtrace_otel.storage.urls import Where
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import read_card_in

_NAME = re.compile(r"[0-9a-f]{32}(-[0-9a-f]+)?")


@dataclass(frozen=True, slots=True)
class CardMark:
    """What is remembered of the last card of a trace.

    Attributes:
        revision: of the card.
        digest: of its text; empty if none was written.
        closed: the trace was closed with it, so that a change makes a new revision.
    """

    revision: int = 1
    digest: bytes = b""
    closed: bool = False


def mark(text: str, revision: int, *, closed: bool) -> CardMark:
    """The mark of a card that is about to be written."""
    return CardMark(revision, blake2b(text.encode(), digest_size=16).digest(), closed)


class CardFolder:
    """Writes cards as ``<trace id>.yaml``.

    Args:
        where: path of the folder, or URL of object storage. A folder is made by :meth:`check`.

    Raises:
        ConfigError: the URL cannot be used, or packages for its scheme are missing.
    """

    def __init__(self, where: Where) -> None:
        self.store = open_store(where)

    @property
    def where(self) -> str:
        """The folder as people know it, without secrets."""
        return self.store.where

    def check(self) -> None:
        """Make the folder and try whether it can be written to.

        Raises:
            ConfigError: it cannot.
        """
        self.store.check()

    def write(self, trace_id: str, text: str, part: str = "") -> None:
        """Write a card.

        Args:
            trace_id: of the card.
            text: the card as YAML.
            part: id of the span that names the card of a part of a trace.

        Raises:
            OSError: the folder cannot be written to.
        """
        self.store.write(file_name(trace_id, part), text)

    def read(self, trace_id: str) -> Card | None:
        """The card of a trace; ``None`` if there is none, or none that can be read."""
        try:
            return read_card_in(self.store, file_name(trace_id))
        except CardError:
            return None

    def text(self, trace_id: str) -> str:
        """The card of a trace as it is; empty if there is none.

        Raises:
            OSError: the folder cannot be read.
        """
        try:
            return self.store.read(file_name(trace_id)).decode(errors="replace")
        except FileNotFoundError:
            return ""

    def remove(self, trace_id: str, part: str = "") -> None:
        """Remove a card if there is one.

        Raises:
            OSError: it cannot be removed.
        """
        self.store.remove(file_name(trace_id, part))

    def missing(self, trace_ids: Iterable[str]) -> set[str]:
        """Those of the traces that have no card.

        Raises:
            OSError: the folder cannot be read.
        """
        names = {file_name(trace_id): trace_id for trace_id in trace_ids}
        return {names[name] for name in self.store.missing(names)}


def file_name(trace_id: str, part: str = "") -> str:
    """The name of a card's file.

    Raises:
        ValueError: it would not be made of ids; nothing else may choose a file.
    """
    name = f"{trace_id}-{part}" if part else trace_id
    if not _NAME.fullmatch(name):
        msg = f"{name!r} is no name of a card"
        raise ValueError(msg)
    return f"{name}.yaml"
