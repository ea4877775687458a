"""Digests that tell whether what a run depends on has changed."""

from collections.abc import Iterable
from hashlib import blake2b, file_digest
from pathlib import Path

_BYTES = 10


def digest_of(*parts: str | bytes) -> str:
    """A digest of texts, in their order."""
    found = blake2b(digest_size=_BYTES)
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        found.update(len(data).to_bytes(8, "big"))
        found.update(data)
    return found.hexdigest()


def digest_of_files(paths: Iterable[Path]) -> str:
    """A digest of the names and contents of files, and of all files in folders.

    Raises:
        OSError: one cannot be read.
    """
    found = blake2b(digest_size=_BYTES)
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                name = file.relative_to(path).as_posix() if path.is_dir() else file.name
                with file.open("rb") as content:
                    found.update(digest_of(name, file_digest(content, _digest).digest()).encode())
    return found.hexdigest()


def _digest() -> "blake2b":
    return blake2b(digest_size=_BYTES)
