"""``clawtrace costcraft bench``: status, tables, JSON, and what is said of wrong input."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clawtrace_otel.cli import main
from clawtrace_otel.costcraft.bench.report import at_least
from tests.costcraft.bench.orders import TINY, write_skill, write_tasks

EXITS = {"exit_code": 0}


def run(folder: Path, *arguments: str, agent: str = TINY) -> Result:
    command = ["costcraft", "bench", str(folder / "tasks.yaml"), "--agent", agent]
    return CliRunner().invoke(main, [*command, "-o", str(folder / "out"), *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two tasks that cost something."""
    tasks = [{"id": t, "prompt": "cost 0.01", "grader": EXITS} for t in ("a", "b")]
    write_tasks(tmp_path / "tasks.yaml", tasks)
    return tmp_path


def test_a_table_for_people_and_the_same_as_json(folder: Path) -> None:
    skill = write_skill(folder / "s")
    shown = run(folder, "--skill", f"half={skill}")
    assert shown.exit_code == 0, shown.output
    assert "half against without" in shown.stdout
    assert "spent: $0.030000" in shown.stdout
    told = run(folder, "--skill", f"half={skill}", "--json")
    report = json.loads(told.stdout)
    assert "4 runs are there, 0 to do" in told.stderr
    assert [each["condition"] for each in report["conditions"]] == ["without", "half"]
    assert report["comparisons"][0]["measures"][0]["ratio"] == pytest.approx(0.5)


def test_what_runs_without_spans_have_cost_is_unknown_and_not_0(folder: Path) -> None:
    shown = run(folder, agent="true")
    assert shown.exit_code == 0, shown.output
    assert "spent: unknown" in shown.stdout
    assert "$0" not in shown.stdout.replace(str(folder), "")


@pytest.mark.parametrize(
    ("known", "unknown", "said"),
    [
        (0.5, 0, "$0.500000"),
        (0.5, 2, "at least $0.500000"),
        (0.0, 2, "unknown"),
        (0.0, 0, "$0.000000"),
    ],
)
def test_a_cost_that_is_known_in_part_is_said_to_be_so(
    known: float, unknown: int, said: str
) -> None:
    assert at_least(known, unknown=unknown) == said


def test_a_limit_that_was_reached_has_a_status_of_its_own(folder: Path) -> None:
    found = run(folder, "--max-usd", "0.005")
    assert found.exit_code == 3
    assert "1 run is missing: money limit." in found.stderr


def test_an_agent_that_is_not_there_is_named(folder: Path) -> None:
    found = run(folder, agent="no-such-agent {prompt}")
    assert found.exit_code == 1
    assert "there is no executable 'no-such-agent'" in found.stderr
    assert not (folder / "out").exists()


def test_what_is_wrong_with_tasks_is_named(folder: Path) -> None:
    write_tasks(folder / "tasks.yaml", [{"id": "a", "prompt": "x"}])
    found = run(folder)
    assert found.exit_code == 1
    assert "$.tasks[0] (task 'a') has no grader" in found.stderr


def test_a_skill_that_is_not_there_is_named(folder: Path) -> None:
    found = run(folder, "--skill", "nowhere/SKILL.md")
    assert found.exit_code == 1
    assert "cannot read the skill nowhere/SKILL.md" in found.stderr


def test_a_folder_in_a_repository_is_told_of(folder: Path) -> None:
    (folder / ".git").mkdir()
    found = run(folder)
    assert found.exit_code == 0
    assert f"is in the repository {folder}" in found.stderr
