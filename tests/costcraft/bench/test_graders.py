"""What graders say of what an agent left behind."""

import datetime
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from clawtrace_otel.costcraft.bench.graders.grade import grade
from clawtrace_otel.costcraft.bench.graders.spec import Grader, Workbooks
from clawtrace_otel.costcraft.bench.graders.tau2_reward import read_reward
from clawtrace_otel.costcraft.bench.graders.verdict import Ended, Verdict
from clawtrace_otel.costcraft.bench.graders.workbooks import (
    compare_workbooks,
    ranges,
    same_value,
)
from tests.corpora.folder import CORPORA


@pytest.fixture
def graded(tmp_path: Path) -> Callable[..., Verdict]:
    """Grades a run that left these files, printed this and ended so."""

    def of(grader: Grader, stdout: str = "", exit_code: int = 0, **files: str) -> Verdict:
        work = tmp_path / "work"
        work.mkdir()
        for name, text in files.items():
            (work / name).write_text(text)
        (tmp_path / "stdout").write_text(stdout)
        return grade(grader, Ended(work, tmp_path / "stdout", exit_code, {"PATH": "/usr/bin:/bin"}))

    return of


Graded = Callable[..., Verdict]
Cells = Mapping[str, str | int]


def test_the_exit_code_decides(graded: Graded) -> None:
    assert graded(Grader(exit_code=0), exit_code=3) == Verdict(
        passed=False, why="the agent ended with status 3"
    )


def test_another_exit_code_than_0_may_be_the_right_one(graded: Graded) -> None:
    assert graded(Grader(exit_code=3), exit_code=3).passed is True


def test_the_last_line_that_an_agent_prints_may_say_whether_it_passed(graded: Graded) -> None:
    found = graded(Grader(json="-"), stdout='working\n{"passed": true, "score": 0.4}\n\n')
    assert found == Verdict(passed=True, score=0.4)


def test_a_score_alone_is_held_against_what_is_enough(graded: Graded) -> None:
    found = graded(Grader(json="r", pass_score=0.5), r='{"score": 0.5, "why": "half", "more": []}')
    assert found == Verdict(passed=True, score=0.5, why="half")


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "{}", '{"passed": "yes"}', '{"score": 1e999}', '{"score": null}']
)
def test_an_agent_that_does_not_say_so_has_not_passed(graded: Graded, text: str) -> None:
    found = graded(Grader(json="r"), r=text)
    assert found == Verdict(passed=False, why="r is no JSON object with `passed` or `score`")


def test_a_command_looks_at_the_folder(graded: Graded) -> None:
    command = f"{sys.executable} -c \"import sys; sys.exit(open('a').read() != 'right')\""
    assert graded(Grader(command=command), a="right").passed is True


def test_a_command_may_give_a_score(graded: Graded) -> None:
    command = "sh -c 'echo looking; cat a; exit 9'"
    assert graded(Grader(command=command), a='{"score": 0.2}') == Verdict(passed=False, score=0.2)


def test_a_command_says_by_its_status_that_a_run_failed(graded: Graded) -> None:
    assert graded(Grader(command="sh -c 'echo too low; exit 1'")) == Verdict(
        passed=False, why="too low"
    )


def test_a_command_that_fails_itself_says_nothing_of_the_run(graded: Graded) -> None:
    found = graded(Grader(command="sh -c 'echo oops >&2; exit 2'"))
    assert found == Verdict(passed=None, why="the grader ended with status 2: oops")


def test_a_command_that_takes_too_long_says_nothing_of_the_run(graded: Graded) -> None:
    found = graded(Grader(command="sleep 60", time_limit=0.3))
    assert found == Verdict(passed=None, why="the grader took over 0.3 s")


def tau2(*rewards: float | None) -> str:
    found = [{"task_id": str(n), "reward_info": {"reward": r}} for n, r in enumerate(rewards)]
    return json.dumps({"simulations": found, "info": {}})


def test_tau2_passed_if_its_reward_is_one(graded: Graded) -> None:
    assert graded(Grader(tau2="r"), r=tau2(1.0)) == Verdict(passed=True, score=1.0)


def test_of_several_simulations_of_tau2_all_must_have_passed(graded: Graded) -> None:
    assert graded(Grader(tau2="r"), r=tau2(1.0, 0.0)) == Verdict(passed=False, score=0.5)


@pytest.mark.corpora
@pytest.mark.skipif(not CORPORA.is_dir(), reason="the recorded runs are not in ../shared/corpora")
@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("gpt-5.4_airline_ironshell_run1", 28 / 50),
        ("gpt-4.1_telecom_1trial", 18 / 40),
        ("claude-sonnet-4-5_airline_1trial", 36 / 50),
    ],
)
def test_the_reward_of_a_real_results_file_is_the_share_that_passed(
    name: str, share: float
) -> None:
    found = read_reward((CORPORA / "tau2" / f"{name}.json").read_bytes(), name)
    assert found.passed is False
    assert found.score == pytest.approx(share)


@pytest.mark.parametrize("text", ["{", "{}", tau2(), tau2(1.0, None), '{"simulations": [{}]}'])
def test_a_file_without_rewards_has_not_passed(graded: Graded, text: str) -> None:
    found = graded(Grader(tau2="r"), r=text)
    assert found.passed is False
    assert found.why


def save(path: Path, cells: Cells, sheet: str = "Sheet1") -> Path:
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    for cell, value in cells.items():
        page[cell] = value
    book.save(path)
    return path


def equal(tmp_path: Path, right: Cells, written: Cells, at: str) -> bool:
    answer = save(tmp_path / "answer.xlsx", right)
    return compare_workbooks(answer, save(tmp_path / "out.xlsx", written), at).equal


@pytest.mark.parametrize(
    ("right", "written", "is_same"),
    [
        (1, 1.004, True),
        (1, 1.006, False),
        (3, "3.00", True),
        ("x", "X", False),
        (None, "", True),
        (0, None, False),
        (True, 1, True),
        (datetime.datetime(2024, 5, 1, 9), datetime.datetime(2024, 5, 1, 10), True),
        (datetime.datetime(2024, 5, 1), datetime.datetime(2024, 5, 2), False),
        (datetime.datetime(2024, 5, 1), 45413, True),
        (datetime.time(9, 30, 1), datetime.time(9, 30, 59), True),
        (datetime.time(9, 30), datetime.time(9, 31), False),
        ("nan", "nan", False),
    ],
)
def test_values_are_compared_as_spreadsheetbench_does(
    right: object, written: object, is_same: bool
) -> None:
    assert same_value(right, written) is is_same


@given(st.one_of(st.none(), st.booleans(), st.floats(-1e9, 1e9), st.text(max_size=5)))
def test_a_value_is_the_same_as_itself_unless_it_is_no_number(value: object) -> None:
    text = str(value).strip().lower().lstrip("+-")
    assert same_value(value, value) is (text != "nan")


def test_only_the_cells_of_the_position_count(tmp_path: Path) -> None:
    right, written = {"A1": 1, "B2": 2}, {"A1": 1, "B2": 3}
    assert equal(tmp_path, right, written, "A1:A9")
    assert not equal(tmp_path, right, written, "'Sheet1'!A1:B9")
    assert not equal(tmp_path, right, written, "A1,Sheet1!B2")


def test_quotes_stand_anywhere_in_a_position() -> None:
    found = ranges("'Sheet1!'A2:B19,'Sheet2!'A2:B19,C3", "First")
    assert found == [("Sheet1", "A2:B19"), ("Sheet2", "A2:B19"), ("First", "C3")]


def test_a_formula_without_a_stored_value_is_named(tmp_path: Path) -> None:
    answer = save(tmp_path / "answer.xlsx", {"A1": 3})
    found = compare_workbooks(answer, save(tmp_path / "out.xlsx", {"A1": "=1+2"}), "A1")
    assert found.why == "out.xlsx: Sheet1!A1 is None, not 3 (a formula without a stored value)"


def test_a_sheet_that_is_missing_is_named(tmp_path: Path) -> None:
    answer = save(tmp_path / "answer.xlsx", {"A1": 3})
    found = compare_workbooks(answer, save(tmp_path / "out.xlsx", {"A1": 3}, "Other"), "A1")
    assert found.why == "out.xlsx: there is no sheet 'Sheet1'"


def grade_books(tmp_path: Path, position: str, **written: Cells) -> Verdict:
    """Grade workbooks that were to have 1 in A1: ``first.xlsx`` and ``second.xlsx``."""
    work = tmp_path / "work"
    work.mkdir()
    for name, cells in written.items():
        save(work / f"{name}.xlsx", cells)
    (tmp_path / "stdout").touch()
    answer = str(save(tmp_path / "answer.xlsx", {"A1": 1}))
    answers = {"first.xlsx": answer, "second.xlsx": answer}
    grader = Grader(workbooks=Workbooks(position=position, answers=answers))
    return grade(grader, Ended(work, tmp_path / "stdout", 0, {}))


def test_the_score_is_the_share_of_workbooks_that_agree(tmp_path: Path) -> None:
    found = grade_books(tmp_path, "A1", first={"A1": 1})
    assert found == Verdict(passed=False, score=0.5, why="there is no second.xlsx")


def test_workbooks_that_all_agree_pass(tmp_path: Path) -> None:
    found = grade_books(tmp_path, "A1", first={"A1": 1}, second={"A1": "1.0", "B1": 7})
    assert found == Verdict(passed=True, score=1.0)


def test_what_is_no_workbook_is_wrong(tmp_path: Path) -> None:
    answer = save(tmp_path / "answer.xlsx", {"A1": 3})
    (tmp_path / "out.xlsx").write_text("no zip")
    found = compare_workbooks(answer, tmp_path / "out.xlsx", "A1")
    assert not found.equal
    assert "out.xlsx cannot be read: BadZipFile" in found.why


@pytest.mark.parametrize("position", ["A", "1:2", "A1:XFD1048576", "Sheet9!A1", "nonsense!"])
def test_a_position_that_makes_no_sense_says_nothing_of_the_run(
    tmp_path: Path, position: str
) -> None:
    found = grade_books(tmp_path, position)
    assert found.passed is None
    assert "the answer cannot be compared with" in found.why
