"""SpreadsheetBench's tasks. Source: RUCKBReasoning/SpreadsheetBench, ``dataset.json``.

Its own harness asks a model for a program that works on the first workbook, and runs it on all
three. An agent is asked to work on all three itself; the comparison is the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from clawtrace_otel.costcraft.bench.graders.spec import Grader, Workbooks
from clawtrace_otel.errors import CostCraftError

CASES = (1, 2, 3)

PROMPT = """\
{instruction}

This folder has {count} workbooks of the same form with different values: {inputs}.
Do what is asked to each of them. Save the results as {outputs}, in the same order.
Kind of task: {kind}. Cells that will be compared: {position}.
They are compared by value: where you write a formula, save the value that it has as well.
"""


class DatasetPart(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A dataset, or a part of it.

    Attributes:
        path: the folder of ``dataset.json``.
        ids: tasks to take; all if it is empty.
        limit: how many of them to take at most, the first ones.
    """

    path: str
    ids: list[str] = []
    limit: Annotated[int, Meta(ge=1)] | None = None


class _Entry(msgspec.Struct, frozen=True):
    id: str | int
    instruction: str
    spreadsheet_path: str
    instruction_type: str
    answer_position: str


@dataclass(frozen=True, slots=True)
class DatasetTask:
    """A task of the dataset. See :class:`clawtrace_otel.costcraft.bench.tasks.Task`."""

    id: str
    prompt: str
    files: list[Path]
    grader: Grader


def read_dataset(part: DatasetPart, base: Path, where: str) -> Iterator[DatasetTask]:
    """The tasks of a dataset.

    Args:
        part: which.
        base: folder that its path is relative to.
        where: names the place in errors.

    Raises:
        CostCraftError: the dataset cannot be read, a task is not in it, or a workbook is missing.
    """
    folder = (base / part.path).resolve()
    entries = {str(entry.id): entry for entry in _entries(folder / "dataset.json", where)}
    missing = [name for name in part.ids if name not in entries]
    if missing:
        msg = f"{where}.ids: {folder} has no task {missing[0]!r}"
        raise CostCraftError(msg)
    wanted = part.ids or list(entries)
    for name in wanted[: part.limit]:
        yield _task(name, entries[name], folder, where)


def _entries(path: Path, where: str) -> list[_Entry]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[_Entry])
    except (OSError, msgspec.DecodeError) as e:
        msg = f"{where}: cannot read {path}: {e}"
        raise CostCraftError(msg) from e


def _task(name: str, entry: _Entry, folder: Path, where: str) -> DatasetTask:
    books = folder / entry.spreadsheet_path
    inputs = [books / f"{case}_{name}_input.xlsx" for case in CASES]
    answers = {f"{case}_{name}_output.xlsx": books / f"{case}_{name}_answer.xlsx" for case in CASES}
    for path in (*inputs, *answers.values()):
        if not path.is_file():
            msg = f"{where}: task {name!r} lacks {path}"
            raise CostCraftError(msg)
    prompt = PROMPT.format(
        instruction=entry.instruction.strip(),
        count=len(CASES),
        inputs=", ".join(path.name for path in inputs),
        outputs=", ".join(answers),
        kind=entry.instruction_type,
        position=entry.answer_position,
    )
    workbooks = Workbooks(
        position=entry.answer_position,
        answers={output: str(path) for output, path in answers.items()},
    )
    return DatasetTask(name, prompt, inputs, Grader(workbooks=workbooks))
