"""Large results that are carried for long."""

import pytest

from clawtrace_otel.costcraft.miners import oversized_result
from clawtrace_otel.costcraft.miners.registry import PRUNE
from clawtrace_otel.importers.formats.span_maker import Tokens
from tests.costcraft.miners.found import only, verdicts
from tests.costcraft.runs import RunBuilder

WORDS = [f"word{n}" for n in range(100)]


def carried(answer: str, *, limited: bool = True, name: str = "run 1") -> RunBuilder:
    """A run that reads a file of 2,000 tokens and carries it through two more turns."""
    run = RunBuilder(name, passed=True)
    if limited:
        run.turn("read_file", {"path": "a", "limit": 5}, "five", tokens=Tokens(500, 10))
    run.turn("read_file", {"path": "b"}, " ".join(WORDS * 12), tokens=Tokens(510, 10))
    run.turn("write", {"path": "c"}, "done", tokens=Tokens(2520, 10))
    run.llm(answer, tokens=Tokens(2540, 10))
    return run


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (" ".join(WORDS[:10]), "harmless"),
        (" ".join(WORDS[:40]), "unknown"),
        (" ".join(WORDS[:60]), "harmful"),
    ],
)
def test_how_much_of_a_large_result_was_used_is_told_by_its_words(
    answer: str, verdict: str
) -> None:
    assert verdicts(oversized_result.MINER, carried(answer).run()) == {(4,): verdict}


def test_at_most_the_share_of_the_carry_that_was_not_used_is_saved() -> None:
    run = carried(" ".join(WORDS[:10])).run()
    patch = only(list(oversized_result.MINER.mine([run])))
    assert patch.saves_usd_per_run == pytest.approx((0.0, 0.9 * run.by_number[4]["carry_usd"]))
    assert patch.rung == "proxy"
    assert patch.rule == "Ask `read_file` for no more than you need: pass `limit`."


def test_where_no_call_of_the_tool_asked_for_less_there_is_no_rule() -> None:
    assert verdicts(oversized_result.MINER, carried("ok", limited=False).run()) == {}


def test_a_result_that_was_hardly_carried_is_left() -> None:
    trace = carried("ok")
    trace.llm("ok", tokens=Tokens(1_000_000, 10))
    assert verdicts(oversized_result.MINER, trace.run()) == {}


def test_of_a_card_alone_it_is_not_known_how_much_was_used() -> None:
    assert verdicts(oversized_result.MINER, carried("ok").card()) == {(4,): "unknown"}


def test_a_shorter_result_is_no_step_to_be_left_out() -> None:
    assert oversized_result.MINER not in PRUNE
