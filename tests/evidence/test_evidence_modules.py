"""The logic behind E2 to E7, on runs of a few steps: each measurement can fail."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest

from clawtrace_otel.costcraft.miners import repeated_call
from clawtrace_otel.costcraft.model import Net, Pattern
from clawtrace_otel.costcraft.replay.interface import Answer, Episode, Played, RecordedCall
from clawtrace_otel.costcraft.reprice import reprice
from clawtrace_otel.costcraft.run import Run
from tests.costcraft.runs import RunBuilder, made, number
from tests.evidence import e2, e3, e5, e6
from tests.evidence.deletions import CONTROL_WRITE, Executed, kinds
from tests.evidence.distilled import VARIANTS, prunes, steps_of
from tests.evidence.doubled import double
from tests.evidence.firing import false_prunes, fire, losses
from tests.evidence.meanwhile import undisturbed_calls
from tests.evidence.recorded_runs import by_task
from tests.evidence.shares import share_of
from tests.evidence.splits import FOLDS, domain_fired_on, folds
from tests.evidence.unused import labels

REPEATED = Pattern(miner=repeated_call.NAME, tool="read_file")


def repeated(name: str = "run 1", second: str = "the text", passed: bool | None = True) -> Run:
    """A file is read twice; the second time it may hold something else."""
    builder = RunBuilder(name, task=f"task of {name}", passed=passed)
    builder.turn("read_file", {"path": "x"}, "the text")
    builder.turn("read_file", {"path": "x"}, second)
    builder.llm("done")
    return builder.run()


def test_a_repeat_with_the_same_result_is_no_false_prune() -> None:
    (fired,) = fire([REPEATED], [repeated()], "pattern")
    assert list(fired.losses.values()) == [""]
    assert false_prunes([fired]) == share_of([False])


def test_a_repeat_whose_result_changed_is_a_false_prune_whatever_its_miner_says() -> None:
    (fired,) = fire([REPEATED], [repeated(second="another text")], "pattern")
    assert list(fired.losses.values()) == ["result changed"]
    assert (false_prunes([fired]).good, false_prunes([fired]).of) == (1, 1)


def test_a_call_without_an_equal_one_before_it_is_a_false_prune_if_its_words_come_up_later() -> (
    None
):
    builder = RunBuilder()
    builder.turn("read_file", {"path": "x"}, "the flight is HAT042")
    builder.turn("read_file", {"path": "y"}, "nothing of interest")
    builder.llm("You are on HAT042.")
    run = builder.run()
    used, unused = number(run, "read_file", 1), number(run, "read_file", 2)
    assert losses(run, [used, unused]) == {used: "used later", unused: ""}


def test_a_rule_of_another_tool_fires_at_the_level_of_the_miner_only() -> None:
    other = Pattern(miner=repeated_call.NAME, tool="search")
    assert fire([other], [repeated()], "pattern")[0].losses == {}
    assert len(fire([other], [repeated()], "miner")[0].losses) == 1
    assert fire([], [repeated()], "miner")[0].losses == {}


def test_steps_that_are_looked_at_can_be_limited() -> None:
    run = repeated(second="another text")
    fired = fire([REPEATED], [run], "pattern")
    (n,) = fired[0].losses
    assert false_prunes(fired, frozenset({(run.trace_id, n)})).good == 1
    assert false_prunes(fired, frozenset()).of == 0


def call(n: int | None, tool: str, text: str = "") -> RecordedCall:
    """One of an agent's, or, without a number, of its user's."""
    return RecordedCall(n, tool, {"of": text}, Answer("ok"), "assistant" if n else "user")


def test_a_call_of_the_users_or_of_a_tool_that_may_write_disturbs() -> None:
    calls = (
        call(1, "get"),
        call(2, "get"),
        call(None, "toggle"),
        call(3, "get"),
        call(4, "send"),
        call(5, "get"),
        call(6, "get", "other"),
        call(7, "get"),
    )
    reading = frozenset({1, 2, 3, 5, 6, 7})
    assert undisturbed_calls(Episode("t", "w", "", calls), reading) == [2, 7]


def test_what_is_saved_is_that_of_all_harmless_steps_together() -> None:
    run = repeated()
    found = e2.without(run)
    n = number(run, "read_file", 2)
    assert found.steps == {n: repeated_call.NAME}
    assert found.usd == reprice(run, {n})[n]
    assert e2.without(repeated(second="another text")).steps == {}


def test_a_share_of_cost_is_over_all_runs() -> None:
    runs = [repeated("run 1"), repeated("run 2", "another text")]
    saved = [e2.without(run).usd[1] for run in runs]
    cost = sum(run.cost or 0 for run in runs)
    assert e2.share(saved, runs).startswith(f"{saved[0] / cost:.2%} [0.00%, ")


def test_a_result_is_read_by_every_later_call_of_the_model() -> None:
    run = repeated()
    assert e2.readings(run, number(run, "read_file", 1)) == 2
    assert e2.readings(run, number(run, "read_file", 2)) == 1


def test_a_deletion_that_changes_something_is_counted_and_told() -> None:
    done = Executed({}, {("t", 1): "", ("t", 2): "step 3 get: was 'a', is 'b'; final db"}, ())
    share = e3.unchanged(done, [("t", 1), ("t", 2), ("t", 9)])
    assert (share.good, share.of) == (1, 2)
    assert e3.parts_of(done.changed["t", 2]) == {"result", "final"}
    assert e3.parts_of("verdict DB: was True, is False") == {"verdict"}
    assert e3.parts_of("") == set()


class Counter:
    """An environment with one number: ``add`` changes it, ``nod`` does not, both say ``ok``."""

    name = "counter"

    def version(self) -> str:
        """See the interface."""
        return "counter 1"

    def episodes(self, runs: Sequence[Run]) -> Iterator[Episode]:
        """See the interface."""
        del runs
        return iter(())

    def play(self, episode: Episode, without: Collection[int] = ()) -> Played:
        """See the interface."""
        made = [each for each in episode.calls if each.n is None or each.n not in without]
        count = sum(each.tool == "add" for each in made)
        return Played(tuple(Answer("ok") for _ in made), {"count": str(count)})

    def agrees(self, call: RecordedCall, answer: Answer) -> bool:
        """See the interface."""
        return call.answer == answer


@pytest.mark.parametrize(("tool", "acted"), [("add", True), ("nod", False)])
def test_a_call_made_twice_may_act_though_its_result_is_equal(tool: str, acted: bool) -> None:
    episode = Episode("t", "w", "", (call(1, "nod"), call(2, tool), call(3, "nod")))
    made = double(Counter(), episode, ("t", 2), CONTROL_WRITE)
    assert (made.tool, made.equal, made.acted, made.failed) == (tool, True, acted, False)


def test_steps_are_of_the_first_miner_that_names_them() -> None:
    run = repeated()
    n = number(run, "read_file", 2)
    assert kinds([run])[run.trace_id, n] == (repeated_call.NAME, "harmless")
    assert CONTROL_WRITE not in kinds([run]).values()


def test_differences_are_within_tasks_and_tasks_of_one_kind_tell_nothing() -> None:
    runs = {name: repeated(name) for name in ("a", "b", "c")}
    runs["b"].card["task"] = runs["a"].task
    values = {runs["a"]: 5.0, runs["b"]: 2.0, runs["c"]: 100.0}
    assert e5.differences(values, {runs["a"]: 1, runs["c"]: 1}) == [3.0]
    assert len(by_task(list(values))) == 2


def test_values_are_less_the_mean_of_their_file() -> None:
    one, other = repeated("a"), repeated("b")
    measure = e5.Measure("calls", lambda run: 4.0 if run is one else 2.0)
    assert e5.centred([[one, other]], measure) == {one: 1.0, other: -1.0}
    relative = e5.Measure("calls", measure.of, relative=True)
    assert e5.centred([[one, other]], relative)[one] == pytest.approx(1 / 3)
    assert e5.centred([[one], [other]], relative) == {one: 0.0, other: 0.0}


def test_what_is_not_known_of_a_skill_is_said_to_be_unknown() -> None:
    row = e6.net_row(Net(skill_tokens=10, turns=4.0, saves_usd=(0.5, 1.0)))
    assert row == (10, "4", "unknown", "unknown", "0.500000", "1.000000", *["unknown"] * 3)


def test_every_task_is_held_out_once_and_is_never_in_both_halves() -> None:
    runs = [repeated(f"run {n}") for n in range(12)]
    parts = list(folds(runs, "by task"))
    assert len(parts) == FOLDS
    assert sorted(run.trace_id for part in parts for run in part.held_out) == sorted(
        run.trace_id for run in runs
    )
    for part in parts:
        assert not {run.task for run in part.learned} & {run.task for run in part.held_out}


def test_rules_are_fired_on_the_domain_that_is_named_last() -> None:
    assert domain_fired_on("airline to telecom") == "telecom"
    assert domain_fired_on("airline by task") == "airline"


def test_an_ablation_takes_away_what_its_gate_keeps_out() -> None:
    builders = []
    for n in range(3):
        builder = RunBuilder(f"run {n}", task=f"task {n}", passed=True)
        for text in ("the text", "the text" if n else "another text"):
            builder.turn("read_file", {"path": "x"}, text)
        builder.llm("done")
        builders.append(builder)
    runs = made(builders)
    accepted = {name: len(prunes(runs, name)) for name in VARIANTS}
    assert accepted == {"full": 0, "no cost": 0, "no prune": 0, "no counterfactual": 1}
    (patch,) = prunes(runs, "no counterfactual")
    assert len(steps_of(patch)) == 3


def test_a_label_that_nobody_knows_is_an_error(tmp_path: Path) -> None:
    assert len(labels()) == 33
    path = tmp_path / "labels.csv"
    path.write_text("domain,trace_id,step,tool,label,reason\nairline,t,1,x,perhaps,why\n")
    with pytest.raises(ValueError, match="perhaps"):
        labels(path)
