"""Where the words of a run come up."""

import pytest

from clawtrace_otel.costcraft.mentions import Mentions
from tests.costcraft.runs import RunBuilder


def mentions(result: str, *later: str, asked: str = "please") -> Mentions:
    """Of a run that calls a tool in step 2 and says something later."""
    trace = RunBuilder()
    trace.llm(calls=[("look", {"at": "x"})], asked=asked)
    trace.tool("look", {"at": "x"}, result)
    for text in later:
        trace.llm(text)
    return Mentions(trace.run())


def test_a_word_that_was_there_before_was_not_brought() -> None:
    found = mentions("Lisbon and Porto", asked="Is Lisbon nice?")
    assert (found.words(2), found.brought(2)) == ({"lisbon", "porto"}, {"porto"})


def test_a_word_is_used_if_a_later_answer_or_argument_has_it() -> None:
    assert mentions("Lisbon and Porto", "Well.", "Go to Porto!").used_later(2) == {"porto"}
    assert mentions("Lisbon and Porto", "Well.").used_later(2) == set()


def test_what_a_later_result_says_is_not_what_the_agent_used() -> None:
    trace = RunBuilder()
    trace.turn("look", {"at": "x"}, "Lisbon")
    trace.turn("look", {"at": "y"}, "Lisbon")
    assert Mentions(trace.run()).used_later(2) == set()


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ("1234.5678", "$1,234.57"),
        ("1234.5678", "1234.6"),
        ("327.0", "$327 in all"),
        ("1,299.00", "1299"),
        ("0.10", "0.1"),
    ],
)
def test_a_number_is_known_in_whatever_way_it_is_written(result: str, told: str) -> None:
    assert mentions(result, told).used_later(2)


@pytest.mark.parametrize(
    ("result", "told"), [("1234.5678", "1234.7"), ("327", "328"), ("12.5", "125"), ("v1.2", "v1.3")]
)
def test_another_number_is_another_word(result: str, told: str) -> None:
    assert not mentions(result, told).used_later(2)
