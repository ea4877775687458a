"""Which files are to be read, as what, and which of them together."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clawtrace_otel.importers.importer import Importer, Problem
from clawtrace_otel.importers.registry import MODULES, importer, recognise, suffixes

AUTO = "auto"
"""Ask every format whether a file is its own."""


@dataclass(slots=True)
class Group:
    """Files of one format that are read together.

    Attributes:
        kind: name of the format.
        key: the same in every run over these files.
        paths: in the order in which they are read.
        stamps: size and time of change (ns) of each file, as they were before it was read.
    """

    kind: str
    key: str
    paths: list[Path] = field(default_factory=list)
    stamps: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for size, _ in self.stamps.values())


@dataclass(slots=True)
class Plan:
    """What is to be done.

    Attributes:
        groups: in the order in which their first files were found.
        problems: what cannot be read at all.
        unknown: files in folders that are of no known format.
    """

    groups: list[Group] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)


def make_plan(paths: Iterable[Path], kind: str = AUTO) -> Plan:
    """Look at files, and search folders for files with a suffix that some format has.

    Args:
        paths: files and folders. A file that is named, or found, twice is read once.
        kind: name of the format of all of them, or ``AUTO``.

    Raises:
        ModuleNotFoundError: packages of an extra are missing.
    """
    plan = Plan()
    groups: dict[str, Group] = {}
    seen: set[str] = set()
    for path, is_found in _files(paths, kind, plan.problems):
        absolute = os.path.abspath(path)  # noqa: PTH100 a link keeps its own name
        if absolute in seen:
            continue
        seen.add(absolute)
        try:
            stat = path.stat()
            reader = recognise(path) if kind == AUTO else importer(kind)
        except OSError as e:
            plan.problems.append(Problem(path, 0, e.strerror or str(e)))
            continue
        if reader is None:
            _put_aside(plan, path, is_found=is_found)
            continue
        key = f"{reader.name}:{_group_of(reader, absolute)}"
        group = groups.setdefault(key, Group(reader.name, key))
        group.paths.append(path)
        group.stamps[absolute] = (stat.st_size, stat.st_mtime_ns)
    plan.groups = list(groups.values())
    return plan


def _group_of(reader: Importer, absolute: str) -> str:
    return reader.group(Path(absolute))


def _put_aside(plan: Plan, path: Path, *, is_found: bool) -> None:
    if is_found:
        plan.unknown.append(path)
    else:
        known = ", ".join(MODULES)
        plan.problems.append(Problem(path, 0, f"none of the known formats ({known})"))


def _files(
    paths: Iterable[Path], kind: str, problems: list[Problem]
) -> Iterator[tuple[Path, bool]]:
    """Each file, and whether it was found in a folder rather than named."""
    wanted = suffixes() if kind == AUTO else suffixes([kind])
    for path in paths:
        if path.is_dir():
            yield from ((found, True) for found in _search(path, wanted, problems))
        else:
            yield path, False


def _search(folder: Path, wanted: frozenset[str], problems: list[Problem]) -> Iterator[Path]:
    """The files in a folder by name; hidden ones, such as our own notes, are left out."""

    def tell(error: OSError) -> None:
        problems.append(Problem(Path(error.filename), 0, error.strerror or str(error)))

    for parent, folders, names in os.walk(folder, onerror=tell):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if path.suffix in wanted and not name.startswith(".") and path.is_file():
                yield path
