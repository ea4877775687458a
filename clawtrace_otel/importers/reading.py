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
    """A binary file whose reading is counted, as far as ``ijson`` needs one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Like :meth:`io.BufferedReader.read`."""
        data = self._file.read(size)
        took(len(data))
        return data
