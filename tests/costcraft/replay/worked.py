"""Runs for tests whose tools another program had executed: the agent of ``clawtrace demo``.

Its tools for cells are written here, with openpyxl, as an agent would have them.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openpyxl import load_workbook

from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.demo.agent import Workspace
from tests.costcraft.runs import RunBuilder, made

_READING = frozenset({"list_files", "read_file", "read_cells"})


@dataclass
class Work:
    """A run, call by call, in a copy of the folder that it begins with.

    Attributes:
        start: the folder.
        folder: its copy.
    """

    start: Path
    folder: Path
    builder: RunBuilder = field(default_factory=RunBuilder)

    def __post_init__(self) -> None:
        shutil.copytree(self.start, self.folder)
        workspace = Workspace(self.folder)
        self._tools: Mapping[str, Callable[..., str]] = {
            "list_files": workspace.list_files,
            "read_file": workspace.read_file,
            "write_file": workspace.write_file,
            "edit_file": self._edit_file,
            "read_cells": self._read_cells,
            "write_cells": self._write_cells,
            "run_tests": workspace.run_tests,
        }

    def call(self, tool: str, **arguments: object) -> str:
        """Call a tool, write that down, and return the result."""
        error, result = "", ""
        try:
            result = self._tools[tool](**arguments)
        except Exception as e:
            error = f"{type(e).__name__}: {e}"
        self.builder.llm(calls=[(tool, arguments)])
        self.builder.tool(tool, arguments, result, error=error, read_only=tool in _READING)
        return error or result

    def run(self) -> Run:
        """As it was recorded."""
        return made([self.builder])[0]

    def _edit_file(self, file_path: str, old_string: str, new_string: str) -> str:
        path = self.folder / file_path
        text = path.read_text()
        if text.count(old_string) != 1:
            msg = "not found, or not unique"
            raise ValueError(msg)
        path.write_text(text.replace(old_string, new_string))
        return "The file has been updated."

    def _read_cells(self, path: str, sheet: str, range: str) -> str:  # noqa: A002
        rows = load_workbook(self.folder / path)[sheet][range]
        return json.dumps([[cell.value for cell in row] for row in rows], indent=1)

    def _write_cells(self, path: str, sheet: str, cells: Mapping[str, str | float]) -> str:
        workbook = load_workbook(self.folder / path)
        for name, value in cells.items():
            workbook[sheet][name] = value
        workbook.save(self.folder / path)
        return "ok"
