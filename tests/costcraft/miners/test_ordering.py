"""What passing runs of a task do and failing runs do not."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from clawtrace_otel.costcraft.miners import ordering
from clawtrace_otel.costcraft.model import Patch
from clawtrace_otel.costcraft.stats import exact_association, false_discoveries
from tests.costcraft.miners.found import only
from tests.costcraft.runs import RunBuilder, made


def run(task: str, nth: int, *, passed: bool, tools: tuple[str, ...]) -> RunBuilder:
    found = RunBuilder(f"{task} {nth}", task=task, passed=passed)
    for tool in tools:
        found.turn(tool, {"of": nth})
    return found


def tasks(
    count: int, passing: tuple[str, ...], failing: tuple[str, ...], prefix: str = "task"
) -> list[RunBuilder]:
    """Tasks with two passing and two failing runs each."""
    return [
        run(f"{prefix} {n}", nth, passed=nth < 2, tools=passing if nth < 2 else failing)
        for n in range(count)
        for nth in range(4)
    ]


def mined(runs: list[RunBuilder]) -> list[Patch]:
    return list(ordering.MINER.mine(made(runs)))


def test_a_call_before_another_that_only_passing_runs_make_is_preserved() -> None:
    passing, failing = ("read_user", "book"), ("book", "read_user")
    patch = only(mined(tasks(3, passing, failing)))
    assert patch.id == "preserve:ordering:read_user:before:book"
    assert patch.rule == "Call `read_user` before the first `book`."
    assert patch.contrast is not None
    assert (patch.contrast.tasks, patch.contrast.passed_with, patch.contrast.passed) == (3, 6, 6)
    assert (patch.contrast.failed_with, patch.contrast.failed) == (0, 6)
    assert patch.contrast.p_value == pytest.approx((1 / 6) ** 3)


def test_a_call_that_only_passing_runs_make_at_all_is_preserved() -> None:
    found = mined(tasks(3, ("read_user", "answer"), ("answer",)))
    assert "Call `read_user` before the first `answer`." in {patch.rule for patch in found}
    found = mined(tasks(3, ("answer", "read_user"), ("answer",)))
    assert only(found).rule == "Call `read_user` before you answer for good."


def test_an_ordering_of_all_runs_alike_is_none() -> None:
    assert mined(tasks(5, ("read_user", "book"), ("read_user", "book"))) == []


def test_an_ordering_of_failing_runs_is_none() -> None:
    assert mined(tasks(5, ("book", "read_user"), ("read_user", "book"))) == []


def test_one_task_is_not_enough_however_many_runs_it_has() -> None:
    runs = [
        run("task", nth, passed=nth < 20, tools=("read_a", "b") if nth < 20 else ("b", "read_a"))
        for nth in range(40)
    ]
    assert mined(runs) == []


def test_that_one_task_is_easier_than_another_is_no_contrast() -> None:
    """Pooled, passing runs read nearly twice as often as failing ones; within each task less."""
    runs = []
    for n in range(12):
        is_easy = n < 6
        for nth in range(8):
            passed = nth < (6 if is_easy else 2)
            reads = nth != 0 if is_easy else nth == 7
            tools = ("read_user", "book") if reads else ("book",)
            runs.append(run(f"task {n}", nth, passed=passed, tools=tools))
    table = [[0, 0], [0, 0]]
    for one in made(runs):
        has_read = any(step.get("tool") == "read_user" for step in one.steps)
        table[not one.passed][not has_read] += 1
    assert table == [[30, 18], [18, 30]]
    assert scipy_stats.fisher_exact(np.array(table), alternative="greater").pvalue < 0.05
    assert mined(runs) == []


def test_what_changes_state_is_what_the_task_asked_for() -> None:
    assert mined(tasks(4, ("pay", "book"), ("book", "pay"))) != []  # nothing is known of any tool
    passing, failing = ("read_user", "pay", "book"), ("read_user", "book", "pay")
    assert mined(tasks(4, passing, failing)) == []


def test_a_call_that_failed_does_not_count() -> None:
    runs = tasks(3, ("read_user", "book"), ("book", "read_user"))
    for builder in runs:
        if builder.passed is False:
            builder.spans.clear()
            builder.turn("read_user", {"of": 1}, error="ValueError: no")
            builder.turn("book", {"of": 1})
    assert "Call `read_user` before the first `book`." in {p.rule for p in mined(runs)}


def test_runs_without_an_outcome_say_nothing() -> None:
    runs = tasks(3, ("read_user", "book"), ("book", "read_user"))
    for builder in runs:
        builder.passed = None
    assert mined(runs) == []


def test_for_one_stratum_the_exact_test_is_fishers() -> None:
    for table in ((7, 2, 3, 8), (1, 5, 4, 2), (0, 3, 3, 0), (5, 0, 0, 5), (2, 2, 2, 2)):
        a, b, c, d = table
        fisher = scipy_stats.fisher_exact(np.array([[a, b], [c, d]]), alternative="greater").pvalue
        assert exact_association([table]) == pytest.approx(fisher)


def test_for_several_strata_the_exact_test_counts_all_ways_to_share_out_the_passes() -> None:
    # Each task has 2 of 4 passing and 2 of 4 with it: 1 of 6 ways puts both passes with it.
    assert exact_association([(2, 0, 0, 2)] * 2) == pytest.approx(1 / 36)
    # Of the second task 1 pass with it is enough beside 2 of the first, or 2 beside 1.
    mixed = exact_association([(2, 0, 0, 2), (1, 1, 1, 1)])
    assert mixed == pytest.approx((1 / 6) * (5 / 6) + (4 / 6) * (1 / 6))
    assert exact_association([]) == exact_association([(0, 0, 0, 0)]) == 1.0


def test_p_values_are_corrected_for_their_number() -> None:
    assert false_discoveries([0.01, 0.02, 0.03, 0.5]) == pytest.approx([0.04, 0.04, 0.04, 0.5])
    assert false_discoveries([]) == []
