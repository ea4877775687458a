"""Cells of workbooks: formulas as they are written, for nothing here calculates."""

import datetime
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

from openpyxl import Workbook, load_workbook
from openpyxl.utils.cell import range_boundaries
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula
from openpyxl.worksheet.worksheet import Worksheet

SUFFIXES = frozenset({".xlsx", ".xlsm"})

MAX_BYTES = 256 << 20
"""Of all that is in a workbook, unpacked."""

MAX_CELLS = 100_000
"""That are read at a time."""

Plain = str | int | float | bool | None


class CellsError(Exception):
    """A workbook, a sheet or a range that cannot be used."""


def read(path: Path, sheet: str, span: str) -> list[list[Plain]]:
    """The rows of a range.

    Raises:
        CellsError: there is no such sheet or range.
    """
    worksheet = _sheet(load(path), sheet)
    left, top, right, bottom = _bounds(span)
    if (right - left + 1) * (bottom - top + 1) > MAX_CELLS:
        msg = f"{span!r} has over {MAX_CELLS:,} cells"
        raise CellsError(msg)
    rows = worksheet.iter_rows(top, bottom, left, right, values_only=True)
    return [[plain(value) for value in row] for row in rows]


def write(path: Path, sheet: str, values: Mapping[str, Plain]) -> None:
    """Set cells; a workbook or a sheet that is not there is made.

    Raises:
        CellsError: the workbook cannot be read, or a cell cannot be set.
    """
    workbook = load(path) if path.exists() else Workbook()
    if sheet and sheet not in workbook.sheetnames:
        workbook.create_sheet(sheet)
    worksheet = _sheet(workbook, sheet)
    for name, value in values.items():
        left, top, right, bottom = _bounds(name)
        if (left, top) != (right, bottom):
            msg = f"{name!r} is no cell"
            raise CellsError(msg)
        try:
            worksheet.cell(top, left).value = value
        except (AttributeError, ValueError) as e:  # of merged cells all but the first are read-only
            msg = f"{name}: {e}"
            raise CellsError(msg) from e
    workbook.save(path)


def content(path: Path) -> dict[str, dict[str, list[Plain]]] | None:
    """Sheet -> cell -> type and value; ``None`` of what is no workbook.

    Formats, charts and widths are left out.
    """
    if path.suffix.lower() not in SUFFIXES:
        return None
    try:
        workbook = load(path)
    except CellsError:
        return None
    return {
        name: {
            cell.coordinate: [type(cell.value).__name__, plain(cell.value)]
            for row in workbook[name].iter_rows()
            for cell in row
            if cell.value is not None
        }
        for name in workbook.sheetnames
        if isinstance(workbook[name], Worksheet)
    }


def load(path: Path) -> Workbook:
    """A workbook.

    Raises:
        CellsError: it cannot be read, or unpacks to too much.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
        if size <= MAX_BYTES:
            with warnings.catch_warnings():  # of what it leaves out, which is no cell
                warnings.simplefilter("ignore")
                return load_workbook(path)
    except Exception as e:  # openpyxl raises what it meets in a damaged file
        msg = f"{path.name} is no workbook: {type(e).__name__}: {e}"
        raise CellsError(msg) from e
    msg = f"{path.name} has over {MAX_BYTES:,} bytes when unpacked"
    raise CellsError(msg)


def plain(value: object) -> Plain:
    """A value of a cell, as JSON can hold it."""
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, ArrayFormula | DataTableFormula):
        return str(dict(value))
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return str(value)


def _sheet(workbook: Workbook, name: str) -> Worksheet:
    try:
        found = workbook[name] if name else workbook.active
    except KeyError:
        found = None
    if not isinstance(found, Worksheet):
        msg = f"there is no sheet {name!r}"
        raise CellsError(msg)
    return found


def _bounds(span: str) -> tuple[int, int, int, int]:
    try:
        found = range_boundaries(span)
    except (ValueError, TypeError) as e:
        msg = f"{span!r} is no range of cells"
        raise CellsError(msg) from e
    left, top, right, bottom = found
    if left is None or top is None or right is None or bottom is None:
        msg = f"{span!r} has no end: give its first and its last cell"
        raise CellsError(msg)
    return left, top, right, bottom
