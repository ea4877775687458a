"""The page about faults names each test of them, and no test that is not there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
FAULTS = Path(__file__).parent


def names_below(folder: Path, files: str = "test_*.py") -> set[str]:
    """The names of all tests in files below a folder."""
    return {
        name
        for path in folder.rglob(files)
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def test_the_page_names_every_test_of_a_fault_and_none_that_is_not_there() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    assert named <= names_below(ROOT / "tests")
    of_the_ledger = names_below(FAULTS, "test_ledger.py") | names_below(FAULTS, "test_page.py")
    assert names_below(FAULTS) - of_the_ledger <= named
