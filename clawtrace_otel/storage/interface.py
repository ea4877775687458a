"""What cards need of the place where they are: few operations on small files in one folder."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Protocol


class Store(Protocol):
    """A folder of small files, without folders in it.

    All but :meth:`check` raise ``OSError`` when the place cannot be reached or does not allow it.
    A name has no ``/`` in it.

    """

    @property
    def where(self) -> str:
        """The place as people know it, without secrets."""

    @property
    def is_remote(self) -> bool:
        """Whether an operation may take as long as a network needs to time out."""

    def place(self, name: str) -> str:
        """Where a file is, as people know it."""

    def check(self) -> None:
        """Make the folder, and try whether files can be written, read and removed.

        Raises:
            ConfigError: they cannot.
        """

    def identity(self) -> Hashable | None:
        """What tells this folder from another that is at its place; ``None`` if none is there."""

    def names(self) -> list[str]:
        """The files, sorted; those whose names begin with a dot are left out.

        Raises:
            FileNotFoundError: there is no such folder.
        """

    def read(self, name: str, limit: int | None = None) -> bytes:
        """A file; of one that is larger than ``limit``, one byte more than that.

        Raises:
            FileNotFoundError: there is no such file.
        """

    def read_many(self, names: Sequence[str], limit: int) -> Iterator[tuple[str, bytes | OSError]]:
        """Files in the order of their names, as :meth:`read` gives them or raises."""

    def write(self, name: str, text: str) -> None:
        """Write a file at once: readers see the old text or the new one."""

    def remove(self, name: str) -> None:
        """Remove a file if there is one."""

    def missing(self, names: Iterable[str]) -> set[str]:
        """Those of the files that are not there."""
