"""Where the money went. Prices are those of ``tests.tracecard.prices``, in millionths of a USD."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from clawtrace_otel.money import PER_USD
from clawtrace_otel.pricing.rates import PER_MONEY_UNIT
from clawtrace_otel.semconv.step import Call, Step, Usage
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card, Split
from tests.tracecard.agent_loops import Loops, agent_loops
from tests.tracecard.prices import PLAIN, ROUND, UNKNOWN, compiled, line, micro, round_compiler
from tests.tracecard.traces import TraceBuilder, traces

slowly = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def parts(split: Split) -> dict[str, float]:
    return {key: micro(usd) for key, usd in split.items()}  # type: ignore[arg-type]


def split_of(card: Card) -> dict[str, float]:
    return parts(card["total"]["split"])


def call(trace: TraceBuilder, usage: Usage, **fields: object) -> Step:
    return trace.llm(**{"model": ROUND, "usage": usage, **fields})


def result(trace: TraceBuilder, size: int = 400, **fields: Any) -> Step:
    return trace.tool("read_file", {"n": len(trace.steps)}, result_size=size, **fields)


def carried(card: Card) -> dict[int, float]:
    return {step["n"]: micro(step["carry_usd"]) for step in card["steps"] if "carry_usd" in step}


def test_a_loop_is_answers_results_and_the_base_of_its_prompts() -> None:
    trace = TraceBuilder()
    call(trace, Usage(fresh=1000, output=50))
    result(trace)
    call(trace, Usage(cache_read=1000, fresh=150, output=20))
    result(trace, 1000)
    call(trace, Usage(cache_read=1150, fresh=320, output=30))
    card = compiled(trace.end())
    # The first result is 100 tokens, read once new and once cached. The second is 300.
    assert carried(card) == {2: 100 * 10 + 100 * 1, 4: 300 * 10}
    assert [line(card, n)["result_tokens"] for n in (2, 4)] == [100, 300]
    # Base: 1,000 new; 1,000 cached and 50 new; 1,050 cached and 20 new.
    base = 1000 * 10 + (1000 * 1 + 50 * 10) + (1050 * 1 + 20 * 10)
    assert split_of(card) == {"output": 100 * 50, "tool_results": 4100, "base": base}


def test_results_of_one_turn_share_what_the_prompt_grew_by() -> None:
    trace = TraceBuilder()
    call(trace, Usage(fresh=1000, output=50))
    for size in (100, 300):
        result(trace, size)
    call(trace, Usage(fresh=1150, output=20))
    assert carried(compiled(trace.end())) == {2: 25 * 10, 3: 75 * 10}


def test_a_sub_agent_has_prompts_and_parts_of_its_own() -> None:
    trace = TraceBuilder()
    call(trace, Usage(fresh=1000, output=50))
    delegating = result(trace)
    agent = trace.agent_step("researcher", parent_id=delegating.span_id)
    call(trace, Usage(fresh=500, output=10), parent_id=agent.span_id)
    result(trace, parent_id=agent.span_id)
    call(trace, Usage(fresh=580, output=10), parent_id=agent.span_id)
    call(trace, Usage(fresh=1090, output=20))
    card = compiled(trace.end())
    # The sub-agent's result takes 580 - 500 - 10 = 70, its caller's 1,090 - 1,000 - 50 = 40.
    assert carried(card) == {2: 40 * 10, 5: 70 * 10}
    own = {"output": 20 * 50, "tool_results": 700, "base": 500 * 10 + 510 * 10}
    assert parts(line(card, 3)["split"]) == own
    base = own["base"] + 1000 * 10 + 1050 * 10
    assert split_of(card) == {"output": 90 * 50, "tool_results": 1100, "base": base}
    assert line(card, 3)["share"] == pytest.approx(11800 / (4500 + 1100 + base), abs=1e-4)


def test_models_have_prompts_of_their_own_in_one_agent() -> None:
    """Each reads both results; what the other model answered is no result."""
    trace = TraceBuilder()
    call(trace, Usage(fresh=1000, output=50))
    result(trace)
    call(trace, Usage(fresh=1000, output=50), model=PLAIN)
    result(trace)
    call(trace, Usage(fresh=1300, output=50))
    card = compiled(trace.end())
    # 1,300 - 1,000 - 50 own and 50 of the other model are 200 for two results of 400 bytes.
    assert carried(card) == {2: 100 * 10, 4: 100 * 10}


def test_a_call_by_the_way_does_not_lose_the_prompt() -> None:
    """A title is made by the same model from a small prompt."""
    trace = TraceBuilder()
    call(trace, Usage(fresh=9000, output=50))
    call(trace, Usage(fresh=200, output=10), does="final_reply")
    result(trace)
    call(trace, Usage(cache_read=9000, fresh=150, output=50))
    card = compiled(trace.end())
    assert carried(card) == {3: 100 * 10}
    assert not any("compacted_from" in step for step in card["steps"])


def test_a_compaction_names_the_size_of_the_prompt_that_was_and_ends_all_carrying() -> None:
    trace = TraceBuilder()
    call(trace, Usage(fresh=9000, output=50))
    result(trace)
    call(trace, Usage(fresh=9150, output=50))
    call(trace, Usage(fresh=2000, output=50))
    result(trace)
    call(trace, Usage(fresh=2130, output=50), does="final_reply")
    card = compiled(trace.end())
    assert carried(card) == {2: 100 * 10, 5: 80 * 10}
    assert [step["n"] for step in card["steps"] if "compacted_from" in step] == [4]
    assert line(card, 4)["compacted_from"] == 9150


def test_a_call_that_says_that_its_prompt_was_compacted_is_believed() -> None:
    """Although a prompt that shrank so little would else be the same."""
    trace = TraceBuilder()
    call(trace, Usage(fresh=9000, output=50))
    result(trace)
    call(trace, Usage(fresh=9150, output=50))
    call(trace, Usage(fresh=9100, output=50), compacted=True)
    card = compiled(trace.end())
    assert carried(card) == {2: 100 * 10}
    assert line(card, 4)["compacted_from"] == 9150


def test_a_call_without_usage_is_passed_over() -> None:
    trace = TraceBuilder()
    call(trace, Usage(fresh=1000, output=50))
    result(trace)
    trace.llm(model=ROUND, usage=None, error="429")
    call(trace, Usage(fresh=1150, output=20))
    assert carried(compiled(trace.end())) == {2: 100 * 10}


def test_reasoning_is_paid_as_an_answer_and_not_carried() -> None:
    trace = TraceBuilder()
    call(trace, Usage(fresh=1000, output=80, reasoning=30))
    result(trace)
    call(trace, Usage(fresh=1150, output=20))
    card = compiled(trace.end())
    assert carried(card) == {2: 100 * 10}
    assert split_of(card)["output"] == 100 * 50


def test_a_supplied_cost_is_split_in_the_proportion_of_list_prices() -> None:
    """Half of what the tokens would cost: every part is halved."""
    trace = TraceBuilder()
    call(trace, Usage(fresh=1000, output=50))
    result(trace)
    call(trace, Usage(fresh=1150, output=20), supplied=(1150 * 10 + 20 * 50) // 2 * 10**6)
    card = compiled(trace.end())
    assert carried(card) == {2: 100 * 5}
    assert split_of(card) == {
        "output": 50 * 50 + 20 * 25,
        "tool_results": 500,
        "base": 1000 * 10 + 1050 * 5,
    }


def test_a_supplied_cost_of_a_model_without_rates_is_not_split() -> None:
    """Its prompt is followed all the same: the results in it have tokens, and no known cost."""
    trace = TraceBuilder()
    call(trace, Usage(fresh=1000, output=50), model=UNKNOWN, supplied=7 * 10**6)
    result(trace)
    call(trace, Usage(fresh=1150, output=20), model=UNKNOWN, supplied=9 * 10**6)
    card = compiled(trace.end())
    assert split_of(card) == {"output": 0, "tool_results": 0, "base": 0, "unsplit": 16}
    assert line(card, 2)["result_tokens"] == 100
    assert carried(card) == {}


def test_a_trace_without_a_known_cost_has_no_split() -> None:
    trace = TraceBuilder()
    call(trace, Usage(fresh=1000, output=50), model=UNKNOWN)
    total = compiled(trace.end())["total"]
    assert "split" not in total
    assert "waste_usd" not in total


def test_what_an_agent_says_of_calls_that_were_not_seen_is_not_split() -> None:
    trace = TraceBuilder()
    call(trace, Usage(fresh=1000, output=50))
    trace.agent_step("remote", model=ROUND, usage=Usage(fresh=100, output=10))
    card = compiled(trace.end())
    assert parts(line(card, 2)["split"]) == {
        "output": 0,
        "tool_results": 0,
        "base": 0,
        "unsplit": 100 * 10 + 10 * 50,
    }
    assert split_of(card) == {
        "output": 2500,
        "tool_results": 0,
        "base": 10_000,
        "unsplit": 1500,
    }


def test_a_call_that_asked_for_nothing_reads_no_results() -> None:
    """A judge looks at something else, and its growing prompts hold no results."""
    trace = TraceBuilder()
    call(trace, Usage(fresh=1000, output=50), calls=(Call(id="a", tool="read_file"),))
    call(trace, Usage(fresh=100, output=1), model=PLAIN, does="final_reply")
    result(trace, call_id="a")
    call(trace, Usage(fresh=180, output=1), model=PLAIN, does="final_reply")
    assert carried(compiled(trace.end())) == {}


def exact(usd: float | None) -> Decimal:
    return Decimal(repr(usd or 0.0))


def check_that_parts_add_up(card: Card) -> None:
    total = card["total"]
    if total["cost_usd"] is None:
        return
    assert sum(map(exact, total["split"].values())) == exact(total["cost_usd"])  # type: ignore[arg-type]
    carry = sum((exact(step.get("carry_usd")) for step in card["steps"]), Decimal(0))
    carry += exact(card.get("folded", {}).get("carry_usd"))
    assert carry == exact(total["split"]["tool_results"])
    agents = [step for step in card["steps"] if "agent" in step and "split" in step]
    for agent in agents:
        assert sum(map(exact, agent["split"].values())) == exact(agent["usd"])  # type: ignore[arg-type]
    for split in (total["split"], *(agent["split"] for agent in agents)):
        assert all(usd >= 0 for usd in parts(split).values())


@slowly
@given(traces())
def test_the_parts_add_up_to_the_cost_whatever_the_trace(steps: list[Step]) -> None:
    for max_bytes in (1024, 10**9):
        card = Compiler(round_compiler().pricer, max_bytes=max_bytes).compile(steps)
        if card is not None:
            check_that_parts_add_up(card)


@slowly
@given(agent_loops())
def test_the_parts_of_agents_within_agents_add_up(loops: Loops) -> None:
    check_that_parts_add_up(compiled(loops.trace.end()))


@slowly
@given(agent_loops())
def test_a_result_is_charged_what_a_count_token_by_token_says(loops: Loops) -> None:
    card = compiled(loops.trace.end())
    for step in card["steps"]:
        span_id = loops.trace.steps[step["n"]].span_id
        if "tool" in step:
            expected = loops.carry[span_id] // PER_MONEY_UNIT
            assert round(step["carry_usd"] * PER_USD) == expected


@slowly
@given(agent_loops())
def test_a_result_costs_what_the_calls_would_cost_less_without_it(loops: Loops) -> None:
    """Its tokens are taken out of every prompt, and the calls priced again."""
    card = compiled(loops.trace.end())
    for step in [step for step in card["steps"] if "tool" in step][:5]:
        without = loops.without(loops.trace.steps[step["n"]].span_id)
        saved = exact(card["total"]["cost_usd"]) - exact(compiled(without)["total"]["cost_usd"])
        assert saved == exact(step["carry_usd"])
