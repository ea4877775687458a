"""A folder of this machine, or one that is mounted."""

import time
from collections.abc import Hashable, Iterable, Iterator, Sequence
from pathlib import Path

from clawtrace_otel.errors import ConfigError
from clawtrace_otel.tracecard.write import write_text

LEFTOVER_SECONDS = 3600.0


class LocalStore:
    """See :class:`clawtrace_otel.storage.interface.Store`.

    Args:
        path: the folder; it is made if it does not exist.
    """

    is_remote = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)

    def place(self, name: str) -> str:
        """See the interface."""
        return str(self.path / name)

    def check(self) -> None:
        """See the interface."""
        probe = self.path / ".clawtrace-probe"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"")
            probe.unlink()
            self._remove_leftovers()
        except OSError as e:
            msg = f"cards cannot be written to {self.path}: {e}; choose another folder with --cards"
            raise ConfigError(msg) from e

    def _remove_leftovers(self) -> None:
        """What a process that was killed had begun to write. Another may be writing now."""
        before = time.time() - LEFTOVER_SECONDS
        for path in self.path.glob(".*.tmp"):
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    def identity(self) -> Hashable | None:
        """See the interface."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def names(self) -> list[str]:
        """See the interface."""
        return sorted(path.name for path in self.path.iterdir() if path.name[0] != ".")

    def read(self, name: str, limit: int | None = None) -> bytes:
        """See the interface."""
        with (self.path / name).open("rb") as file:
            return file.read() if limit is None else file.read(limit + 1)

    def read_many(self, names: Sequence[str], limit: int) -> Iterator[tuple[str, bytes | OSError]]:
        """See the interface."""
        for name in names:
            try:
                yield name, self.read(name, limit)
            except OSError as e:
                yield name, e

    def write(self, name: str, text: str) -> None:
        """See the interface."""
        write_text(text, self.path / name)

    def remove(self, name: str) -> None:
        """See the interface."""
        (self.path / name).unlink(missing_ok=True)

    def missing(self, names: Iterable[str]) -> set[str]:
        """See the interface."""
        return {name for name in names if not (self.path / name).exists()}
