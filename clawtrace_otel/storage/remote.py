"""Object storage, and whatever else fsspec can write to.

An object of S3, Google Cloud Storage or Azure is written by one request, and appears whole or not
at all. ``docs/storage.md`` says which file systems promise less.
"""

import errno
import logging
import posixpath
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from clawtrace_otel.errors import ConfigError
from clawtrace_otel.storage.calls import Calls
from clawtrace_otel.storage.file_systems import check_scheme, is_object_store
from clawtrace_otel.storage.urls import RemoteUrl

_log = logging.getLogger(__name__)

BATCH = 256
"""Files that are held in memory."""

MARKER = ".clawtrace-cards"
"""Tells the folder from an empty one that is at its place for a while."""

_MARKER_TEXT = "ClawTrace writes cards here.\n"
_PROBE = ".clawtrace-probe"


class RemoteStore:
    """See :class:`clawtrace_otel.storage.interface.Store`. May be used by several threads.

    Args:
        url: of the folder.

    Raises:
        ConfigError: the scheme is unknown, or packages for it are missing.
    """

    is_remote = True

    def __init__(self, url: RemoteUrl) -> None:
        check_scheme(url)
        self._url = url
        self.where = url.text
        self._calls = Calls(url)

    def place(self, name: str) -> str:
        """See the interface."""
        return f"{self.where}/{name}"

    def check(self) -> None:
        """See the interface. Each step needs a right of its own."""
        steps: tuple[tuple[str, Callable[[], object]], ...] = (
            ("kept in", self._make_folder),
            ("written to", lambda: self.write(MARKER, _MARKER_TEXT)),
            ("read from", lambda: self.read(MARKER)),
            ("removed from", lambda: self.remove(_PROBE)),
            ("listed in", lambda: self.missing([_PROBE])),
        )
        for done, step in steps:
            try:
                step()
            except OSError as e:
                raise ConfigError(self._refused(done, e)) from e

    def _make_folder(self) -> None:
        if is_object_store(self._url):
            return
        _log.warning("readers of %s may see half of a card while it is written", self.where)
        self._calls.one("makedirs", self._calls.folder, exist_ok=True)

    def _refused(self, done: str, error: OSError) -> str:
        reason = "there is no such bucket" if isinstance(error, FileNotFoundError) else error
        return (
            f"cards cannot be {done} {self.where}: {reason}; check its name, the credentials and "
            "what they allow (docs/storage.md), or choose another place with --cards"
        )

    def identity(self) -> Hashable | None:
        """See the interface: a marker tells it."""
        try:
            return self.read(MARKER)
        except OSError:
            return None

    def names(self) -> list[str]:
        """See the interface. A list of several pages is put together first."""
        found: list[str] = self._calls.one("ls", self._calls.folder, detail=False)
        names = (posixpath.basename(path.rstrip("/")) for path in found)
        return sorted(name for name in names if name and name[0] != ".")

    def read(self, name: str, limit: int | None = None) -> bytes:
        """See the interface."""
        try:
            content: bytes = self._calls.one("cat_file", self._path(name), **_up_to(limit))
        except OSError as e:
            return self._empty(name, e)
        return content

    def read_many(self, names: Sequence[str], limit: int) -> Iterator[tuple[str, bytes | OSError]]:
        """See the interface. Some are read at the same time."""
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            paths = [self._path(name) for name in batch]
            found = self._calls.each("cat_file", paths, **_up_to(limit))
            for name, content in zip(batch, found, strict=True):
                yield name, content if isinstance(content, bytes) else self._retried(name, content)

    def write(self, name: str, text: str) -> None:
        """See the interface."""
        self._calls.one("pipe_file", self._path(name), text.encode())

    def remove(self, name: str) -> None:
        """See the interface."""
        try:
            self._calls.one("rm_file", self._path(name))
        except FileNotFoundError:
            return
        except OSError:
            # Others have errors of their own for a file that is not there.
            if is_object_store(self._url) or not self.missing([name]):
                raise

    def missing(self, names: Iterable[str]) -> set[str]:
        """See the interface."""
        asked = list(names)
        found = self._calls.each("info", [self._path(name) for name in asked])
        for answer in found:
            if isinstance(answer, OSError) and not isinstance(answer, FileNotFoundError):
                raise answer
        return {n for n, answer in zip(asked, found, strict=True) if isinstance(answer, OSError)}

    def _empty(self, name: str, error: OSError) -> bytes:
        """An empty object of S3 has no bytes that could be asked for, which is an error."""
        if error.errno != errno.EINVAL or self._calls.one("info", self._path(name))["size"]:
            raise error
        return b""

    def _retried(self, name: str, error: OSError) -> bytes | OSError:
        try:
            return self._empty(name, error)
        except OSError as e:
            return e

    def _path(self, name: str) -> str:
        return f"{self._calls.folder}/{name}"


def _up_to(limit: int | None) -> dict[str, int]:
    return {} if limit is None else {"start": 0, "end": limit + 1}
