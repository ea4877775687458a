"""The suite looks at every point, and its page says what it finds."""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import conformance
from tests.conformance.checklist import CHECKLIST, OPTIONAL
from tests.conformance.report import Result, sentence_of, text_of, verdict

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"


def all_tests() -> Iterator[tuple[str, Callable[..., object]]]:
    """All tests that look at a receiver."""
    for module in pkgutil.iter_modules(conformance.__path__):
        if module.name.startswith("test_") and module.name != "test_checklist":
            found = importlib.import_module(f"{conformance.__name__}.{module.name}")
            yield from ((n, f) for n, f in vars(found).items() if n.startswith("test_"))


def points_of(test: Callable[..., object]) -> set[str]:
    marks = getattr(test, "pytestmark", [])
    return {number for mark in marks if mark.name == "point" for number in mark.args}


def test_every_point_is_looked_at() -> None:
    looked_at = set().union(*(points_of(test) for _, test in all_tests()))
    assert len(CHECKLIST) == 27
    assert looked_at == {*CHECKLIST, *OPTIONAL}


def test_every_test_says_which_points_it_looks_at() -> None:
    assert [name for name, test in all_tests() if not points_of(test)] == []


def test_the_page_has_a_row_for_every_point() -> None:
    rows = re.findall(r"^\| ([\w-]+) \| (.+?) \|", PAGE.read_text(), re.MULTILINE)
    assert rows[1:] == list((CHECKLIST | OPTIONAL).items())


def results(*outcomes: str) -> list[Result]:
    pairs = (outcome.split() for outcome in outcomes)
    return [Result("1", level, outcome, "a test") for level, outcome in pairs]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], "not seen"),
        (["must skipped"], "not seen"),
        (["must passed", "may skipped"], "yes"),
        (["must passed", "should failed"], "in part"),
        (["must passed", "may error"], "in part"),
        (["must failed", "should failed", "may passed"], "no"),
    ],
)
def test_a_point_holds_if_none_of_its_tests_failed(outcomes: list[str], expected: str) -> None:
    assert verdict(results(*outcomes)) == expected


def test_the_report_names_what_failed() -> None:
    text = text_of(results("must passed", "should failed"))
    assert re.search(r"1 .*unary Export over gRPC.* in part .* 1 of 2", text)
    assert text.rstrip().endswith("1  should  a test")


def test_a_test_is_told_in_words() -> None:
    assert sentence_of("tests/x.py::test_a_body_is_read[a b-1]") == "a body is read: a b-1"
    assert sentence_of("tests/x.py::test_a_body_is_read") == "a body is read"
