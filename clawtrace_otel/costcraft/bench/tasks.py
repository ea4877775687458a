"""The tasks of a bench, as a file says them: ``docs/bench.md`` has the format.

A path in the file is relative to the file's folder.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from clawtrace_otel.costcraft.bench.graders.spec import Grader, check_grader
from clawtrace_otel.costcraft.bench.spreadsheetbench import DatasetPart, read_dataset
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.yaml_io import load_yaml

ID_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
"""Of a task's id: it becomes a part of a folder's name."""

Seconds = Annotated[float, Meta(gt=0, le=604_800)]
Usd = Annotated[float, Meta(gt=0)]


class LimitsEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a run may take. ``None``: what the command line says."""

    time_limit: Seconds | None = None
    max_usd: Usd | None = None


class TaskEntry(LimitsEntry, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A task in the file."""

    id: Annotated[str, Meta(pattern=ID_PATTERN)]
    prompt: Annotated[str, Meta(min_length=1)]
    files: str | list[str] = []
    grader: Grader | None = None


class TasksFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The whole file; at least one of ``tasks`` and ``spreadsheetbench``.

    ``defaults`` and ``grader`` hold for tasks that say nothing else.
    """

    tasks: list[TaskEntry] = []
    spreadsheetbench: str | DatasetPart | None = None
    grader: Grader | None = None
    defaults: LimitsEntry = LimitsEntry()


@dataclass(frozen=True, slots=True)
class Task:
    """A task that can be run.

    Attributes:
        files: what is copied into a run's folder: of a folder all that is in it.
        max_usd: what a run may cost.
    """

    id: str
    prompt: str
    files: Sequence[Path]
    grader: Grader
    time_limit: float | None = None
    max_usd: float | None = None


def load_tasks(path: Path) -> list[Task]:
    """The tasks of a file.

    Raises:
        CostCraftError: the file cannot be read, says something impossible, or names a file that is
            not there; the message names file, key and task.
    """
    content = load_yaml(path, TasksFile, CostCraftError)
    tasks = list(_tasks(content, path))
    if not tasks:
        msg = f"{path}: there are no tasks: name some in $.tasks or $.spreadsheetbench"
        raise CostCraftError(msg)
    _check_unique(tasks, path)
    return tasks


def _tasks(content: TasksFile, path: Path) -> Iterator[Task]:
    for number, entry in enumerate(content.tasks):
        yield _task(entry, content, path, f"{path}: $.tasks[{number}]")
    if content.spreadsheetbench is not None:
        part = content.spreadsheetbench
        part = DatasetPart(path=part) if isinstance(part, str) else part
        for found in read_dataset(part, path.parent, f"{path}: $.spreadsheetbench"):
            limits = content.defaults
            yield Task(
                found.id,
                found.prompt,
                found.files,
                found.grader,
                limits.time_limit,
                limits.max_usd,
            )


def _task(entry: TaskEntry, content: TasksFile, path: Path, where: str) -> Task:
    grader = entry.grader or content.grader
    if grader is None:
        msg = f"{where} (task {entry.id!r}) has no grader, and the file has none for all tasks"
        raise CostCraftError(msg)
    limits = content.defaults
    return Task(
        id=entry.id,
        prompt=entry.prompt,
        files=_files(entry, path.parent, where),
        grader=check_grader(grader, path.parent, where),
        time_limit=entry.time_limit or limits.time_limit,
        max_usd=entry.max_usd or limits.max_usd,
    )


def _files(entry: TaskEntry, folder: Path, where: str) -> list[Path]:
    names = [entry.files] if isinstance(entry.files, str) else entry.files
    found = [(folder / name).resolve() for name in names]
    for name, path in zip(names, found, strict=True):
        if not path.exists():
            msg = f"{where}.files (task {entry.id!r}): there is no {name!r} in {folder}"
            raise CostCraftError(msg)
    return found


def _check_unique(tasks: Sequence[Task], path: Path) -> None:
    seen: set[str] = set()
    for task in tasks:
        # Folders are named by it, and some file systems do not tell A from a.
        if task.id.lower() in seen:
            msg = f"{path}: the id {task.id!r} is given to two tasks"
            raise CostCraftError(msg)
        seen.add(task.id.lower())
