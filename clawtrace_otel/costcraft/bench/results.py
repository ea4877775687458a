"""What is known of each run, one line of JSON each, appended when the run is over.

A later line of the same run replaces an earlier one. A bench that was interrupted goes on from it.
"""

import os
import threading
from collections.abc import Iterable
from pathlib import Path

import msgspec

from clawtrace_otel.costcraft.bench.process import Ending
from clawtrace_otel.errors import CostCraftError

FILE = "results.jsonl"


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What the cards of a run say of it.

    Attributes:
        cards: trace ids; a run may have several traces.
        usd: ``None`` if it is not known, for the reason in ``why``.
        at_least_usd: what is known of it.
    """

    cards: list[str] = []
    usd: float | None = None
    at_least_usd: float = 0.0
    why: str = ""
    llm_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    waste_usd: float = 0.0


class Limits(msgspec.Struct, frozen=True):
    """What a run may take: seconds, and USD. ``None``: as much as it likes."""

    time_limit: float | None = None
    max_usd: float | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is over.

    Attributes:
        run: its id, which is on its cards and is the name of its folder.
        digests: of agent, task and skill, as they were.
        grader: digest of the grader.
        limits: under which it was run.
        exit_code: of the agent; negative: killed by that signal.
        passed: ``None`` if the grader could not tell.
        why: what the grader said, or why the run was ended.
    """

    task: str
    condition: str
    repeat: int
    run: str
    started: str
    digests: dict[str, str]
    grader: str
    limits: Limits = Limits()
    ending: Ending
    exit_code: int
    seconds: float
    passed: bool | None
    score: float | None = None
    why: str = ""
    spent: Spent = Spent()

    @property
    def key(self) -> tuple[str, str, int]:
        """Which of the runs of a bench it is."""
        return self.task, self.condition, self.repeat


class Results:
    """The results in a folder; may be used by several threads.

    Raises:
        CostCraftError: the file cannot be read, or a line in it is no result.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lock = threading.Lock()
        self._by_run: dict[str, Result] = {}
        for result in _read(self._path):
            self._by_run[result.run] = result

    def all(self) -> list[Result]:
        """All runs, in the order in which they ended."""
        with self._lock:
            return list(self._by_run.values())

    def add(self, result: Result) -> None:
        """Keep a result; it is on disk when this returns.

        Raises:
            CostCraftError: it cannot be written.
        """
        line = msgspec.json.encode(result) + b"\n"
        with self._lock:
            self._by_run[result.run] = result
            try:
                _append(self._path, line)
            except OSError as e:
                msg = f"cannot write {self._path}: {e}"
                raise CostCraftError(msg) from e


def _append(path: Path, line: bytes) -> None:
    with path.open("ab") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> Iterable[Result]:
    if not path.exists():
        return []
    try:
        data = path.read_bytes()
    except OSError as e:
        msg = f"cannot read {path}: {e}"
        raise CostCraftError(msg) from e
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        # The last line was being written when the machine went down; its run is done again.
        os.truncate(path, len(whole))
    return [_decode(line, f"{path}:{number}") for number, line in enumerate(whole.splitlines(), 1)]


def _decode(line: bytes, where: str) -> Result:
    try:
        return msgspec.json.decode(line, type=Result)
    except msgspec.DecodeError as e:
        msg = f"{where} is no result of a bench: {e}"
        raise CostCraftError(msg) from e
