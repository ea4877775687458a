"""Turns that only thought."""

from clawtrace_otel.costcraft.miners import thinking_only
from clawtrace_otel.importers.formats.span_maker import Tokens
from tests.costcraft.miners.found import only, verdicts
from tests.costcraft.runs import RunBuilder
from tests.tracecard.prices import UNKNOWN


def test_a_turn_that_only_thought_is_found_and_not_proven_needless() -> None:
    trace = RunBuilder()
    trace.llm(thought=True)
    trace.turn("read_file", {"path": "a"})
    run = trace.run()
    assert verdicts(thinking_only.MINER, run) == {(1,): "unknown"}
    patch = only(list(thinking_only.MINER.mine([run])))
    assert patch.rung == "proxy"
    assert patch.saves_usd_per_run == (0.0, run.by_number[1]["usd"])


def test_a_turn_that_thought_and_acted_or_answered_is_none() -> None:
    trace = RunBuilder()
    trace.llm(thought=True, calls=[("read_file", {"path": "a"})])
    trace.tool("read_file", {"path": "a"})
    trace.llm("done", thought=True)
    assert verdicts(thinking_only.MINER, trace.run()) == {}


def test_a_turn_that_cost_next_to_nothing_is_left() -> None:
    trace = RunBuilder()
    trace.llm(thought=True, tokens=Tokens(fresh=10))
    trace.llm("done", tokens=Tokens(fresh=10_000))
    assert verdicts(thinking_only.MINER, trace.run()) == {}


def test_without_a_price_nothing_is_known_to_be_costly() -> None:
    trace = RunBuilder()
    trace.llm(thought=True, model=UNKNOWN)
    assert verdicts(thinking_only.MINER, trace.run()) == {}
