from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.costcraft.llm.excerpt import excerpt, fenced
from clawtrace_otel.costcraft.llm.record import MAX_LINES, describe
from clawtrace_otel.ids import derived_id
from clawtrace_otel.importers.formats.span_maker import Tokens
from tests.costcraft.runs import RunBuilder, number

SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def long_run(turns: int = 60) -> RunBuilder:
    """A run whose only failed call is in its middle; prompts grow by what is read."""
    builder = RunBuilder("long", passed=True)
    for turn in range(turns):
        grown = Tokens(fresh=1_000 + 200 * turn, output=10)
        if turn == turns // 2:
            builder.turn("write_file", {"path": "b"}, error="PermissionError: the middle is closed")
        path = derived_id(12, str(turn))
        builder.turn("read_file", {"path": path}, f"text {turn} " + "padding " * 60, tokens=grown)
    builder.llm("done", tokens=Tokens(fresh=1_000 + 200 * turns, output=10))
    return builder


def test_every_step_has_a_line_with_its_cost() -> None:
    run = long_run().run()
    lines = describe(run, 5_000).splitlines()
    for step in run.steps:
        (line,) = [line for line in lines if line.startswith(f"{step['n']}. ")]
        assert "USD" in line


def test_room_for_texts_goes_to_failed_steps_in_the_middle_first() -> None:
    run = long_run().run()
    bare = len(describe(run, 0))
    text = describe(run, bare + 150)
    assert "the middle is closed" in text
    assert text.count("padding") < 20


def test_the_costliest_texts_come_before_the_others() -> None:
    builder = RunBuilder("costly", passed=True)
    builder.turn("read_file", {"path": "first"}, "the first text")
    builder.turn("read_file", {"path": "large"}, "the large text")
    builder.llm("thinking", tokens=None)
    run = builder.run()
    run.by_number[number(run, "read_file", 2)]["carry_usd"] = 1.0
    text = describe(run, len(describe(run, 0)) + 60)
    assert "large" in text
    assert "the first text" not in text


@settings(max_examples=30)
@given(st.integers(0, 30_000))
def test_texts_keep_to_their_room(room: int) -> None:
    run = long_run(20).run()
    bare = len(describe(run, 0))
    assert len(describe(run, room)) <= max(room, bare) + 40


def test_of_very_many_steps_those_that_matter_least_stand_together() -> None:
    run = long_run(MAX_LINES).run()
    text = describe(run, 0)
    assert "the middle is closed" not in text
    assert "| failed" in text
    assert "left out" in text
    assert len(text.splitlines()) < 2 * MAX_LINES + 20


def test_without_costs_nothing_says_what_anything_costs() -> None:
    text = describe(long_run().run(), 50_000, costs=False)
    assert "USD" not in text
    assert "cost" not in text


def test_of_a_card_alone_the_card_is_described() -> None:
    text = describe(long_run().card(max_bytes=4_096), 20_000)
    assert "only a summary of this run is known" in text
    assert "more steps are not in this summary" in text
    assert "read_file" in text


def test_secrets_do_not_reach_the_model() -> None:
    builder = RunBuilder("secret", passed=False, because=f"the key {SECRET} was shown")
    builder.turn("http_get", {"url": "u", "api_key": SECRET}, f"token: {SECRET}")
    builder.llm(f"The key is {SECRET}.", asked=f"Use {SECRET}.")
    text = describe(builder.run(), 50_000)
    assert "masked" in text
    assert SECRET not in text


def test_what_evaluators_said_and_what_was_asked_is_there() -> None:
    builder = RunBuilder("asked", passed=False, because="the refund is missing")
    builder.llm("I will do so.", asked="Please refund my flight.")
    text = describe(builder.run(), 5_000)
    assert "outcome: failed" in text
    assert "the refund is missing" in text
    assert "refund my flight" in text


@given(st.text(max_size=300), st.integers(10, 100))
def test_an_excerpt_is_one_line_of_json(text: str, chars: int) -> None:
    shown = excerpt(text, chars)
    assert "\n" not in shown
    assert (shown[0], shown[-1]) == ('"', '"')


@given(st.text(max_size=200))
def test_data_cannot_end_its_fence(text: str) -> None:
    first, *inner, last = fenced(text).split("\n")
    assert last == first.replace("BEGIN", "END")
    assert "\n".join(inner) == text
    assert last not in inner
