"""The write-ahead log of a SQLite file, read frame by frame: https://www.sqlite.org/fileformat2.html.

SQLite stops at the first frame whose checksum is wrong, and says nothing: usually that is where a
write was cut off. Where later commits can still be read, though, the log is damaged, and they would
be lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import NamedTuple

_HEADER = Struct(">IIIIIIII")
_FRAME = Struct(">IIIIII")
_MAGIC = 0x377F0682
_MASK = 0xFFFFFFFF

Sums = tuple[int, int]


class Frame(NamedTuple):
    """An image of a page.

    Attributes:
        page: its number, from 1.
        commits: it is the last one of a transaction.
        is_whole: its checksum is right.
    """

    page: int
    commits: bool
    is_whole: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class LogFile:
    """What a log holds of its last generation, in the order of writing.

    Attributes:
        is_damaged: commits would be lost if SQLite read it.
    """

    frames: list[Frame]
    is_damaged: bool = False


def read_log(path: Path) -> LogFile:
    """Read a log; an empty one if there is none.

    Raises:
        OSError: it cannot be read.
    """
    data = path.read_bytes() if path.exists() else b""
    if len(data) < _HEADER.size + _FRAME.size:
        return LogFile([])
    magic, _, size, _, salt1, salt2, *sums = _HEADER.unpack_from(data)
    order = ">" if magic == _MAGIC | 1 else "<"
    is_sound = _sums(data[:24], (0, 0), order) == tuple(sums)
    if not is_sound:
        # The first frame is the newest generation, too.
        size = _page_size(data)
        _, _, salt1, salt2, *_ = _FRAME.unpack_from(data, _HEADER.size)
    frames = list(_frames(data, size, (salt1, salt2), (sums[0], sums[1]), order))
    first_bad = next((n for n, frame in enumerate(frames) if not frame.is_whole), len(frames))
    kept = [n for n, frame in enumerate(frames) if frame.commits and frame.is_whole]
    if not kept:
        return LogFile([])
    lost = not is_sound or kept[-1] > first_bad
    return LogFile(frames[: kept[-1] + 1], is_damaged=lost)


def _page_size(data: bytes) -> int:
    """The distance at which the salts of the first frame are found again."""
    salts = data[_HEADER.size + 8 : _HEADER.size + 16]
    for power in range(9, 17):
        at = _HEADER.size + _FRAME.size + (1 << power) + 8
        if data[at : at + 8] == salts:
            return 1 << power
    return len(data) - _HEADER.size - _FRAME.size


def _frames(data: bytes, size: int, salts: Sums, sums: Sums, order: str) -> Iterator[Frame]:
    for at in range(_HEADER.size, len(data) - size - _FRAME.size + 1, _FRAME.size + size):
        page, commit, salt1, salt2, *stored = _FRAME.unpack_from(data, at)
        begin = at + _FRAME.size
        content = data[begin : begin + size]
        found = _sums(content, _sums(data[at : at + 8], sums, order), order)
        # The sum runs on over all frames, so that the next one can be checked by this one's.
        sums = (stored[0], stored[1])
        is_whole = (salt1, salt2) == salts and found == sums
        yield Frame(page, bool(commit), is_whole, content)


def _sums(data: bytes, sums: Sums, order: str) -> Sums:
    one, two = sums
    for first, second in Struct(f"{order}II").iter_unpack(data):
        one = (one + first + two) & _MASK
        two = (two + second + one) & _MASK
    return one, two
