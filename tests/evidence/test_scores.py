"""Precision and recall, and the page that they are written into."""

import pytest

from clawtrace_otel.costcraft.stats import wilson
from tests.evidence.__main__ import PAGE, SECTIONS, main, with_tables
from tests.evidence.generated_scenes import SHARES
from tests.evidence.scores import Case, precision, recall, table


def test_precision_is_of_the_flagged_and_recall_of_the_redundant() -> None:
    cases = [Case(True, True), Case(True, False), Case(False, True), Case(True, True)]
    assert (precision(cases).good, precision(cases).of) == (2, 3)
    assert (recall(cases).good, recall(cases).of) == (2, 3)
    assert precision(cases).interval == wilson(2, 3)
    assert str(precision(cases)) == "0.667 [0.208, 0.939]"


def test_equal_weights_change_nothing() -> None:
    plain = [Case(True, True), Case(True, False), Case(False, True)]
    heavy = [case._replace(weight=7.0) for case in plain]
    assert recall(heavy) == recall(plain)
    assert precision(heavy) == precision(plain)


def test_unequal_weights_shift_the_share_and_widen_the_interval() -> None:
    cases = [Case(True, True, 2.0), Case(True, False, 1.0), Case(True, False, 1.0)]
    share = recall(cases)
    assert share.value == 0.5
    assert share.interval == wilson(2, 3)  # worth 16 / 6 cases of equal weight; half of 3 is 2


def test_of_nothing_there_is_no_share() -> None:
    assert str(precision([Case(True, False)])) == "-"


def test_tables_stand_between_the_marks_of_their_section() -> None:
    page = "a\n<!-- e1 -->\nold\n<!-- /e1 -->\nb\n<!-- e2 --><!-- /e2 -->\n"
    new = with_tables(page, "e1", table(("x", "y"), [(1, 2)]))
    assert new.startswith("a\n<!-- e1 -->\n| x | y |\n|---|---:|\n| 1 | 2 |\n<!-- /e1 -->\nb\n")
    assert with_tables(new, "e1", "old\n") == page
    with pytest.raises(ValueError, match="e3"):
        with_tables(page, "e3", "")


def test_the_page_has_a_place_for_every_section() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(with_tables(page, name, "x") != page for name in SECTIONS)


def test_a_section_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["e0"]) == 2
    assert "e0" in capsys.readouterr().out


def test_the_page_tells_the_shares_of_the_scenes() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"| {scene} | {share} |" in page for scene, share in SHARES.items())
