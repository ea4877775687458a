"""The folder that cards are written to."""

import re
import time
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from clawtrace_otel.errors import CardError, ConfigError
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import read_card
from clawtrace_otel.tracecard.write import write_text

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


LEFTOVER_SECONDS = 3600.0


class CardFolder:
    """Writes cards as ``<trace id>.yaml``.

    Args:
        path: the folder; it is made if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def check(self) -> None:
        """Make the folder and try whether it can be written to.

        Raises:
            ConfigError: it cannot.
        """
        probe = self.path / ".clawtrace-probe"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"")
            probe.unlink()
            self._remove_leftovers()
        except OSError as e:
            msg = f"cards cannot be written to {self.path}: {e}; choose another folder with --cards"
            raise ConfigError(msg) from e

    def _remove_leftovers(self) -> None:
        """What a process that was killed had begun to write. Another may be writing now."""
        before = time.time() - LEFTOVER_SECONDS
        for path in self.path.glob(".*.tmp"):
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    def write(self, trace_id: str, text: str, part: str = "") -> Path:
        """Write a card.

        Args:
            trace_id: of the card.
            text: the card as YAML.
            part: id of the span that names the card of a part of a trace.

        Raises:
            OSError: the folder cannot be written to.
        """
        path = self.file(trace_id, part)
        write_text(text, path)
        return path

    def read(self, trace_id: str) -> Card | None:
        """The card of a trace; ``None`` if there is none, or none that can be read."""
        try:
            return read_card(self.file(trace_id))
        except (OSError, CardError):
            return None

    def remove(self, trace_id: str, part: str = "") -> None:
        """Remove a card if there is one."""
        self.file(trace_id, part).unlink(missing_ok=True)

    def file(self, trace_id: str, part: str = "") -> Path:
        """The file of a card.

        Raises:
            ValueError: the name would not be made of ids; nothing else may choose a file.
        """
        name = f"{trace_id}-{part}" if part else trace_id
        if not _NAME.fullmatch(name):
            msg = f"{name!r} is no name of a card"
            raise ValueError(msg)
        return self.path / f"{name}.yaml"
