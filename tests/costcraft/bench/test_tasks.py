"""The file of tasks: what it may say, and what is said where it is wrong."""

from pathlib import Path

import pytest

from clawtrace_otel.costcraft.bench.tasks import load_tasks
from clawtrace_otel.errors import CostCraftError
from tests.costcraft.bench.orders import write_tasks

PASSES = {"exit_code": 0}


def test_a_task_says_what_to_do_with_which_files_and_who_grades(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "note.txt").write_text("x")
    path = write_tasks(
        tmp_path / "tasks.yaml",
        [
            {
                "id": "a",
                "prompt": "Do it.",
                "files": ["data", "note.txt"],
                "grader": PASSES,
                "time_limit": 5,
            }
        ],
    )
    (task,) = load_tasks(path)
    assert task.prompt == "Do it."
    assert list(task.files) == [tmp_path / "data", tmp_path / "note.txt"]
    assert (task.time_limit, task.max_usd) == (5.0, None)


def test_grader_and_limits_may_be_given_for_all_tasks(tmp_path: Path) -> None:
    tasks: list[dict[str, object]] = [
        {"id": "a", "prompt": "x"},
        {"id": "b", "prompt": "x", "max_usd": 2},
    ]
    path = write_tasks(
        tmp_path / "tasks.yaml", tasks, grader=PASSES, defaults={"time_limit": 9, "max_usd": 1}
    )
    first, second = load_tasks(path)
    assert (first.time_limit, first.max_usd) == (9.0, 1.0)
    assert (second.time_limit, second.max_usd) == (9.0, 2.0)
    assert first.grader.exit_code == 0


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ([{"id": "a", "prompt": "x"}], r"\$\.tasks\[0\] \(task 'a'\) has no grader"),
        ([], "there are no tasks"),
        ([{"id": "a/b", "prompt": "x", "grader": PASSES}], r"\$\.tasks\[0\]\.id"),
        ([{"id": "a", "prompt": "", "grader": PASSES}], r"\$\.tasks\[0\]\.prompt"),
        ([{"id": "a", "promt": "x"}], r"`promt` - at `\$\.tasks\[0\]`"),
        (
            [
                {"id": "a", "prompt": "x", "grader": PASSES},
                {"id": "A", "prompt": "x", "grader": PASSES},
            ],
            "'A' is given to two tasks",
        ),
        ([{"id": "a", "prompt": "x", "files": "gone", "grader": PASSES}], "there is no 'gone' in"),
        ([{"id": "a", "prompt": "x", "grader": {}}], r"\$\.tasks\[0\]\.grader is empty"),
        (
            [{"id": "a", "prompt": "x", "grader": {"exit_code": 0, "json": "-"}}],
            r"grader has exit_code and json; it is one of",
        ),
        (
            [{"id": "a", "prompt": "x", "grader": {"command": "no-such-program"}}],
            "there is no executable 'no-such-program'",
        ),
        (
            [{"id": "a", "prompt": "x", "grader": PASSES, "time_limit": 0}],
            r"\$\.tasks\[0\]\.time_limit",
        ),
        (
            [
                {
                    "id": "a",
                    "prompt": "x",
                    "grader": {"workbooks": {"position": "A1", "answers": {"o.xlsx": "no.xlsx"}}},
                }
            ],
            r"\$\.tasks\[0\]\.grader\.workbooks\.answers: there is no file '.*no\.xlsx'",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_and_place(
    tmp_path: Path, tasks: list[dict[str, object]], said: str
) -> None:
    path = write_tasks(tmp_path / "tasks.yaml", tasks)
    with pytest.raises(CostCraftError, match=said) as caught:
        load_tasks(path)
    assert str(path) in str(caught.value)


def test_a_dataset_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = write_tasks(tmp_path / "tasks.yaml", [], spreadsheetbench="nowhere")
    with pytest.raises(CostCraftError, match=r"\$\.spreadsheetbench: cannot read .*dataset\.json"):
        load_tasks(path)
