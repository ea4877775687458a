"""What repeats cost. Prices are those of ``tests.tracecard.prices``, in millionths of a USD."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings

from clawtrace_otel.semconv.step import Call, Step, Usage
from clawtrace_otel.tracecard.model import Card
from tests.tracecard.agent_loops import Loops, agent_loops
from tests.tracecard.prices import ROUND, UNKNOWN, compiled, line, micro, round_compiler
from tests.tracecard.traces import TraceBuilder, traces

slowly = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def turn(trace: TraceBuilder, usage: Usage, *paths: str, **fields: object) -> list[Step]:
    """A call of ``round`` that asks to read files; each result has 400 bytes."""
    calls = tuple(Call(tool="read_file") for _ in paths)
    fields = {"model": ROUND, "calls": calls, **fields}
    trace.llm(usage=usage, **fields)
    return [
        trace.tool("read_file", {"path": path}, "text", result_size=400, read_only=True)
        for path in paths
    ]


def reply(trace: TraceBuilder, usage: Usage, **fields: object) -> Card:
    trace.llm(**{"model": ROUND, "usage": usage, "does": "final_reply", **fields})
    return compiled(trace.end())


def waste(card: Card, n: int) -> list[float]:
    return [micro(usd) for usd in line(card, n)["waste_usd"]]


def total(card: Card) -> list[float]:
    return [micro(usd) for usd in card["total"]["waste_usd"]]


def test_a_repeat_that_is_all_a_turn_did_wastes_at_most_the_turn_and_all_readings() -> None:
    trace = TraceBuilder()
    turn(trace, Usage(fresh=1000, output=20), "x")
    turn(trace, Usage(fresh=1120, output=20), "x")
    turn(trace, Usage(fresh=1240, output=20), "y")
    card = reply(trace, Usage(cache_read=1240, fresh=120, output=30))
    # Low: 20 tokens asked for it, 100 of its result were read. High: the turn, read again cached.
    low, high = 20 * 50 + 100 * 10, (1120 * 10 + 20 * 50) + (100 * 10 + 100 * 1)
    assert waste(card, 4) == total(card) == [low, high]
    (group,) = card["redundant"]
    assert [micro(usd) for usd in group["waste_usd"]] == [low, high]


def test_a_repeat_beside_another_call_shares_the_answer_and_leaves_the_turn() -> None:
    trace = TraceBuilder()
    turn(trace, Usage(fresh=1000, output=20), "x")
    turn(trace, Usage(fresh=1120, output=20), "x", "y")
    card = reply(trace, Usage(fresh=1340, output=30))
    assert waste(card, 4) == [10 * 50 + 100 * 10] * 2


def test_an_answer_that_also_said_something_is_not_counted() -> None:
    trace = TraceBuilder()
    turn(trace, Usage(fresh=1000, output=20), "x")
    turn(trace, Usage(fresh=1120, output=20), "x", does="plan_then_tool")
    card = reply(trace, Usage(fresh=1240, output=30))
    assert waste(card, 4) == [100 * 10] * 2


def test_reasoning_before_a_repeat_is_not_certain_to_be_waste() -> None:
    trace = TraceBuilder()
    turn(trace, Usage(fresh=1000, output=20), "x")
    turn(trace, Usage(fresh=1120, output=50, reasoning=30), "x")
    card = reply(trace, Usage(fresh=1240, output=30))
    assert waste(card, 4) == [20 * 50 + 1000, (1120 * 10 + 50 * 50) + 1000]


def test_an_answer_that_asked_for_calls_that_were_not_seen_is_not_counted_low() -> None:
    trace = TraceBuilder()
    turn(trace, Usage(fresh=1000, output=20), "x")
    asked = (Call(tool="read_file"), Call(tool="write_file"))
    turn(trace, Usage(fresh=1120, output=20), "x", calls=asked)
    card = reply(trace, Usage(fresh=1240, output=30))
    assert waste(card, 4)[0] == 100 * 10


def test_two_repeats_in_one_turn_share_it() -> None:
    trace = TraceBuilder()
    turn(trace, Usage(fresh=1000, output=20), "x", "y")
    turn(trace, Usage(fresh=1220, output=20), "x", "y")
    card = reply(trace, Usage(fresh=1440, output=30))
    each = [10 * 50 + 100 * 10, (1220 * 10 + 20 * 50) / 2 + 100 * 10]
    assert (waste(card, 5), waste(card, 6)) == (each, each)
    assert total(card) == [2 * usd for usd in each]


def test_what_a_wasted_turn_paid_to_read_an_earlier_repeat_counts_once() -> None:
    trace = TraceBuilder()
    turn(trace, Usage(fresh=1000, output=20), "x")
    turn(trace, Usage(fresh=1120, output=20), "x")
    turn(trace, Usage(fresh=1240, output=20), "x")
    card = reply(trace, Usage(fresh=1360, output=30))
    second, third = 1120 * 10 + 20 * 50, 1240 * 10 + 20 * 50
    # The second call's result is read in the third turn and in the reply, the third's in that.
    assert waste(card, 4) == [2000, second + 100 * 10 * 2]
    assert waste(card, 6) == [2000, third - 100 * 10 + 100 * 10]
    # All but the first turn and what is in the reply without the two repeats.
    assert total(card)[1] == second + third + 200 * 10


def test_a_repeated_llm_call_with_an_equal_answer_is_wasted_whole() -> None:
    trace = TraceBuilder()
    for _ in range(2):
        trace.llm(
            model=ROUND,
            usage=Usage(fresh=100, output=10),
            request_hash="r",
            output_hash="o",
            does="final_reply",
        )
    card = compiled(trace.end())
    assert waste(card, 2) == total(card) == [100 * 10 + 10 * 50] * 2


def test_a_repeat_that_a_wasted_llm_call_asked_for_does_not_count_that_call_again() -> None:
    trace = TraceBuilder()
    same = {"request_hash": "r", "output_hash": "o"}
    turn(trace, Usage(fresh=1000, output=20), "x", **same)
    turn(trace, Usage(fresh=1000, output=20), "x", **same)
    card = reply(trace, Usage(fresh=1120, output=30))
    assert waste(card, 3) == [1000 * 10 + 20 * 50] * 2
    assert waste(card, 4) == [100 * 10] * 2


@pytest.mark.parametrize("why", ["changed", "unverified", "other_agent"])
def test_only_the_same_result_in_the_same_context_is_waste(why: str) -> None:
    trace = TraceBuilder()
    (first,) = turn(trace, Usage(fresh=1000, output=20), "x")
    if why == "unverified":
        trace.tool("write_file", {"path": "x"}, result_size=4)
    if why == "other_agent":
        agent = trace.agent_step("researcher")
        trace.llm(model=ROUND, usage=Usage(fresh=100, output=20), parent_id=agent.span_id)
        repeat = trace.tool(
            "read_file", {"path": "x"}, "text", parent_id=agent.span_id, read_only=True
        )
    else:
        (repeat,) = turn(trace, Usage(fresh=1120, output=20), "x")
    if why == "changed":
        repeat.result_hash = "another"
    card = reply(trace, Usage(fresh=1240, output=30))
    assert first.args_hash == repeat.args_hash
    finding = line(card, trace.steps.index(repeat))["repeat"]
    assert finding.get("other_agent", False) if why == "other_agent" else finding["verdict"] == why
    assert not any("waste_usd" in step for step in card["steps"])
    assert not any("waste_usd" in group for group in card["redundant"])
    assert total(card) == [0, 0]


def test_nothing_is_said_of_the_waste_of_calls_without_a_price() -> None:
    trace = TraceBuilder()
    turn(trace, Usage(fresh=1000, output=20), "x", model=UNKNOWN)
    turn(trace, Usage(fresh=1120, output=20), "x", model=UNKNOWN)
    card = reply(trace, Usage(fresh=1240, output=30), model=UNKNOWN)
    assert line(card, 4)["repeat"]["verdict"] == "same"
    assert "waste_usd" not in line(card, 4)
    assert "waste_usd" not in card["redundant"][0]


def test_the_turn_of_a_repeat_counts_also_where_nobody_read_its_result() -> None:
    trace = TraceBuilder()
    turn(trace, Usage(fresh=1000, output=20), "x")
    turn(trace, Usage(fresh=1120, output=20), "x")
    card = compiled(trace.end())
    assert waste(card, 4) == [20 * 50, 1120 * 10 + 20 * 50]


def check(card: Card) -> None:
    if "waste_usd" not in card["total"]:
        assert not any("waste_usd" in step for step in card["steps"])
        return
    low, high = map(exact, card["total"]["waste_usd"])
    assert 0 <= low <= high <= exact(card["total"]["cost_usd"])
    steps = [tuple(map(exact, s["waste_usd"])) for s in card["steps"] if "waste_usd" in s]
    assert all(0 <= low <= high for low, high in steps)
    groups = [
        tuple(map(exact, g["waste_usd"])) for g in card.get("redundant", ()) if "waste_usd" in g
    ]
    for n, end in enumerate((low, high)):
        assert sum(step[n] for step in steps) == end
        assert sum(group[n] for group in groups) == end


def exact(usd: float | None) -> Decimal:
    return Decimal(repr(usd or 0.0))


@slowly
@given(traces())
def test_waste_is_an_interval_within_the_cost_whatever_the_trace(steps: list[Step]) -> None:
    card = round_compiler().compile(steps)
    if card is not None:
        check(card)


@slowly
@given(agent_loops())
def test_waste_of_agents_within_agents_is_within_the_cost(loops: Loops) -> None:
    check(compiled(loops.trace.end()))
