"""What docs/accuracy.md says is what is measured."""

import pytest

from tests.corpora import accuracy
from tests.corpora.folder import reads_corpora

pytestmark = [*reads_corpora, pytest.mark.slow]


def test_every_check_of_the_accuracy_page_holds_and_stands_there_as_measured() -> None:
    measured = list(accuracy.rows())
    assert [row for row in measured if not row.holds] == []
    page = accuracy.PAGE.read_text(encoding="utf-8")
    assert page == accuracy.with_table(page, accuracy.table(measured)), "run: make accuracy"
