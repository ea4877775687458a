"""Answers that were paid for, in a file of JSON lines: what is there is not asked again."""

import os
from math import fsum
from pathlib import Path

import msgspec
from msgspec import Struct

from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.ids import derived_id

FILE_NAME = "llm-answers.jsonl"
_KEY_BYTES = 16


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line: a call that was paid for.

    Attributes:
        key: of what was asked.
        model: that answered.
        text: the answer; empty if it was nonsense: that is asked again.
        input, output: tokens, as the endpoint counts them.
        usd: what the call cost; ``None`` if that is unknown.
    """

    key: str
    model: str
    text: str = ""
    input: int = 0
    output: int = 0
    usd: float | None = None


class Journal:
    """The answers in a folder.

    A line that was cut off when a machine stopped is left out, and so is what is no entry.

    Args:
        path: the file; it is made with the first answer.

    Raises:
        CostCraftError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._answers: dict[str, str] = {}
        self.spent: list[float] = []
        self.damaged = 0
        self._is_cut_off = False
        self._read()

    @property
    def spent_usd(self) -> float:
        """What all entries cost, as far as it is known; those of earlier distillations too."""
        return fsum(self.spent)

    def get(self, key: str) -> str | None:
        """The answer to what was asked before."""
        return self._answers.get(key)

    def add(self, entry: Entry) -> None:
        """Note an answer for good.

        Raises:
            CostCraftError: it cannot be written.
        """
        line = msgspec.json.encode(entry) + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(b"\n" + line if self._is_cut_off else line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as e:
            msg = f"an answer cannot be noted in {self.path}: {e}"
            raise CostCraftError(msg) from e
        self._is_cut_off = False
        self._take(entry)

    def _take(self, entry: Entry) -> None:
        if entry.text:
            self._answers[entry.key] = entry.text
        if entry.usd is not None:
            self.spent.append(entry.usd)

    def _read(self) -> None:
        try:
            data = self.path.read_bytes() if self.path.exists() else b""
        except OSError as e:
            msg = f"earlier answers cannot be read from {self.path}: {e}"
            raise CostCraftError(msg) from e
        self._is_cut_off = bool(data) and not data.endswith(b"\n")
        for line in data.splitlines():
            try:
                self._take(msgspec.json.decode(line, type=Entry))
            except (msgspec.DecodeError, UnicodeDecodeError):
                self.damaged += bool(line.strip())


def key_of(model: str, asked: str) -> str:
    """The name of a question: the model, and all that it is told in it."""
    return derived_id(_KEY_BYTES, model, asked)
