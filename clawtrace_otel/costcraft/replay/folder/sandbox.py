"""The folder that a play works in: a copy of its own, and no way out of it."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PureWindowsPath
from tempfile import TemporaryDirectory

from clawtrace_otel.costcraft.replay.folder import cells
from clawtrace_otel.errors import CostCraftError


class ToolError(Exception):
    """A tool cannot do what it is asked; the text is its result."""


class Sandbox:
    """A folder.

    Args:
        root: of it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def path(self, name: str) -> Path:
        """A place in the folder.

        Raises:
            ToolError: it is not in the folder, by its name or by a link.
        """
        try:
            asked = Path(name)
            found = (self.root / asked).resolve()
        except (OSError, ValueError, RuntimeError) as e:
            msg = f"{name!r} is no path"
            raise ToolError(msg) from e
        is_rooted = asked.is_absolute() or PureWindowsPath(name).anchor
        if is_rooted or ".." in asked.parts or not found.is_relative_to(self.root):
            msg = f"{name!r} is outside of the folder"
            raise ToolError(msg)
        return found

    def file(self, name: str) -> Path:
        """A file in the folder.

        Raises:
            ToolError: there is none.
        """
        found = self.path(name)
        if not found.is_file():
            msg = f"there is no file {name!r}"
            raise ToolError(msg)
        return found

    def names(self, name: str = ".") -> list[str]:
        """The files in a folder of it, and in those below, as seen from the root."""
        found = self.path(name)
        if not found.is_dir():
            msg = f"there is no folder {name!r}"
            raise ToolError(msg)
        return sorted(path.relative_to(self.root).as_posix() for path in _files(found))

    def state(self) -> Mapping[str, str]:
        """Each file -> hash of what it says: of a workbook its cells, for its bytes hold times."""
        return {name: _hash(self.root / name) for name in self.names()}


@contextmanager
def sandbox(start: Path) -> Iterator[Sandbox]:
    """A copy of a folder, while it is needed.

    Raises:
        CostCraftError: the folder cannot be copied.
    """
    with TemporaryDirectory(prefix="clawtrace-replay-") as folder:
        root = Path(folder, "work")
        try:
            shutil.copytree(start, root, symlinks=True)
        except (OSError, shutil.Error) as e:
            msg = f"the folder {start}, where the run began, cannot be copied: {e}"
            raise CostCraftError(msg) from e
        yield Sandbox(root)


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):  # follows no links
        yield from (Path(parent, name) for name in names)


def _hash(path: Path) -> str:
    if path.is_symlink():
        data = os.readlink(path).encode("utf-8", "surrogateescape")  # noqa: PTH115 as text
    elif (said := cells.content(path)) is not None:
        data = json.dumps(said, sort_keys=True).encode()
    else:
        data = path.read_bytes()
    return sha256(data).hexdigest()
