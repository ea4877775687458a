"""How far reading has come, for whoever watches.

The readers of files say how many bytes they took; nobody else has to pass anything through. There
is one watcher a process.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

_watcher: Callable[[int], None] | None = None


@contextmanager
def watched_by(watcher: Callable[[int], None]) -> Iterator[None]:
    """Tell ``watcher`` of the bytes that are read within."""
    global _watcher
    before, _watcher = _watcher, watcher
    try:
        yield
    finally:
        _watcher = before


def took(size: int) -> None:
    """To be called by a reader: it took ``size`` bytes."""
    if _watcher is not None:
        _watcher(size)


class CountedFile:
    """A binary file whose reading is counted, as far as ``ijson`` needs one.

    Args:
        file: open for reading.
        told: bytes that were counted before, when the file was read for the first time.

    Attributes:
        size: bytes that were read so far.
    """

    def __init__(self, file: BinaryIO, told: int = 0) -> None:
        self.size = 0
        self._file = file
        self._told = told

    def read(self, size: int = -1) -> bytes:
        """Like :meth:`io.BufferedReader.read`."""
        data = self._file.read(size)
        self.size += len(data)
        took(max(min(len(data), self.size - self._told), 0))
        return data
