"""Files that may be replaced while the service runs."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

CHECK_SECONDS = 2.0
"""Files are looked at this often at most."""

_Mark = tuple[tuple[int, int, int] | None, ...]


class FileWatch:
    """Says when files changed: by time of change, size and inode.

    Args:
        paths: to look at; a file that is not there is a state like another.
        clock: seconds that only go forward.
    """

    def __init__(self, paths: Sequence[Path], clock: Callable[[], float] = time.monotonic) -> None:
        self._paths = paths
        self._clock = clock
        self._mark = self._look()
        self._checked = clock()

    def changed(self) -> bool:
        """Whether a file changed since this was last true."""
        now = self._clock()
        if now - self._checked < CHECK_SECONDS:
            return False
        self._checked = now
        before, self._mark = self._mark, self._look()
        return self._mark != before

    def _look(self) -> _Mark:
        return tuple(_mark(path) for path in self._paths)


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
