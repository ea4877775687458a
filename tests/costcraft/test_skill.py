"""Skill files: what a base says is kept byte for byte, and rules find their place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.costcraft.model import SECTIONS, Rule
from clawtrace_otel.costcraft.skill import EMPTY, evolve, parse_skill, read_skill
from clawtrace_otel.errors import CostCraftError

FRONT = "---\nname: my-skill\ndescription: For tests.\n---\n"

BASE = (
    FRONT
    + """
# My skill

Say hello.

## Workflow

- Look first.

### Details of it

Two spaces.

## Notes

```
## Stop rules
```
"""
)


def rule(text: str = "Do it.", section: str = "Workflow") -> Rule:
    return Rule(text=text, section=section, patches=["p"])  # type: ignore[arg-type]


def test_without_rules_a_skill_is_what_it_was() -> None:
    assert evolve(parse_skill(BASE, "base"), []) == BASE


def test_a_rule_is_added_at_the_end_of_its_section_and_missing_sections_at_the_end() -> None:
    evolved = evolve(parse_skill(BASE, "base"), [rule("Do it."), rule("Stop.", "Stop rules")])
    expected = BASE.replace("Two spaces.\n", "Two spaces.\n\n- Do it.\n") + (
        "\n## Trigger\n\n## Stop rules\n\n- Stop.\n\n## Artifact checklist\n\n## Cost control\n"
    )
    assert evolved == expected


def test_a_rule_joins_the_list_that_its_section_ends_with() -> None:
    base = FRONT + "\n## Workflow\n\n- Look first.\n\n## Cost control\n"
    evolved = evolve(parse_skill(base, "base"), [rule()])
    assert "- Look first.\n- Do it.\n\n## Cost control\n" in evolved


def test_an_evolved_skill_has_all_five_headings_in_their_order() -> None:
    evolved = evolve(parse_skill(EMPTY, "empty"), [rule()])
    assert [line[3:] for line in evolved.splitlines() if line.startswith("## ")] == list(SECTIONS)


def test_evolving_an_evolved_skill_adds_no_heading() -> None:
    once = evolve(parse_skill(EMPTY, "empty"), [rule("One.")])
    twice = evolve(parse_skill(once, "once"), [rule("Two.")])
    assert twice == once.replace("- One.\n", "- One.\n- Two.\n")


@given(st.lists(st.sampled_from(SECTIONS), min_size=1, max_size=8), st.sampled_from([BASE, EMPTY]))
def test_no_line_of_a_base_is_lost_and_every_rule_is_there_once(
    sections: list[str], base: str
) -> None:
    rules = [rule(f"Rule {n}.", section) for n, section in enumerate(sections)]
    lines = evolve(parse_skill(base, "base"), rules).splitlines()
    rest = iter(lines)
    assert all(line in rest for line in base.splitlines())
    assert all(lines.count(f"- {r.text}") == 1 for r in rules)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# no front matter\n", "no front matter"),
        ("---\nname: [\n---\n", "no YAML mapping"),
        ("---\n- name\n---\n", "no YAML mapping"),
        ("---\nname: My Skill\ndescription: d\n---\n", "name is 'My Skill'"),
        ("---\nname: a--b\ndescription: d\n---\n", "name is 'a--b'"),
        ("---\nname: 3\ndescription: d\n---\n", "name is 3"),
        (f"---\nname: {'a' * 65}\ndescription: d\n---\n", "at most 64"),
        ("---\nname: a\n---\n", "description"),
        (f"---\nname: a\ndescription: {'d' * 1025}\n---\n", "1 to 1024"),
    ],
)
def test_what_is_no_skill_is_told_with_what_is_missing(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "SKILL.md"
    path.write_text(text)
    with pytest.raises(CostCraftError, match=said) as told:
        read_skill(path)
    assert str(path) in str(told.value)


def test_a_skill_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "SKILL.md").write_bytes(b"\xff")
    with pytest.raises(CostCraftError, match="cannot read the skill"):
        read_skill(tmp_path / "SKILL.md")
