"""What real instrumentations sent; each capture has ids of its own, so that all may be mixed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from clawtrace_otel.otlp.json_body import logs_to_protobuf, traces_to_protobuf

FOLDER = Path(__file__).parents[1] / "fixtures" / "otlp"

# Captures number their ids, and all begin at ten o'clock: what has the same service or session in
# two of them would be taken for one run.
_TRACE = re.compile(r"\b0{16}(?=0{8}[0-9a-f]{8}\b)")
_UUID = re.compile(r"\b0{8}(?=-0000-0000-0000-[0-9a-f]{12}\b)")
_CONVERSATION = re.compile(r"\bconversation-(?=\d+\b)")
_SERVICE = re.compile(r'(?<="key":"service.name","value":{"stringValue":")')


@dataclass(frozen=True, slots=True)
class Captured:
    """The export requests of one file, as protobuf.

    Attributes:
        name: of the file, without its ending.
        lines: the same as OTLP/JSON.
    """

    name: str
    lines: tuple[bytes, ...]
    traces: tuple[bytes, ...]
    logs: tuple[bytes, ...]


def captured(*patterns: str) -> list[Captured]:
    """All captures whose file fits one of the globs, in the same order each time."""
    paths = sorted({path for pattern in patterns for path in FOLDER.glob(pattern)})
    return [_read(path, 1 + n) for n, path in enumerate(paths)]


def _read(path: Path, number: int) -> Captured:
    lines = [_renumbered(line, number) for line in path.read_text("utf-8").splitlines()]
    traces = (traces_to_protobuf(line) for line in _with(lines, "resourceSpans"))
    logs = (logs_to_protobuf(line) for line in _with(lines, "resourceLogs"))
    return Captured(path.stem, tuple(lines), tuple(traces), tuple(logs))


def _renumbered(line: str, number: int) -> bytes:
    line = _TRACE.sub(f"{number:016x}", line)
    line = _UUID.sub(f"{number:08x}", line)
    line = _SERVICE.sub(f"{number}-", line)
    return _CONVERSATION.sub(f"conversation-{number}-", line).encode()


def _with(lines: list[bytes], key: str) -> Iterator[bytes]:
    return (line for line in lines if key in msgspec.json.decode(line))
