from pathlib import Path

import pytest

from clawtrace_otel.costcraft.llm.journal import FILE_NAME, Entry, Journal, key_of
from clawtrace_otel.errors import CostCraftError


def test_what_is_noted_is_there_for_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "out" / FILE_NAME
    Journal(path).add(Entry(key="k", model="m", text="{}", input=1, output=2, usd=0.25))
    again = Journal(path)
    assert (again.get("k"), again.get("other"), again.spent_usd) == ("{}", None, 0.25)


def test_an_answer_without_text_was_paid_for_and_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    Journal(path).add(Entry(key="k", model="m", usd=0.5))
    again = Journal(path)
    assert (again.get("k"), again.spent_usd) == (None, 0.5)


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_line_that_was_cut_off_loses_no_other(cut: int, tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    for n in range(3):
        Journal(path).add(Entry(key=f"k{n}", model="m", text="text"))
    path.write_bytes(path.read_bytes()[:-cut])
    broken = Journal(path)
    assert (broken.get("k0"), broken.get("k1")) == ("text", "text")
    broken.add(Entry(key="k3", model="m", text="text"))
    again = Journal(path)
    assert (again.get("k1"), again.get("k3")) == ("text", "text")
    assert again.damaged == (cut > 1)


def test_what_is_no_entry_is_counted(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b'\xff\xfe\n\n[1]\n{"key": 1}\n{"key": "k", "model": "m", "text": "t"}\n')
    journal = Journal(path)
    assert (journal.damaged, journal.get("k")) == (3, "t")


def test_a_journal_that_cannot_be_read_or_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(CostCraftError, match="earlier answers cannot be read"):
        Journal(tmp_path / FILE_NAME)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(CostCraftError, match="cannot be noted"):
        Journal(blocked / FILE_NAME).add(Entry(key="k", model="m"))


def test_a_question_to_another_model_has_another_key() -> None:
    assert len({key_of("a", "x"), key_of("b", "x"), key_of("a", "y")}) == 3
