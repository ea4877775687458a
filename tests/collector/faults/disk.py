"""Disks that are full, folders that cannot be written to, and files that others lock: really."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

BLOCK = 4096


def run(*command: str | Path) -> bool:
    """Whether a command worked."""
    if not shutil.which(str(command[0])):
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of ``size`` bytes, in memory; skips where that may not be mounted."""
    folder.mkdir(exist_ok=True)
    if os.getuid() or not run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder):
        pytest.skip("a file system can be mounted by root alone; see the test with RLIMIT_FSIZE")
    try:
        yield folder
    finally:
        assert run("umount", "--lazy", folder)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """The disk of the folder has no byte left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * BLOCK):
                pass
        except OSError:
            pass
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program writes to a SQLite file."""
    other = sqlite3.connect(path, isolation_level=None, timeout=20)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


@contextmanager
def without_permission(folder: Path) -> Iterator[None]:
    """The folder is of mode 0555; that does not stop root."""
    if not os.getuid():
        pytest.skip("permissions do not hold for root; see the other ways")
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)


@contextmanager
def immutable(folder: Path) -> Iterator[None]:
    """The folder has the attribute that holds for root, too."""
    if os.getuid() or not run("chattr", "+i", folder):
        pytest.skip("chattr +i works for root alone, and not on every file system")
    try:
        yield
    finally:
        assert run("chattr", "-i", folder)


@contextmanager
def mounted_read_only(folder: Path) -> Iterator[None]:
    """The folder is mounted over itself, read-only."""
    if os.getuid() or not run("mount", "--bind", folder, folder):
        pytest.skip("a folder can be mounted by root alone")
    try:
        assert run("mount", "-o", "remount,bind,ro", folder)
        yield
    finally:
        assert run("umount", "--lazy", folder)


@contextmanager
def moved_away(folder: Path) -> Iterator[None]:
    """There is no such folder any more."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    try:
        yield
    finally:
        aside.rename(folder)


@contextmanager
def replaced_by_a_file(folder: Path) -> Iterator[None]:
    """A file has the name of the folder."""
    with moved_away(folder):
        folder.write_text("in the way")
        try:
            yield
        finally:
            folder.unlink()


OBSTACLES: dict[str, Callable[[Path], AbstractContextManager[None]]] = {
    "its mode forbids it": without_permission,
    "it is immutable": immutable,
    "it is mounted read-only": mounted_read_only,
    "it is gone": moved_away,
    "a file is in its place": replaced_by_a_file,
}
"""Why cards cannot be written to a folder -> what makes it so."""
