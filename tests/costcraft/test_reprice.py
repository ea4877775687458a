"""What runs would have cost without some steps. Prices are those of ``tests.tracecard.prices``."""

import pytest

from clawtrace_otel.costcraft.reprice import reprice, together
from clawtrace_otel.importers.formats.span_maker import Tokens
from tests.costcraft.runs import RunBuilder, number
from tests.tracecard.prices import UNKNOWN, micro

RESULT = "x" * 400


def repeated() -> RunBuilder:
    """A file is read twice, each time by a turn of its own; another is read; it ends."""
    builder = RunBuilder()
    builder.turn("read_file", {"path": "x"}, RESULT, tokens=Tokens(fresh=1000, output=20))
    builder.turn("read_file", {"path": "x"}, RESULT, tokens=Tokens(fresh=1120, output=20))
    builder.turn("read_file", {"path": "y"}, RESULT, tokens=Tokens(fresh=1240, output=20))
    builder.llm("done", tokens=Tokens(fresh=120, cache_read=1240, output=30))
    return builder


def test_a_repeat_saves_what_its_card_calls_waste() -> None:
    run = repeated().run()
    n = number(run, "read_file", 2)
    low, high = run.by_number[n]["waste_usd"]
    assert reprice(run, {n}) == {n: (low, high)}
    assert (micro(low), micro(high)) == (20 * 50 + 1000, (11_200 + 1000) + (1000 + 100))


def test_any_call_can_be_left_out_not_only_a_repeat() -> None:
    run = repeated().run()
    n = number(run, "read_file", 3)
    ((low, high),) = reprice(run, {n}).values()
    assert (micro(low), micro(high)) == (20 * 50 + 1000, (12_400 + 1000) + 1000)


def test_steps_left_out_together_count_nothing_twice() -> None:
    run = repeated().run()
    calls = [number(run, "read_file", n) for n in (1, 2, 3)]
    saved = reprice(run, calls)
    low, high = together(saved.values())
    alone = together(reprice(run, {n})[n] for n in calls)
    assert run.cost is not None
    assert low <= alone[0] + 1e-12
    assert low <= high < alone[1]
    assert high <= run.cost


def test_of_a_card_alone_the_certain_end_of_a_call_that_repeats_nothing_is_zero() -> None:
    card = repeated().card()
    first, repeat = number(card, "read_file", 1), number(card, "read_file", 2)
    assert reprice(card, {repeat})[repeat] == tuple(card.by_number[repeat]["waste_usd"])
    assert reprice(card, {first})[first] == (0.0, card.by_number[first]["carry_usd"])


def test_a_sub_agent_that_is_left_out_saves_all_that_was_spent_below_it() -> None:
    builder = RunBuilder()
    builder.llm(calls=[("ask", {"of": "it"})])
    agent = builder.agent("researcher")
    builder.llm("found", under=agent, tokens=Tokens(fresh=100, output=10))
    builder.llm("done")
    run = builder.run()
    n = next(step["n"] for step in run.steps if "agent" in step)
    inner = next(step["n"] for step in run.steps if step.get("under") == n)
    saved = reprice(run, {n, inner})
    assert {k: tuple(map(micro, v)) for k, v in saved.items()} == {n: (1500, 1500)}


@pytest.mark.parametrize("steps", [set[int](), {999}])
def test_steps_that_are_not_there_save_nothing(steps: set[int]) -> None:
    assert reprice(repeated().run(), steps) == {}
    assert reprice(repeated().card(), steps) == {}


def test_what_has_no_price_is_not_said_to_save_anything() -> None:
    builder = RunBuilder()
    for _ in range(2):
        builder.llm(calls=[("read_file", {"path": "x"})], model=UNKNOWN)
        builder.tool("read_file", {"path": "x"}, RESULT)
    builder.llm("done", model=UNKNOWN)
    run = builder.run()
    assert reprice(run, {number(run, "read_file", 2)}) == {}
