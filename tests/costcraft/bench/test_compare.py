"""The comparison of two conditions, from results of which all is known."""

import math
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.costcraft.bench.compare import Comparison, Measured, compare, summarise
from clawtrace_otel.costcraft.bench.process import Ending
from clawtrace_otel.costcraft.bench.results import Limits, Result, Spent


def result(
    task: str,
    condition: str,
    *,
    passed: bool | None = True,
    usd: float | None = 1.0,
    repeat: int = 1,
    ending: Ending = "exited",
    cards: int = 1,
) -> Result:
    return Result(
        task=task,
        condition=condition,
        repeat=repeat,
        run=f"{task}.{condition}.{repeat}",
        started="2026-11-22T08:00:00Z",
        digests={},
        grader="",
        limits=Limits(),
        ending=ending,
        exit_code=0,
        seconds=2.0,
        passed=passed,
        spent=Spent(
            cards=["0" * 32] * cards,
            usd=usd,
            at_least_usd=usd or 0.25,
            why="" if usd is not None else "calls without a price: 1",
            tool_calls=3,
        ),
    )


def measured(found: Comparison, name: str = "cost_usd") -> Measured:
    return next(each for each in found.measures if each.name == name)


def test_tasks_that_changed_are_named_on_the_right_side() -> None:
    runs = {
        "a": [result(t, "a", passed=p) for t, p in (("t1", True), ("t2", False), ("t3", True))],
        "b": [result(t, "b", passed=p) for t, p in (("t1", False), ("t2", True), ("t3", True))],
    }
    quality = compare("a", "b", runs).quality
    assert quality is not None
    assert [change.task for change in quality.regressions] == ["t1"]
    assert [change.task for change in quality.wins] == ["t2"]
    assert quality.difference == 0.0
    assert quality.p == 1.0


def test_six_regressions_of_six_tasks_are_hardly_chance() -> None:
    runs = {
        "a": [result(f"t{n}", "a") for n in range(6)],
        "b": [result(f"t{n}", "b", passed=False) for n in range(6)],
    }
    quality = compare("a", "b", runs).quality
    assert quality is not None
    assert quality.p == pytest.approx(2 / 64)
    assert quality.interval is not None
    assert quality.interval[1] < 0


def test_tasks_that_one_condition_lacks_do_not_count() -> None:
    runs = {
        "a": [result("t1", "a", usd=4.0), result("t2", "a", usd=100.0)],
        "b": [result("t1", "b", usd=2.0), result("t3", "b", usd=0.001)],
    }
    found = compare("a", "b", runs)
    assert found.quality is not None
    assert found.quality.tasks == 1
    cost = measured(found)
    assert (cost.tasks, cost.first, cost.second, cost.ratio) == (1, 4.0, 2.0, 0.5)
    assert cost.ratio_interval is None


def test_a_cost_that_is_not_known_is_left_out_and_named() -> None:
    runs = [result("t1", "a"), result("t2", "a", usd=None)]
    summary = summarise("a", runs)
    assert summary.median_usd == 1.0
    assert summary.known_usd == 1.25
    assert summary.unknown == {"t2.a.1": "calls without a price: 1"}
    both = {"a": runs, "b": [result("t1", "b"), result("t2", "b", usd=0.0)]}
    assert measured(compare("a", "b", both)).tasks == 1


def test_where_no_cost_is_known_none_is_told() -> None:
    runs = {name: [result("t1", name, usd=None, cards=0)] for name in "ab"}
    found = compare("a", "b", runs)
    assert [each.name for each in found.measures] == ["seconds"]
    assert summarise("a", runs["a"]).median_usd is None


def test_a_run_that_was_not_graded_counts_on_no_side() -> None:
    runs = {"a": [result("t1", "a", passed=None)], "b": [result("t1", "b")]}
    assert compare("a", "b", runs).quality is None
    summary = summarise("a", runs["a"])
    assert (summary.runs, summary.graded, summary.passed) == (1, 0, 0)
    assert list(summary.ungraded) == ["t1.a.1"]


def test_several_runs_of_a_task_are_one_value() -> None:
    runs = {
        "a": [
            result("t1", "a", passed=p, usd=u, repeat=n) for n, p, u in ((1, True, 1), (2, True, 3))
        ],
        "b": [
            result("t1", "b", passed=p, usd=u, repeat=n)
            for n, p, u in ((1, True, 1), (2, False, 1))
        ],
    }
    found = compare("a", "b", runs)
    assert found.quality is not None
    assert [(c.first, c.second) for c in found.quality.regressions] == [("2/2", "1/2")]
    assert measured(found).ratio == 0.5
    assert summarise("a", runs["a"]).interval is None


def test_what_passed_tasks_cost_is_told_apart() -> None:
    runs = {
        "a": [result("t1", "a", usd=4.0), result("t2", "a", usd=10.0)],
        "b": [result("t1", "b", usd=3.0), result("t2", "b", usd=1.0, passed=False)],
    }
    passed = measured(compare("a", "b", runs), "cost_usd_if_passed")
    assert (passed.tasks, passed.ratio) == (1, 0.75)


def test_a_run_that_a_limit_ended_took_no_known_time() -> None:
    runs = {
        "a": [result("t1", "a"), result("t2", "a", ending="time limit", passed=False, usd=None)],
        "b": [result("t1", "b"), result("t2", "b")],
    }
    assert measured(compare("a", "b", runs), "seconds").tasks == 1
    assert summarise("a", runs["a"]).endings == {"time limit": 1}


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0.01, 9)), min_size=2, max_size=9)
)
def test_turned_round_a_comparison_says_the_opposite(
    tasks: list[tuple[bool, bool, float]],
) -> None:
    runs = {
        "a": [result(f"t{n}", "a", passed=p) for n, (p, _, _) in enumerate(tasks)],
        "b": [result(f"t{n}", "b", passed=q, usd=u) for n, (_, q, u) in enumerate(tasks)],
    }
    there, back = compare("a", "b", runs), compare("b", "a", runs)
    assert there.quality is not None
    assert back.quality is not None
    assert there.quality.difference == pytest.approx(-back.quality.difference)
    assert there.quality.p == pytest.approx(back.quality.p)
    assert there.quality.wins == [
        type(c)(task=c.task, first=c.second, second=c.first) for c in back.quality.regressions
    ]
    ratio, inverse = measured(there).ratio, measured(back).ratio
    assert ratio is not None
    assert inverse is not None
    assert math.isclose(ratio * inverse, 1.0)
    assert measured(there).difference == pytest.approx(fmean(u - 1 for _, _, u in tasks))
