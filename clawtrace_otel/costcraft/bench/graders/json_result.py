"""Graders that read JSON: what an agent, or a program that looked at its work, says."""

import math
from pathlib import Path

import msgspec

from clawtrace_otel.costcraft.bench.graders.verdict import Verdict

MAX_BYTES = 256 << 20
"""Of a file: a results file of tau2 has every message of its simulations."""

MAX_LINE_BYTES = 64 << 10
MAX_WHY_CHARS = 500


class Said(msgspec.Struct, frozen=True):
    """What is read of the object; other keys do not matter."""

    passed: bool | None = None
    score: float | None = None
    why: str = ""


def read_said(data: bytes) -> Said | None:
    """The object; ``None`` if it is none, or has neither ``passed`` nor a finite ``score``."""
    try:
        said = msgspec.json.decode(data, type=Said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if said.score is not None and not math.isfinite(said.score):
        return None
    return None if said.passed is None and said.score is None else said


def verdict_of(said: Said, pass_score: float) -> Verdict:
    """``passed`` counts; without it, whether ``score`` is at least ``pass_score``."""
    passed = said.passed
    if passed is None and said.score is not None:
        passed = said.score >= pass_score
    return Verdict(passed, said.score, said.why[:MAX_WHY_CHARS])


def last_line(path: Path) -> bytes:
    """The last line of a file that is not empty; of a longer one its end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - MAX_LINE_BYTES, 0))
        lines = [line.strip() for line in file.read().splitlines()]
    return next((line for line in reversed(lines) if line), b"")


def read_file(path: Path) -> bytes | None:
    """What an agent wrote; ``None`` if it is not there, no file or too long."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            return None
        return path.read_bytes()
    except OSError:
        return None
