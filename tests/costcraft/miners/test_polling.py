"""The same calls on end."""

from clawtrace_otel.costcraft.miners import polling, repeated_call
from clawtrace_otel.importers.formats.span_maker import Tokens
from tests.costcraft.miners.found import only, verdicts
from tests.costcraft.runs import RunBuilder


def asked(*results: str, tool: str = "read_state") -> RunBuilder:
    """A run that asks for the same state again and again."""
    run = RunBuilder()
    for result in results:
        run.turn(tool, {"job": 7}, result)
    return run


def test_equal_results_in_a_loop_need_not_have_been_asked_for() -> None:
    run = asked("waiting", "waiting", "waiting", "waiting").run()
    assert verdicts(polling.MINER, run) == {(4,): "harmless", (6,): "harmless", (8,): "harmless"}
    assert verdicts(repeated_call.MINER, run) == {}


def test_the_call_that_sees_the_change_after_equal_results_is_kept() -> None:
    run = asked("waiting", "waiting", "waiting", "ready").run()
    assert verdicts(polling.MINER, run) == {(4,): "harmless", (6,): "harmless"}


def test_asking_again_at_once_is_needed_where_every_result_is_news() -> None:
    run = asked("page 1", "page 2", "page 3", "page 4").run()
    assert verdicts(polling.MINER, run) == {(4,): "harmful", (6,): "harmful", (8,): "harmful"}
    assert list(polling.MINER.mine([run])) == []


def test_two_equal_calls_are_a_repeat_and_no_loop() -> None:
    run = asked("waiting", "waiting").run()
    assert verdicts(polling.MINER, run) == {}
    assert verdicts(repeated_call.MINER, run) == {(4,): "harmless"}


def test_a_loop_of_two_calls_counts_from_its_second_round() -> None:
    trace = RunBuilder()
    for _ in range(3):
        trace.turn("read_state", {"job": 7}, "waiting")
        trace.turn("read_queue", {"name": "q"}, "empty")
    run = trace.run()
    assert set(verdicts(polling.MINER, run)) == {(6,), (8,), (10,), (12,)}


def test_a_loop_with_a_call_that_lets_time_pass_already_waits() -> None:
    trace = RunBuilder()
    for _ in range(3):
        trace.turn("read_state", {"job": 7}, "waiting")
        trace.turn("sleep", {"seconds": 5}, "slept")
    run = trace.run()
    assert verdicts(polling.MINER, run) == verdicts(repeated_call.MINER, run) == {}


def test_what_may_have_changed_in_between_is_not_known() -> None:
    trace = RunBuilder()
    for nth in range(3):
        trace.turn("read_state", {"job": 7}, "waiting")
        trace.turn("push", {"job": 7}, f"{nth} pushed")
    found = verdicts(polling.MINER, trace.run())
    assert (found[6,], found[10,]) == ("unknown", "unknown")


def test_a_card_alone_shows_the_loop_as_the_run_does_if_results_are_of_some_size() -> None:
    trace = RunBuilder()
    for n in range(4):
        trace.turn("read_state", {"job": 7}, "waiting " * 20, tokens=Tokens(1000 + 50 * n, 10))
    assert verdicts(polling.MINER, trace.card()) == {
        (4,): "harmless",
        (6,): "harmless",
        (8,): "unknown",
    }
    assert set(verdicts(polling.MINER, trace.run()).values()) == {"harmless"}


def test_a_tool_of_which_nothing_is_known_may_act_each_time_that_it_says_ok() -> None:
    run = asked("ok", "ok", "ok", tool="press_key").run()
    assert verdicts(polling.MINER, run) == {(4,): "unknown", (6,): "unknown"}
    run = asked("added", "added", tool="add_to_cart").run()
    assert verdicts(repeated_call.MINER, run) == {(4,): "unknown"}


def test_a_tool_of_which_nothing_is_known_and_that_tells_much_has_told_it_already() -> None:
    run = asked(*["job seven of queue default is waiting"] * 3, tool="status").run()
    assert set(verdicts(polling.MINER, run).values()) == {"harmless"}


def test_a_card_that_left_the_first_call_of_a_loop_out_says_nothing_of_it() -> None:
    run = asked("waiting", "waiting", "waiting").card()
    run.card["steps"] = [step for step in run.card["steps"] if step["n"] != 2]
    assert verdicts(polling.MINER, run) == {}


def test_the_same_calls_of_two_agents_are_no_loop() -> None:
    trace = RunBuilder()
    for agent in ("one", "two", "three"):
        inner = trace.agent(agent)
        trace.turn("read_state", {"job": 7}, "waiting", under=inner)
    assert verdicts(polling.MINER, trace.run()) == {}


def test_the_patch_says_when_to_stop() -> None:
    patch = only(list(polling.MINER.mine([asked("waiting", "waiting", "waiting").run()])))
    assert patch.id == "prune:polling:read_state"
    assert (patch.action, patch.section, patch.rung) == ("prune", "Stop rules", "dependency")
    assert patch.rule == (
        "Once `read_state` has given the same result twice, stop asking: go on with something "
        "else, or wait until something can have changed."
    )
    assert [ref.n for ref in patch.steps] == [4, 6]
