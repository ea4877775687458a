"""Failing calls and what mended them."""

import pytest

from clawtrace_otel.costcraft.miners import repaired_call
from clawtrace_otel.costcraft.miners.registry import mine
from clawtrace_otel.costcraft.model import Patch
from tests.costcraft.miners.found import only
from tests.costcraft.runs import RunBuilder

BAD = "ValueError: no"


def mended(before: object, after: object, name: str = "run 1") -> RunBuilder:
    """A run whose call fails and then succeeds with other arguments."""
    run = RunBuilder(name)
    run.turn("book", before, error=BAD)
    run.turn("book", after, "booked")
    return run


def patches(*runs: RunBuilder) -> list[Patch]:
    return list(repaired_call.MINER.mine([run.run() for run in runs]))


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ({"day": "x1"}, {"day": "x1", "seat": "12A"}, "Pass `seat` to `book`."),
        ({"day": "x1", "extra": 1}, {"day": "x1"}, "Do not pass `extra` to `book`."),
        ({"when": "x1", "n": 1}, {"day": "x1", "n": 1}, "Pass `day` to `book`, not `when`."),
        (
            {"day": "17 May"},
            {"day": "2026-05-17"},
            "Pass `day` to `book` as an ISO date, not as text.",
        ),
        ({"price": "12"}, {"price": 12}, "Pass `price` to `book` as a number, not as digits."),
        ({"price": 12}, {"price": "12 USD"}, "Pass `price` to `book` as text, not as a number."),
        ({"seats": "12A"}, {"seats": ["12A"]}, "Pass `seats` to `book` as a list, not as text."),
        (
            {"legs": [{"on": "May"}]},
            {"legs": [{"on": "2026-05-17"}]},
            "Pass `legs[].on` to `book` as an ISO date, not as text.",
        ),
    ],
)
def test_the_form_of_the_call_that_succeeded_is_the_rule(
    before: object, after: object, rule: str
) -> None:
    patch = only(patches(mended(before, after)))
    assert patch.rule == rule
    assert patch.action == "repair"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"day": "2026-05-17"}, {"day": "2026-05-18"}),
        ({"day": "2026-05-17"}, {"day": "the next one"}),
        ({"day": ""}, {"day": "2026-05-17"}),
        ({"day": "x1"}, {"day": "x1", "a": 1, "b": 2, "c": 3}),
        ({"day": "x1"}, {"day": "x1", "7f3a-19": 1}),
        ("free text", {"day": "x1"}),
    ],
)
def test_where_only_values_or_too_much_differ_there_is_no_rule(
    before: object, after: object
) -> None:
    assert patches(mended(before, after)) == []


def test_a_call_that_succeeds_as_the_failed_one_was_speaks_against_the_rule() -> None:
    needless = RunBuilder("run 2")
    needless.turn("book", {"day": "y2"}, "booked")
    runs = [mended({"day": "x1"}, {"day": "x1", "seat": "12A"})]
    assert patches(*runs, needless) == []
    runs.append(mended({"day": "x1"}, {"day": "x1", "seat": "12A"}, "run 3"))
    patch = only(patches(*runs, needless))
    assert [ref.check for ref in patch.counter_evidence] == [
        "harmful: it succeeded as the failed calls were"
    ]


def test_a_value_that_another_tool_brought_in_between_names_that_tool() -> None:
    trace = RunBuilder(passed=True)
    trace.turn("book", {"payment": "card_1"}, error=BAD)
    trace.turn("read_user", {"id": "u1"}, '{"cards": ["card_77", "card_78"]}')
    trace.turn("book", {"payment": "card_78"}, "booked")
    patch = only(patches(trace))
    assert patch.rule == "Call `read_user` before `book`, to get `payment`."
    assert patch.rung == "dependency"
    trace_id = trace.run().trace_id
    assert patch.oracle == [
        f"run {trace_id}: step 2 failed with ValueError, step 6 succeeded after `read_user` was "
        "called, whose result has the value of `payment`"
    ]


def test_a_value_that_was_known_before_the_failure_names_no_tool() -> None:
    trace = RunBuilder()
    trace.turn("read_all", {"id": "u1"}, '{"cards": ["card_77", "card_78"]}')
    trace.turn("book", {"payment": "card_1"}, error=BAD)
    trace.turn("read_user", {"id": "u1"}, '{"cards": ["card_77", "card_78"]}')
    trace.turn("book", {"payment": "card_78"}, "booked")
    assert patches(trace) == []


def test_a_value_within_a_longer_word_was_not_brought() -> None:
    trace = RunBuilder()
    trace.turn("book", {"payment": "card_1"}, error=BAD)
    trace.turn("read_user", {"id": "u1"}, '{"cards": ["card_787"]}')
    trace.turn("book", {"payment": "card_78"}, "booked")
    assert patches(trace) == []


def test_the_same_call_after_a_tool_that_only_reads_names_that_tool() -> None:
    trace = RunBuilder()
    trace.turn("edit", {"path": "a"}, error="error: not read yet")
    trace.turn("read_file", {"path": "a"}, "text")
    trace.turn("edit", {"path": "a"}, "done")
    assert only(patches(trace)).rule == "Call `read_file` before `edit`."


def test_a_test_that_passes_after_one_more_edit_is_no_repair() -> None:
    trace = RunBuilder()
    trace.turn("edit", {"path": "a"}, "done")
    trace.turn("run_tests", {"path": "a"}, error="error: 1 failed")
    trace.turn("edit", {"path": "b"}, "done")
    trace.turn("run_tests", {"path": "a"}, "passed")
    assert patches(trace) == []


@pytest.mark.parametrize(
    ("error", "rules"),
    [
        (
            "TimeoutError: 30 s",
            ["When `fetch` fails with `TimeoutError`, call it once more with the same arguments."],
        ),
        ("ValueError: no such page", []),
    ],
)
def test_the_same_call_at_once_is_a_rule_for_errors_that_pass(error: str, rules: list[str]) -> None:
    trace = RunBuilder()
    trace.turn("fetch", {"url": "a"}, error=error)
    trace.turn("fetch", {"url": "a"}, "page")
    assert [patch.rule for patch in patches(trace)] == rules


def test_a_failure_that_was_never_overcome_says_nothing() -> None:
    trace = RunBuilder()
    trace.turn("book", {"day": "x1"}, error=BAD)
    trace.turn("read_user", {"id": "u1"})
    assert patches(trace) == []


def test_what_failing_cost_counts_once_for_all_failures_on_end() -> None:
    trace = RunBuilder()
    trace.turn("book", {"day": "May"}, error=BAD)
    trace.turn("book", {"day": "June"}, error=BAD)
    trace.turn("book", {"day": "2026-05-17"}, "booked")
    patch = only(patches(trace))
    turns = [trace.run().by_number[n]["usd"] or 0 for n in (3, 5)]
    assert [ref.saves_usd for ref in patch.steps] == [(0.0, sum(turns)), None]
    assert patch.saves_usd_per_run == (0.0, sum(turns))


def test_two_repairs_of_one_call_share_what_it_cost() -> None:
    found = patches(mended({"day": "May", "x": 1}, {"day": "2026-05-17"}))
    saved = [patch.saves_usd_per_run for patch in found]
    assert len(saved) == 2
    assert saved.count(None) == 1


def test_a_prune_within_the_failing_takes_its_part_of_the_cost() -> None:
    trace = RunBuilder()
    trace.turn("read_file", {"path": "a"}, "text")
    trace.turn("book", {"day": "May"}, error=BAD)
    trace.turn("read_file", {"path": "a"}, "text")
    trace.turn("book", {"day": "2026-05-17"}, "booked")
    run = trace.run()
    found = {patch.action: patch.saves_usd_per_run for patch in mine([run])}
    prune, repair = found["prune"], found["repair"]
    assert prune is not None
    assert repair is not None
    turns = sum(run.by_number[n]["usd"] or 0 for n in (5, 7))
    assert repair[1] == pytest.approx(turns - prune[1])


def test_what_evaluators_said_of_a_run_that_failed_is_told() -> None:
    trace = mended({"day": "May"}, {"day": "2026-05-17"})
    trace.passed, trace.because = False, "the seat is not booked"
    patch = only(patches(trace))
    assert patch.oracle[-1] == f"run {trace.run().trace_id} failed: the seat is not booked"


def test_a_card_alone_shows_a_repair_as_far_as_its_arguments_go() -> None:
    short = mended({"day": "May"}, {"day": "2026-05-17"}).card()
    assert only(list(repaired_call.MINER.mine([short]))).rule == (
        "Pass `day` to `book` as an ISO date, not as text."
    )
    long = mended({"a": "x" * 200, "day": "May"}, {"a": "x" * 200, "day": "2026-05-17"}).card()
    assert list(repaired_call.MINER.mine([long])) == []


def test_no_value_of_a_run_is_in_a_rule() -> None:
    for before, after in (
        ({"day": "secret-1"}, {"day": "secret-1", "seat": "secret-2"}),
        ({"secret 1": 1, "day": "x"}, {"day": "x"}),
    ):
        told = [f"{p.rule} {p.id} {p.oracle}" for p in patches(mended(before, after))]
        assert not any("secret" in text for text in told)
