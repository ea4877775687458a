"""What a failure cost. Prices are those of ``tests.tracecard.prices``, in millionths of a USD."""

from clawtrace_otel.semconv.step import Usage
from tests.tracecard.prices import PLAIN, ROUND, UNKNOWN, compiled, line, micro
from tests.tracecard.traces import TraceBuilder

ARGS = {"path": "test_invoice.py"}
USAGE = Usage(fresh=100, output=10)
COST = 100 * 10 + 10 * 50


def failed() -> TraceBuilder:
    """The failure is step 2."""
    trace = TraceBuilder()
    trace.llm(model=ROUND, usage=USAGE)
    trace.tool("run_tests", ARGS, error="AssertionError")
    return trace


def until_repaired(trace: TraceBuilder, n: int = 2) -> float:
    return micro(line(compiled(trace.end()), n)["until_repaired_usd"])


def test_it_is_the_calls_from_the_failure_to_the_call_that_repaired_it() -> None:
    trace = failed()
    for _ in range(3):
        trace.llm(model=ROUND, usage=USAGE)
    trace.tool("run_tests", ARGS)
    trace.llm(model=ROUND, usage=USAGE)
    assert until_repaired(trace) == 3 * COST


def test_every_failure_before_the_repair_has_its_own_cost() -> None:
    trace = failed()
    trace.llm(model=ROUND, usage=USAGE)
    trace.tool("run_tests", ARGS, error="AssertionError")
    trace.llm(model=ROUND, usage=USAGE)
    trace.tool("run_tests", ARGS)
    assert [until_repaired(trace, n) for n in (2, 4)] == [2 * COST, COST]


def test_a_sub_agent_that_helped_counts_once_with_all_it_did() -> None:
    trace = failed()
    agent = trace.agent_step("fixer")
    for _ in range(2):
        trace.llm(model=PLAIN, usage=USAGE, parent_id=agent.span_id)
    trace.tool("run_tests", ARGS)
    assert until_repaired(trace) == 2 * (100 * 2 + 10 * 8)


def test_calls_without_a_price_count_as_nothing() -> None:
    trace = failed()
    trace.llm(model=UNKNOWN, usage=USAGE)
    trace.llm(model=ROUND, usage=USAGE)
    trace.tool("run_tests", ARGS)
    assert until_repaired(trace) == COST


def test_a_retry_in_the_same_turn_cost_nothing() -> None:
    trace = failed()
    trace.tool("run_tests", ARGS)
    assert until_repaired(trace) == 0


def test_a_failure_that_was_not_repaired_or_by_another_agent_has_no_such_cost() -> None:
    trace = failed()
    agent = trace.agent_step("fixer")
    trace.llm(model=ROUND, usage=USAGE, parent_id=agent.span_id)
    trace.tool("run_tests", ARGS, parent_id=agent.span_id)
    trace.tool("build", ARGS, error="boom")
    card = compiled(trace.end())
    assert line(card, 2)["repaired_by"] == 5
    assert not any("until_repaired_usd" in step for step in card["steps"])


def test_a_call_without_arguments_that_is_made_again_after_it_failed_repairs_it() -> None:
    trace = TraceBuilder()
    trace.llm(model=ROUND, usage=USAGE)
    trace.tool("run_tests", {}, error="AssertionError")
    trace.llm(model=ROUND, usage=USAGE)
    trace.tool("run_tests", {})
    assert until_repaired(trace) == COST
