"""Journal files as a killed service leaves them, and damage to them."""

import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from clawtrace_otel.collector.journal.interface import Delivery
from clawtrace_otel.collector.journal.sqlite import SqliteJournal
from clawtrace_otel.semconv.step import Step
from tests.collector.otlp import trace_id
from tests.journal.deliveries import close_card, span_id

PAGE_BYTES = 16384
FRAME_BYTES = PAGE_BYTES + 24
LOG_HEADER_BYTES = 32

TRACES = [trace_id(n) for n in range(1, 61)]
REMOVED = TRACES[:20]
CLOSED = TRACES[20:40]


@dataclass
class Files:
    """A SQLite file and its write-ahead log.

    Attributes:
        flipped: offsets of changed bytes, by part.
    """

    parts: dict[str, bytes]
    flipped: dict[str, list[int]]

    def write(self, folder: Path) -> Path:
        """Write them into a folder; the path of the SQLite file."""
        path = folder / "journal.db"
        for end, data in self.parts.items():
            Path(f"{path}{end}").write_bytes(data)
        return path

    def cut(self, end: str, at: int) -> "Files":
        """The same with a part truncated."""
        return Files(self.parts | {end: self.parts[end][:at]}, self.flipped)

    def flip(self, end: str, r: random.Random, times: int, before: int = 0) -> "Files":
        """The same with some bytes changed, none of the last so many."""
        data = bytearray(self.parts[end])
        # What is no SQLite file any more is refused, which is another test.
        places = [r.randrange(0 if end else 100, len(data) - before) for _ in range(times)]
        for place in places:
            data[place] ^= r.randrange(1, 256)
        return Files(self.parts | {end: bytes(data)}, self.flipped | {end: places})

    def holds(self, data: bytes) -> bool:
        """Whether bytes still stand on a page on which no byte was changed."""
        return any(
            self._is_untouched(end, at)
            for end, content in self.parts.items()
            for at in _places_of(data, content)
        )

    def _is_untouched(self, end: str, at: int) -> bool:
        return self._page(end, at) not in {self._page(end, place) for place in self.flipped[end]}

    @staticmethod
    def _page(end: str, at: int) -> int:
        return (at - LOG_HEADER_BYTES) // FRAME_BYTES if end else at // PAGE_BYTES


def _places_of(data: bytes, content: bytes) -> list[int]:
    places = []
    at = content.find(data)
    while at >= 0:
        places.append(at)
        at = content.find(data, at + 1)
    return places


def _step(n: int, trace: str, size: int) -> Step:
    return Step(trace_id=trace, span_id=span_id(n), name="x" * size)


def _fill(journal: SqliteJournal, r: random.Random, first: int) -> None:
    """A delivery of some size to each trace."""
    for n, trace in enumerate(TRACES):
        size = r.choice([10, 300, 300, 3000, 20_000])
        delivery = Delivery(
            steps={trace: [_step(first + k, trace, size) for k in range(2)]},
            forwards=[b"request %d" % (first * 1000 + n)],
        )
        journal.append(delivery)


@cache
def files_of_a_killed_service() -> Files:
    """Half of it is in the log alone."""
    r = random.Random(1)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        journal = SqliteJournal(path)
        for n in range(4):
            _fill(journal, r, 10 * n)
        for trace in REMOVED + CLOSED:
            close_card(journal, trace)
        journal.remove(REMOVED)
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for trace in TRACES[40:]:
            for n in range(100, 104):
                journal.append(Delivery(steps={trace: [_step(n, trace, 500)]}))
        for end in ("", "-wal"):
            shutil.copy(f"{path}{end}", f"{path}.copy{end}")
        journal.close()
        copies = {end: Path(f"{path}.copy{end}").read_bytes() for end in ("", "-wal")}
    return Files(copies, {"": [], "-wal": []})


Key = tuple[bytes, int, int]


@cache
def deliveries_of_a_killed_service() -> dict[Key, bytes]:
    """Trace, part and number -> the row."""
    with TemporaryDirectory() as folder:
        path = files_of_a_killed_service().write(Path(folder))
        with closing(sqlite3.connect(path)) as db:
            rows = db.execute("SELECT trace, part, number, data FROM deliveries").fetchall()
    return {(trace, part, number): data for trace, part, number, data in rows}
