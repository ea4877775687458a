"""What is certain to be waste when a repeat's span ends: ``clawtrace.waste.usd``.

Prices are those of ``tests.tracecard.prices``: a token of an answer is 50 millionths of a USD.
"""

import pytest
from hypothesis import HealthCheck, given, settings

from clawtrace_otel.processors.enrich import Attributes, Enricher
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.step import Call, Step, Usage
from tests.tracecard.agent_loops import Loops, agent_loops
from tests.tracecard.prices import ROUND, UNKNOWN, compiled, line, micro, round_compiler
from tests.tracecard.traces import TraceBuilder


def enriched(steps: list[Step]) -> dict[str, Attributes]:
    """What each span gets when they come in as they end."""
    enricher = Enricher(round_compiler())
    ended = sorted(steps, key=lambda step: step.end_ns)
    return {step.span_id: enricher.enrich(step) or {} for step in ended}


def turn(trace: TraceBuilder, output: int, *paths: str, **fields: object) -> list[Step]:
    n = len(trace.steps)
    calls = tuple(Call(id=f"{n}-{path}", tool="read_file") for path in paths)
    usage = Usage(fresh=1000 + 100 * n, output=output)
    trace.llm(**{"model": ROUND, "usage": usage, "calls": calls, **fields})
    return [
        trace.tool(
            "read_file", {"path": call.id[-1]}, result_size=400, call_id=call.id, read_only=True
        )
        for call in calls
    ]


def test_a_repeat_that_was_all_an_answer_asked_for_wastes_that_answer() -> None:
    trace = TraceBuilder()
    turn(trace, 20, "x")
    (repeat,) = turn(trace, 30, "x")
    found = enriched(trace.end())
    wasted = {span_id for span_id, added in found.items() if a.CLAWTRACE_WASTE_USD in added}
    assert wasted == {repeat.span_id}
    assert found[repeat.span_id][a.CLAWTRACE_WASTE_USD] == pytest.approx(30 * 50e-6)


def test_reasoning_before_it_is_not_certain_to_be_waste() -> None:
    trace = TraceBuilder()
    turn(trace, 20, "x")
    usage = Usage(fresh=1300, output=50, reasoning=20)
    (repeat,) = turn(trace, 0, "x", usage=usage)
    found = enriched(trace.end())[repeat.span_id]
    assert found[a.CLAWTRACE_WASTE_USD] == pytest.approx(30 * 50e-6)


def test_a_result_that_the_agent_has_is_waste_whatever_another_agent_read_in_between() -> None:
    trace = TraceBuilder()
    turn(trace, 20, "x")
    agent = trace.agent_step("researcher")
    trace.tool("read_file", {"path": "x"}, result_size=400, parent_id=agent.span_id, read_only=True)
    (repeat,) = turn(trace, 30, "x")
    steps = trace.end()
    assert a.CLAWTRACE_WASTE_USD in enriched(steps)[repeat.span_id]
    again = line(compiled(steps), steps.index(repeat))
    assert again["waste_usd"][0] > 0
    assert again["repeat"] == {"of": 2, "verdict": "same"}


@pytest.mark.parametrize("why", ["two calls", "said more", "no price", "changed", "elsewhere"])
def test_nothing_is_said_where_it_is_not_certain(why: str) -> None:
    trace = TraceBuilder()
    turn(trace, 20, "x")
    fields: dict[str, object] = {}
    if why == "said more":
        fields["does"] = "plan_then_tool"
    if why == "no price":
        fields["model"] = UNKNOWN
    repeat = turn(trace, 30, *(["x", "y"] if why == "two calls" else ["x"]), **fields)[0]
    if why == "changed":
        repeat.result_hash = "another"
    if why == "elsewhere":
        repeat.parent_id = trace.span().span_id
    added = enriched(trace.end())[repeat.span_id]
    assert a.CLAWTRACE_REPEAT_OF in added
    assert a.CLAWTRACE_WASTE_USD not in added


def test_a_repeated_llm_call_with_an_equal_answer_wastes_its_cost() -> None:
    trace = TraceBuilder()
    same = {"model": ROUND, "usage": Usage(fresh=100, output=10)}
    _, again = (trace.llm(request_hash="r", output_hash="o", **same) for _ in range(2))
    added = enriched(trace.end())[again.span_id]
    assert added[a.CLAWTRACE_WASTE_USD] == pytest.approx(1500e-6)


def test_the_root_gets_the_low_end_of_the_card() -> None:
    trace = TraceBuilder()
    turn(trace, 20, "x")
    turn(trace, 30, "x")
    steps = trace.end()
    low = compiled(steps)["total"]["waste_usd"][0]
    assert low > 0
    assert enriched(steps)[trace.root.span_id][a.CLAWTRACE_TRACE_WASTE_USD] == low


def test_a_trace_without_a_known_cost_gets_none() -> None:
    trace = TraceBuilder()
    turn(trace, 20, "x", model=UNKNOWN)
    added = enriched(trace.end())[trace.root.span_id]
    assert a.CLAWTRACE_TRACE_LLM_CALLS in added
    assert a.CLAWTRACE_TRACE_WASTE_USD not in added


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(agent_loops(depth=0))
def test_a_span_never_gets_more_than_the_low_end_on_the_card(loops: Loops) -> None:
    """Of calls that end in the order in which they begin; the card compares in that order."""
    steps = loops.trace.end()
    found = enriched(steps)
    for step in compiled(steps)["steps"]:
        added = found[steps[step["n"]].span_id]
        if a.CLAWTRACE_WASTE_USD in added:
            certain = added[a.CLAWTRACE_WASTE_USD]
            assert isinstance(certain, float)
            assert micro(certain) <= micro(step["waste_usd"][0])
