"""The rows of a damaged SQLite file, page by page: https://www.sqlite.org/fileformat2.html.

SQLite finds a row by the pages above it. Here each page that has rows is read for itself, so that
only the rows of a page that is damaged itself are lost. What is found may be anything: whoever asks
has to check it.
"""

from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from clawtrace_otel.collector.journal.log_file import LogFile

DEFAULT_PAGE_BYTES = 16384
_FILE_HEADER_BYTES = 100

_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER = 0x0D, 0x0A, 0x02
_DOUBLE = Struct(">d")
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}

Value = int | float | bytes | str | None


class FoundRow(NamedTuple):
    """A row.

    Attributes:
        key: its number; ``None`` in an index or a table without numbers.
    """

    key: int | None
    values: tuple[Value, ...]


class Pages:
    """The newest image of each page: the log's, else the file's.

    Args:
        path: the file; it may be cut off anywhere.
        log: what its write-ahead log holds.

    Raises:
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path, log: LogFile) -> None:
        self._file = path.open("rb")
        self._newest = {frame.page: frame.data for frame in log.frames if frame.is_whole}
        # A damaged image may be the only one that has a row.
        self._damaged = [frame.data for frame in log.frames if not frame.is_whole]
        self._size = next((len(frame.data) for frame in log.frames), 0)
        header = self._newest.get(1) or self._file.read(_FILE_HEADER_BYTES)
        self._size = self._size or _page_size(header)
        self._usable = self._size - (header[20] if len(header) > 20 else 0)
        self.version = int.from_bytes(header[60:64], "big")
        self._count = max(-(-path.stat().st_size // self._size), *self._newest, 0)
        self._free = self._free_pages(header)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def rows(self) -> Iterator[FoundRow]:
        """All rows that can be read; those of damaged images last."""
        for number in range(1, self._count + 1):
            if number not in self._free:
                yield from self._rows_of(self._page(number), _FILE_HEADER_BYTES * (number == 1))
        for image in self._damaged:
            yield from self._rows_of(image, 0)

    def _page(self, number: int) -> bytes:
        if (image := self._newest.get(number)) is not None:
            return image
        if number < 1:
            return b""
        self._file.seek((number - 1) * self._size)
        return self._file.read(self._size)

    def _free_pages(self, header: bytes) -> set[int]:
        """Pages that were given up: their rows were removed."""
        free: set[int] = set()
        trunk = int.from_bytes(header[32:36], "big")
        while 0 < trunk <= self._count and trunk not in free:
            page = self._page(trunk)
            count = min(int.from_bytes(page[4:8], "big"), self._size // 4 - 2)
            leaves = (int.from_bytes(page[8 + 4 * n : 12 + 4 * n], "big") for n in range(count))
            free |= {trunk, *leaves}
            trunk = int.from_bytes(page[:4], "big")
        # A list that is damaged itself may name any page.
        return free if len(free) == int.from_bytes(header[36:40], "big") else set()

    def _rows_of(self, page: bytes, start: int) -> Iterator[FoundRow]:
        if len(page) < start + 12:
            return
        kind = page[start]
        if kind not in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER):
            return
        begin = start + (12 if kind == _INDEX_INNER else 8)
        count = min(int.from_bytes(page[start + 3 : start + 5], "big"), self._size // 4)
        for at in range(begin, begin + 2 * count, 2):
            try:
                yield self._row(page, int.from_bytes(page[at : at + 2], "big"), kind)
            except (IndexError, ValueError):
                continue  # no row, or not a whole one

    def _row(self, page: bytes, at: int, kind: int) -> FoundRow:
        if kind == _INDEX_INNER:
            at += 4
        size, at = _varint(page, at)
        key = None
        if kind == _TABLE_LEAF:
            key, at = _varint(page, at)
        return FoundRow(key, _values(self._payload(page, at, size, kind)))

    def _payload(self, page: bytes, at: int, size: int, kind: int) -> bytes:
        most = self._usable - 35 if kind == _TABLE_LEAF else (self._usable - 12) * 64 // 255 - 23
        if size <= most:
            return page[at : at + size]
        least = (self._usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (self._usable - 4)
        local = local if local <= most else least
        chunks = [page[at : at + local]]
        left = size - local
        following = page[at + local : at + local + 4]
        # Each page is asked for once, so that a circle ends.
        for _ in range(min(self._count, left // (self._usable - 4) + 1)):
            image = self._page(int.from_bytes(following, "big"))
            chunks.append(image[4 : min(self._usable, 4 + left)])
            left -= len(chunks[-1])
            following = image[:4]
        if left:
            msg = "the rest of the row is not there"
            raise ValueError(msg)
        return b"".join(chunks)


def _page_size(header: bytes) -> int:
    size = int.from_bytes(header[16:18], "big")
    size = 65536 if size == 1 else size
    return size if size >= 512 and size & (size - 1) == 0 else DEFAULT_PAGE_BYTES


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    value = 0
    for n in range(8):
        byte = data[at + n]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + n + 1
    return value << 8 | data[at + 8], at + 9


def _values(record: bytes) -> tuple[Value, ...]:
    end, at = _varint(record, 0)
    types: list[int] = []
    while at < end:
        kind, at = _varint(record, at)
        types.append(kind)
    values: list[Value] = []
    at = end
    for kind in types:
        size = _INTEGER_BYTES.get(kind, 0) if kind < 12 else (kind - 12) // 2
        size = 8 if kind == 7 else size
        if at + size > len(record):
            msg = "the row is cut off"
            raise ValueError(msg)
        values.append(_value(kind, record[at : at + size]))
        at += size
    return tuple(values)


def _value(kind: int, data: bytes) -> Value:
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind == 7:
        (number,) = _DOUBLE.unpack(data)
        return float(number)
    if kind >= 12:
        return data.decode() if kind % 2 else data
    return int.from_bytes(data, "big", signed=True)
