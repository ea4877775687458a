"""Calls that ask again what is there already."""

from clawtrace_otel.costcraft.miners import repeated_call
from tests.costcraft.miners.found import only, verdicts
from tests.costcraft.runs import RunBuilder


def read_twice(between: str = "", second: str = "text", name: str = "run 1") -> RunBuilder:
    run = RunBuilder(name, passed=True)
    run.turn("read_file", {"path": "a"}, "text")
    if between:
        run.turn(between, {"path": "b"}, "more")
    run.turn("read_file", {"path": "a"}, second)
    return run


def test_an_equal_result_of_an_equal_call_is_harmless() -> None:
    assert verdicts(repeated_call.MINER, read_twice("read_other").run()) == {(6,): "harmless"}


def test_another_result_of_an_equal_call_is_news() -> None:
    assert verdicts(repeated_call.MINER, read_twice(second="new").run()) == {(4,): "harmful"}


def test_after_a_call_that_may_have_changed_something_nothing_is_known() -> None:
    assert verdicts(repeated_call.MINER, read_twice("write").run()) == {(6,): "unknown"}


def test_the_call_of_another_agent_is_no_repeat() -> None:
    trace = RunBuilder()
    trace.turn("read_file", {"path": "a"}, "text")
    inner = trace.agent("helper")
    trace.turn("read_file", {"path": "a"}, "text", under=inner)
    assert verdicts(repeated_call.MINER, trace.run()) == {}


def test_a_similar_call_is_no_repeat() -> None:
    trace = RunBuilder()
    trace.turn("read_file", {"path": "reports/2026/november.xlsx"}, "text")
    trace.turn("read_file", {"path": "reports/2026/november.xlsm"}, "text")
    run = trace.run()
    assert run.by_number[4]["repeat"]["kind"] == "near"
    assert verdicts(repeated_call.MINER, run) == {}


def test_a_repeated_llm_call_is_no_decision_of_the_agent() -> None:
    trace = RunBuilder()
    trace.llm("yes", asked="is it so?")
    trace.llm("yes", asked="is it so?")
    run = trace.run()
    assert run.by_number[2]["repeat"]["verdict"] == "same"
    assert verdicts(repeated_call.MINER, run) == {}


def test_nothing_is_certain_to_be_saved_by_what_may_have_been_needed() -> None:
    surely = only(list(repeated_call.MINER.mine([read_twice().run()])))
    perhaps = only(list(repeated_call.MINER.mine([read_twice("write").run()])))
    assert surely.saves_usd_per_run is not None
    assert perhaps.saves_usd_per_run is not None
    assert surely.saves_usd_per_run[0] > 0 == perhaps.saves_usd_per_run[0]
    assert perhaps.saves_usd_per_run[1] > 0
    assert (surely.rung, perhaps.rung) == ("dependency", "proxy")


def test_what_brought_news_speaks_against_the_rule() -> None:
    other = RunBuilder("run 2")
    other.llm("done")
    runs = [
        read_twice().run(),
        other.run(),
        read_twice(second="new", name="run 3").run(),
    ]
    patch = only(list(repeated_call.MINER.mine(runs[:2])))
    assert (patch.support.runs, patch.support.of, patch.counter_evidence) == (1, 2, [])
    patch = only(list(repeated_call.MINER.mine([runs[0], runs[2]])))
    assert [ref.check for ref in patch.counter_evidence] == [
        "harmful: equal call, another result (step 2)"
    ]
