"""SpreadsheetBench's comparison: do cells of a workbook have the values of those of another?

The rules are those of the benchmark's ``evaluation/evaluation.py``: numbers, and texts that are
numbers, are rounded to two digits; a date is a number of days, rounded; of a time the seconds do
not count; an empty text is an empty cell. Position without a sheet: the first of the answer. All
ranges must agree. A workbook that cannot be read is wrong.

Different from it: nothing is recalculated. It has Excel open and save each workbook first; here a
formula without a stored value counts as the empty cell that it reads as, and the reason says so.
"""

import datetime
import zipfile
from dataclasses import dataclass
from pathlib import Path

from openpyxl import Workbook, load_workbook
from openpyxl.utils.cell import range_boundaries

MAX_BYTES = 512 << 20
"""Of all that is in a workbook, unpacked: what an agent wrote may be anything."""

MAX_CELLS = 5_000_000
"""Of a position."""

_EPOCH = datetime.datetime(1899, 12, 30)

Value = object
Bounds = tuple[int, int, int, int]
"""First column, first row, last column, last row; from 1."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Whether all cells agree; where the first differs that does not."""

    equal: bool
    why: str = ""


class PositionError(Exception):
    """A position that is no list of ranges."""


def compare_workbooks(answer: Path, output: Path, position: str) -> Compared:
    """Compare what an agent wrote with the answer.

    Args:
        answer: the right workbook.
        output: the agent's.
        position: the cells to compare, such as ``'Sheet1'!A1:B9,Sheet2!C3``.

    Raises:
        PositionError: the position makes no sense.
        OSError, ValueError, KeyError, zipfile.BadZipFile: the answer cannot be read.
    """
    right = _load(answer)
    places = [(sheet, _bounds(cells)) for sheet, cells in ranges(position, right.sheetnames[0])]
    for sheet, _ in places:
        if sheet not in right.sheetnames:
            msg = f"the answer has no sheet {sheet!r}"
            raise PositionError(msg)
    if not output.is_file():
        return Compared(equal=False, why=f"there is no {output.name}")
    try:
        written = _load(output)
    except Exception as e:  # openpyxl raises what it meets in a damaged file
        return Compared(equal=False, why=f"{output.name} cannot be read: {type(e).__name__}: {e}")
    for sheet, bounds in places:
        if found := _compare_range(right, written, sheet, bounds):
            return Compared(equal=False, why=f"{output.name}: {found}{_formula(output, found)}")
    return Compared(equal=True)


def ranges(position: str, first_sheet: str) -> list[tuple[str, str]]:
    """The sheets and ranges of a position. Quotes stand anywhere in the benchmark's own ones."""
    found = []
    for part in position.split(","):
        sheet, _, cells = part.rpartition("!")
        found.append((sheet.strip().strip("'") or first_sheet, cells.strip().strip("'")))
    return found


def _load(path: Path) -> Workbook:
    with zipfile.ZipFile(path) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > MAX_BYTES:
            msg = f"over {MAX_BYTES} bytes when unpacked"
            raise ValueError(msg)
    return load_workbook(path, data_only=True)


def _compare_range(right: Workbook, written: Workbook, sheet: str, bounds: Bounds) -> str:
    """What differs first; empty if nothing does."""
    if sheet not in written.sheetnames:
        return f"there is no sheet {sheet!r}"
    left, top, last, bottom = bounds
    for column in range(left, last + 1):
        for row in range(top, bottom + 1):
            cell = right[sheet].cell(row, column)
            value = written[sheet].cell(row, column).value
            if not same_value(cell.value, value):
                return f"{sheet}!{cell.coordinate} is {value!r}, not {cell.value!r}"
    return ""


def _bounds(cells: str) -> Bounds:
    try:
        left, top, last, bottom = range_boundaries(cells)
        if left is None or top is None or last is None or bottom is None:
            raise ValueError
        if (last - left + 1) * (bottom - top + 1) > MAX_CELLS:
            raise ValueError
    except (ValueError, TypeError):
        msg = f"{cells!r} is no range of at most {MAX_CELLS:,} cells"
        raise PositionError(msg) from None
    return left, top, last, bottom


def same_value(right: Value, written: Value) -> bool:
    """Whether two cells count as equal."""
    first, second = _plain(right), _plain(written)
    return type(first) is type(second) and first == second


def _plain(value: Value) -> Value:
    match value:
        case "":
            return None
        case int() | float():
            return round(float(value), 2)
        case datetime.time():
            return str(value)[:-3]
        case datetime.datetime():
            since = value - _EPOCH
            return round(since.days + since.seconds / 86_400.0, 0)
        case str():
            try:
                return round(float(value), 2)
            except ValueError:
                return value
        case _:
            return value


def _formula(output: Path, found: str) -> str:
    """A hint where a cell that reads as empty holds a formula."""
    if " is None, not " not in found:
        return ""
    sheet, _, cell = found.partition(" is None, not ")[0].rpartition("!")
    value = load_workbook(output)[sheet][cell].value
    return (
        " (a formula without a stored value)" if isinstance(value, str) and value[:1] == "=" else ""
    )
