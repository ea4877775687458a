"""What is a fact of a task, and what a word of the domain or of the tools."""

from pathlib import Path

import pytest

from clawtrace_otel.costcraft.task_facts import TaskFacts
from clawtrace_otel.errors import CostCraftError
from tests.costcraft.runs import RunBuilder, as_json, made

COUNT = 20


def facts() -> TaskFacts:
    """Of twenty tasks: each has a user and a city of its own, all have the same status."""
    builders = []
    for n in range(COUNT):
        builder = RunBuilder(f"run {n}", task=f"task {n}")
        name = "Ada Stone" if n < 3 else "Someone Else"
        city = "Boston" if n < 2 else "Paris"
        builder.llm(asked=f"My name is {name} {n} and I am in {city} today, please help me now")
        builder.turn(
            "get_user",
            {"user_id": f"ada_stone_{n}", "status": "active"},
            as_json({"city": city, "code": "IN", "membership": "gold"}),
        )
        builder.llm(f"You have 3 bags and {1000 + n} USD.")
        builders.append(builder)
    return TaskFacts(made(builders))


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("Look up `ada_stone_3` first.", "ada_stone_3"),
        ("Charge 1007 USD.", "1007"),
        ("Ask in Boston.", "Boston"),
        ("If my name is Ada Stone, stop.", "Ada"),
        ("Know that I am in Boston.", "Boston"),
        ("Say: is ada stone 2 and i am in there", "is ada stone 2 and i am"),
        ("Paris is common to most tasks.", ""),
        ("Ask for `user_id` and look in the `city`.", ""),
        ("Call `get_user` again only if it is active.", ""),
        ("Do not repeat a call in vain.", ""),
        ("Stop after 3 calls.", ""),
    ],
)
def test_strings_that_few_tasks_have_are_facts(text: str, fact: str) -> None:
    assert facts().found_in(text) == fact


def test_a_sentence_of_a_task_is_a_fact_even_if_all_of_its_words_are_plain() -> None:
    builder = RunBuilder(task="one")
    builder.llm(asked="please find out which of my bags was lost on the way")
    found = TaskFacts(made([builder]))
    text = "Find out which of my bags was lost first."
    assert found.found_in(text) == "Find out which of my bags was"


def test_strings_of_task_data_are_facts_too(tmp_path: Path) -> None:
    data = tmp_path / "tasks.json"
    data.write_text('[{"instructions": {"order": "ORD-17", "city": "Kyoto", "n": 4711}}]')
    found = TaskFacts([], [data])
    assert [found.found_in(f"See {word}.") for word in ("ord-17", "Kyoto", "4711", "order")] == [
        "ord-17",
        "Kyoto",
        "4711",
        "",
    ]


def test_task_data_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(CostCraftError, match=r"nothing\.json"):
        TaskFacts([], [tmp_path / "nothing.json"])
