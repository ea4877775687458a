"""Skills as conditions: how they are called, and where the agent finds them."""

from pathlib import Path

import pytest

from clawtrace_otel.costcraft.bench.conditions import read_conditions
from clawtrace_otel.errors import CostCraftError
from tests.costcraft.bench.orders import SKILL, write_skill


def names(*skills: str) -> list[str]:
    return [each.name for each in read_conditions(skills)]


def test_without_skills_there_is_one_condition() -> None:
    assert names() == ["without"]


def test_a_skill_is_called_as_its_front_matter_says(tmp_path: Path) -> None:
    assert names(write_skill(tmp_path / "folder")) == ["without", "saver"]


def test_a_skill_without_a_usable_name_is_called_as_its_folder(tmp_path: Path) -> None:
    odd = write_skill(tmp_path / "My Skill", "---\nname: ../../etc\n---\nx")
    plain = tmp_path / "plain_rules.md"
    plain.write_text("Be brief.")
    assert names(odd, str(plain)) == ["without", "my-skill", "plain-rules"]


def test_equal_names_are_numbered_and_a_user_may_name_them(tmp_path: Path) -> None:
    first = write_skill(tmp_path / "a")
    second = write_skill(tmp_path / "b", SKILL + "More.")
    third = write_skill(tmp_path / "c", SKILL + "Still more.")
    assert names(first, second, f"no-cost={third}") == ["without", "saver", "saver-2", "no-cost"]


def test_all_of_a_skill_that_is_a_folder_is_given(tmp_path: Path) -> None:
    write_skill(tmp_path / "s")
    (tmp_path / "s" / "scripts").mkdir()
    (tmp_path / "s" / "scripts" / "run.sh").write_text("true")
    condition = read_conditions([str(tmp_path / "s")])[1]
    installed = condition.install(tmp_path / "work" / ".claude" / "skills")
    assert installed == tmp_path / "work" / ".claude" / "skills" / "saver" / "SKILL.md"
    assert (installed.parent / "scripts" / "run.sh").read_text() == "true"


def test_of_a_skill_that_is_a_file_nothing_else_is_given(tmp_path: Path) -> None:
    path = write_skill(tmp_path)
    (tmp_path / "secret.txt").write_text("x")
    installed = read_conditions([path])[1].install(tmp_path / "work")
    assert installed is not None
    assert [each.name for each in installed.parent.iterdir()] == ["SKILL.md"]


def test_a_skill_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(CostCraftError, match=r"cannot read the skill .*gone\.md"):
        names(str(tmp_path / "gone.md"))
    with pytest.raises(CostCraftError, match="is empty"):
        names(write_skill(tmp_path / "e", " \n"))
    with pytest.raises(CostCraftError, match="are the same"):
        names(write_skill(tmp_path / "a"), write_skill(tmp_path / "b"))
