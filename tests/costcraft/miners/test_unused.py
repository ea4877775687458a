"""Results and agents that were not used."""

import pytest

from clawtrace_otel.costcraft.miners import unused_agent, unused_result
from tests.costcraft.miners.found import only, verdicts
from tests.costcraft.runs import RunBuilder


def looked_up(
    result: str, answer: str, tool: str = "read_weather", name: str = "run 1"
) -> RunBuilder:
    """A run that looks something up and then answers."""
    run = RunBuilder(name, passed=True)
    run.turn(tool, {"city": "Paris"}, result)
    run.llm(answer, asked="Book the hotel, please.")
    return run


@pytest.mark.parametrize(
    ("result", "answer", "verdict"),
    [
        ("sunny, mild, windy", "Booked.", "likely"),
        ("sunny, mild, windy", "Booked, it will be sunny.", "harmful"),
        ("sunny", "Booked.", "unknown"),
        ("[]", "Booked.", "unknown"),
        ("Paris, city of the hotel, please: windy, mild, sunny", "Booked.", "unknown"),
        ("total 1234.5678, tax 90.1, fee 7.25", "That is $1,234.57 in all.", "harmful"),
        ("total 1234.50, tax 90.1, fee 7.25", "That is $1,234.5 in all.", "harmful"),
    ],
)
def test_a_result_is_unused_if_none_of_its_new_words_comes_up_later(
    result: str, answer: str, verdict: str
) -> None:
    trace = RunBuilder()
    trace.llm("I look.", asked="Paris city of the hotel, please.")
    trace.turn("read_weather", {"place": "there"}, result)
    trace.llm(answer)
    assert verdicts(unused_result.MINER, trace.run()) == {(3,): verdict}


def test_a_tool_that_may_change_something_is_not_looked_at() -> None:
    run = looked_up("sunny, mild, windy", "Booked.", tool="open_valve").run()
    assert verdicts(unused_result.MINER, run) == {}


def test_a_tool_that_runs_an_agent_is_not_looked_at() -> None:
    trace = RunBuilder()
    tool = trace.tool("read_all", {"city": "Paris"}, "sunny, mild, windy")
    inner = trace.agent("helper", under=tool)
    trace.turn("write", {"path": "a"}, under=inner)
    trace.llm("Booked.")
    assert verdicts(unused_result.MINER, trace.run()) == {}


def test_of_a_card_alone_nothing_is_said_of_results() -> None:
    assert verdicts(unused_result.MINER, looked_up("sunny, mild, windy", "Booked.").card()) == {}


def test_a_tool_that_is_used_as_often_as_not_is_not_named() -> None:
    unused = looked_up("sunny, mild, windy", "Booked.")
    used = looked_up("sunny, mild, windy", "Booked, it will be sunny.", name="run 2")
    assert list(unused_result.MINER.mine([unused.run(), used.run()])) == []
    patch = only(list(unused_result.MINER.mine([unused.run()])))
    assert (
        patch.rule
        == "Do not call `read_weather` unless the task cannot be done without the result."
    )
    assert patch.rung == "proxy"


def delegated(answer: str, final: str, tool: str = "read_web") -> RunBuilder:
    """A run that asks a sub-agent and answers."""
    run = RunBuilder(passed=True)
    run.llm(calls=[("delegate", {"task": "look around"})], asked="Where to?")
    call = run.tool("delegate", {"task": "look around"}, answer)
    inner = run.agent("scout", under=call)
    run.turn(tool, {"q": "x"}, "much", under=inner)
    run.llm(answer, under=inner)
    run.llm(final)
    return run


@pytest.mark.parametrize(
    ("final", "tool", "verdict"),
    [
        ("Nowhere.", "read_web", "harmless"),
        ("To Lisbon.", "read_web", "harmful"),
        ("Nowhere.", "post", "unknown"),
    ],
)
def test_an_agent_is_unused_if_no_word_of_its_answer_comes_up_and_it_changed_nothing(
    final: str, tool: str, verdict: str
) -> None:
    run = delegated("Lisbon is lovely", final, tool).run()
    assert verdicts(unused_agent.MINER, run) == {(3,): verdict}


def test_an_unused_agent_saves_all_that_it_cost() -> None:
    run = delegated("Lisbon is lovely", "Nowhere.").run()
    patch = only(list(unused_agent.MINER.mine([run])))
    cost = run.by_number[3]["usd"]
    assert patch.saves_usd_per_run == (cost, cost)
    assert patch.rule == "Do not start the agent `scout` unless you are going to use its answer."


def test_of_a_card_alone_it_is_not_known_what_an_agent_changed() -> None:
    run = delegated("Lisbon is lovely", "Nowhere.").card()
    assert verdicts(unused_agent.MINER, run) == {(3,): "unknown"}
