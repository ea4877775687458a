"""The tools that are understood; ``docs/replay.md`` has them as a table.

Programs say differently that they have written something, and call their errors differently: of a
call that writes, or failed, only whether it failed is compared. What was written shows in what is
read later, and in the final state.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from clawtrace_otel.costcraft.replay.folder import cells
from clawtrace_otel.costcraft.replay.folder.sandbox import Sandbox, ToolError
from clawtrace_otel.costcraft.replay.interface import Answer
from clawtrace_otel.semconv.canonical import loads

Compared = Literal["text", "lines", "json", "failure"]
"""What of a result must be as it was recorded: all of it, its lines in any order, its value, or
only whether the call failed."""

ALIASES: Mapping[str, str] = {
    "file": "path",
    "file_path": "path",
    "filename": "path",
    "directory": "folder",
    "text": "content",
    "old_string": "old",
    "old_text": "old",
    "new_string": "new",
    "new_text": "new",
    "cell_range": "range",
    "sheet_name": "sheet",
    "values": "cells",
}
"""Other names of arguments."""


class ListFiles(Struct, forbid_unknown_fields=True):
    """All files of a folder and of those below it, one a line."""

    folder: str = "."


class ReadFile(Struct, forbid_unknown_fields=True):
    """The text of a file."""

    path: str


class WriteFile(Struct, forbid_unknown_fields=True):
    """Replace a file, or make it."""

    path: str
    content: str


class EditFile(Struct, forbid_unknown_fields=True):
    """Replace a text that stands in a file exactly once."""

    path: str
    old: str
    new: str


class DeleteFile(Struct, forbid_unknown_fields=True):
    """Remove a file."""

    path: str


class ReadCells(Struct, forbid_unknown_fields=True):
    """The rows of a range of a workbook, as JSON."""

    path: str
    range: str
    sheet: str = ""


class WriteCells(Struct, forbid_unknown_fields=True):
    """Set cells of a workbook, by their names."""

    path: str
    cells: dict[str, cells.Plain]
    sheet: str = ""


A = TypeVar("A", bound=Struct)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool.

    Attributes:
        arguments: their type; its docstring says what the tool does.
        run: does it, with arguments as they were recorded.
        compared: what of its result must be as recorded.
    """

    arguments: type[Struct]
    run: Callable[[Sandbox, Mapping[str, object]], str]
    compared: Compared

    def call(self, sandbox: Sandbox, given: Mapping[str, object]) -> Answer:
        """Call it with arguments as they were recorded."""
        named = {ALIASES.get(key, key): value for key, value in given.items()}
        try:
            return Answer(self.run(sandbox, named))
        except (ToolError, cells.CellsError, msgspec.ValidationError) as e:
            return Answer(str(e), failed=True)
        except (OSError, UnicodeError) as e:
            return Answer(f"{type(e).__name__}: {e}", failed=True)

    def agrees(self, recorded: Answer, got: Answer) -> bool:
        """Whether a result is the recorded one."""
        if recorded.failed or got.failed or self.compared == "failure":
            return recorded.failed == got.failed
        return _READ[self.compared](recorded.text) == _READ[self.compared](got.text)


def _tool(kind: type[A], run: Callable[[Sandbox, A], str], compared: Compared) -> Tool:
    return Tool(kind, lambda box, given: run(box, msgspec.convert(given, kind)), compared)


def _lines(text: str) -> object:
    """Of a list of files as lines, or as JSON."""
    value = loads(text)
    return sorted(map(str, value) if isinstance(value, list) else text.splitlines())


_READ: Mapping[str, Callable[[str], object]] = {"text": str, "lines": _lines, "json": loads}


def _list_files(sandbox: Sandbox, asked: ListFiles) -> str:
    return "\n".join(sandbox.names(asked.folder))


def _read_file(sandbox: Sandbox, asked: ReadFile) -> str:
    return sandbox.file(asked.path).read_text(encoding="utf-8")


def _write_file(sandbox: Sandbox, asked: WriteFile) -> str:
    path = sandbox.path(asked.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(asked.content, encoding="utf-8")
    return f"wrote {asked.path}"


def _edit_file(sandbox: Sandbox, asked: EditFile) -> str:
    path = sandbox.file(asked.path)
    text = path.read_text(encoding="utf-8")
    if not asked.old or text.count(asked.old) != 1:
        count = text.count(asked.old) if asked.old else 0
        msg = f"the text stands {count} times in {asked.path!r}, not once"
        raise ToolError(msg)
    path.write_text(text.replace(asked.old, asked.new), encoding="utf-8")
    return f"edited {asked.path}"


def _delete_file(sandbox: Sandbox, asked: DeleteFile) -> str:
    sandbox.file(asked.path).unlink()
    return f"deleted {asked.path}"


def _read_cells(sandbox: Sandbox, asked: ReadCells) -> str:
    rows = cells.read(sandbox.file(asked.path), asked.sheet, asked.range)
    return json.dumps(rows, ensure_ascii=False)


def _write_cells(sandbox: Sandbox, asked: WriteCells) -> str:
    path = sandbox.path(asked.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    cells.write(path, asked.sheet, asked.cells)
    return f"wrote {len(asked.cells)} cells of {asked.path}"


TOOLS: Mapping[str, Tool] = {
    "list_files": _tool(ListFiles, _list_files, "lines"),
    "read_file": _tool(ReadFile, _read_file, "text"),
    "write_file": _tool(WriteFile, _write_file, "failure"),
    "edit_file": _tool(EditFile, _edit_file, "failure"),
    "delete_file": _tool(DeleteFile, _delete_file, "failure"),
    "read_cells": _tool(ReadCells, _read_cells, "json"),
    "write_cells": _tool(WriteCells, _write_cells, "failure"),
}
