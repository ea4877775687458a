"""A grader as a file of tasks names it."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, structs

from clawtrace_otel.costcraft.bench.command import CommandLine
from clawtrace_otel.errors import CostCraftError

STDOUT = "-"
"""In place of a file's name: the last line of the agent's standard output that is not empty."""


class Workbooks(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Workbooks that must have the values of others.

    Attributes:
        position: the cells, such as ``'Sheet1'!A1:B9,Sheet2!C3``.
        answers: a workbook in the run's folder -> the one that it is compared with.
    """

    position: Annotated[str, Meta(min_length=1)]
    answers: Annotated[dict[str, str], Meta(min_length=1)]


class Grader(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Exactly one of the first five.

    Attributes:
        exit_code: that of the agent if it passed.
        json: a file with ``passed`` or ``score`` that the agent wrote, or ``-``.
        command: a program that looks at the run's folder.
        tau2: a results file of tau2 that the agent wrote.
        workbooks: SpreadsheetBench's comparison of cells.
        pass_score: the score from which on a run passed, where nothing else says so.
        time_limit: seconds that ``command`` may take.
        here: the folder that ``{here}`` in ``command`` stands for; that of the file of tasks.
    """

    exit_code: Annotated[int, Meta(ge=0, le=255)] | None = None
    json: Annotated[str, Meta(min_length=1)] | None = None
    command: Annotated[str, Meta(min_length=1)] | None = None
    tau2: Annotated[str, Meta(min_length=1)] | None = None
    workbooks: Workbooks | None = None
    pass_score: float = 1.0
    time_limit: Annotated[float, Meta(gt=0)] = 120.0
    here: str = ""


KINDS = ("exit_code", "json", "command", "tau2", "workbooks")


def kind_of(grader: Grader) -> str:
    """Which of ``KINDS`` it is."""
    return next(kind for kind in KINDS if getattr(grader, kind) is not None)


def check_grader(grader: Grader, folder: Path, where: str) -> Grader:
    """The grader, with the paths of its answers made absolute.

    Args:
        grader: as the file has it.
        folder: that paths are relative to.
        where: names the task in errors.

    Raises:
        CostCraftError: it is not exactly one grader, or an answer is not there.
    """
    given = [kind for kind in KINDS if getattr(grader, kind) is not None]
    if len(given) != 1:
        named = f"has {' and '.join(given)}" if given else "is empty"
        msg = f"{where}.grader {named}; it is one of {', '.join(KINDS)}"
        raise CostCraftError(msg)
    if grader.command is not None:
        _check_command(grader.command, folder, where)
        return structs.replace(grader, here=str(folder.resolve()))
    if grader.workbooks is None:
        return grader
    answers = {
        name: str((folder / path).resolve()) for name, path in grader.workbooks.answers.items()
    }
    for path in answers.values():
        if not Path(path).is_file():
            msg = f"{where}.grader.workbooks.answers: there is no file {path!r}"
            raise CostCraftError(msg)
    return structs.replace(grader, workbooks=structs.replace(grader.workbooks, answers=answers))


def _check_command(command: str, folder: Path, where: str) -> None:
    try:
        CommandLine.parse(command, folder)
    except CostCraftError as e:
        msg = f"{where}.grader.command: {e}"
        raise CostCraftError(msg) from e
