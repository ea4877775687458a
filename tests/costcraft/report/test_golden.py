"""The report of the example, to the byte. ``make golden`` writes it again: look at it then."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from clawtrace_otel.costcraft.report.write import MARKDOWN_NAME, PAGE_NAME, write_report
from clawtrace_otel.errors import CostCraftError
from tests.costcraft.report.views import example_view

GOLDEN = Path(__file__).parent / "golden"
NAMES = (MARKDOWN_NAME, PAGE_NAME)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_gives_the_same_report_as_ever(tmp_path: Path, name: str) -> None:
    write_report(tmp_path / "new" / "folder", example_view())
    written = (tmp_path / "new" / "folder" / name).read_bytes()
    assert written.decode() == (GOLDEN / name).read_text(encoding="utf-8")


def test_nothing_else_is_written(tmp_path: Path) -> None:
    write_report(tmp_path, example_view())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CostCraftError, match=r"cannot write the report to .*file"):
        write_report(tmp_path / "file", example_view())


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        write_report(Path(folder), example_view())
        for name in NAMES:
            (GOLDEN / name).write_bytes((Path(folder) / name).read_bytes())
