"""tau2's environments execute what they recorded, and notice what is left out."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.costcraft.replay.batch import replay_runs
from clawtrace_otel.costcraft.replay.choose import every_call, repeats
from clawtrace_otel.costcraft.replay.execute import Work, replay
from clawtrace_otel.costcraft.replay.interface import Episode, RecordedCall
from clawtrace_otel.costcraft.replay.tau2.domain import DOMAINS
from clawtrace_otel.costcraft.replay.tau2.environment import Tau2
from clawtrace_otel.costcraft.replay.tau2.package import load, make
from tests.costcraft.replay.recorded import (
    Simulation,
    as_expected,
    episodes,
    needs_tau2,
    runs_in,
    tasks_of,
    tau2_file,
)
from tests.costcraft.replay.roaming import ROAMING, roaming

pytestmark = needs_tau2


@pytest.fixture(scope="module")
def tau2() -> Tau2:
    return Tau2()


@pytest.fixture(scope="module")
def retail(tau2: Tau2, tmp_path_factory: pytest.TempPathFactory) -> Episode:
    """The longest of retail's runs."""
    task = max(tasks_of("retail"), key=lambda t: len(t["evaluation_criteria"]["actions"]))
    path = tmp_path_factory.mktemp("retail") / "runs.json"
    (episode,) = episodes(tau2, tau2_file(path, [as_expected("retail", task)]))
    return episode


def by_tool(episode: Episode, tool: str) -> RecordedCall:
    return next(call for call in episode.calls if call.tool == tool)


class TestReproducing:
    @pytest.mark.parametrize("domain", DOMAINS)
    def test_every_call_gives_what_it_gave(self, domain: str, tau2: Tau2, tmp_path: Path) -> None:
        done = [as_expected(domain, task, task["id"]) for task in tasks_of(domain)[:4]]
        path = tau2_file(tmp_path / "runs.json", done)
        played = replay_runs(lambda: tau2, runs_in(path), lambda run: every_call(run)[:1])
        assert len(played.runs) == len(done)
        assert [run.why for run in played.runs] == [""] * len(done)
        assert sum(run.calls for run in played.runs) == sum(len(s.messages) // 2 for s in done)

    @pytest.mark.parametrize("domain", ["airline", "retail"])
    def test_doing_what_is_expected_is_what_the_oracle_wants(
        self, domain: str, tau2: Tau2, tmp_path: Path
    ) -> None:
        path = tau2_file(tmp_path / "runs.json", [as_expected(domain, tasks_of(domain)[0])])
        (episode,) = episodes(tau2, path)
        assert tau2.play(episode).verdict == {"DB": True}

    def test_a_step_has_its_number_on_the_card(self, tau2: Tau2, tmp_path: Path) -> None:
        path = tau2_file(tmp_path / "runs.json", [roaming()])
        (run,), (episode,) = runs_in(path), episodes(tau2, path)
        for call in episode.calls:
            if call.n is not None:
                assert run.by_number[call.n]["tool"] == call.tool
                assert json.loads(run.texts(call.n).args) == call.arguments
        assert [call.n is None for call in episode.calls] == [False] * 5 + [True] * 2

    def test_a_run_whose_result_was_another_does_not_count(
        self, tau2: Tau2, tmp_path: Path
    ) -> None:
        simulation = roaming()
        simulation.messages[3]["content"] = '{"line_id": "L1002", "status": "Gone"}'
        path = tau2_file(tmp_path / "runs.json", [simulation])
        played = replay_runs(lambda: tau2, runs_in(path), every_call)
        (run,) = played.runs
        assert not run.reproduced
        assert run.why.startswith("step 4 get_details_by_id: recorded")
        assert played.deletions == []

    def test_a_run_of_which_the_oracle_said_something_else_does_not_count(
        self, tau2: Tau2, tmp_path: Path
    ) -> None:
        path = tau2_file(tmp_path / "runs.json", [roaming()])
        document = json.loads(path.read_text())
        met = {"env_assertion": ROAMING["evaluation_criteria"]["env_assertions"][0], "met": False}
        document["simulations"][0]["reward_info"] = {"reward": 0.0, "env_assertions": [met]}
        path.write_text(json.dumps(document))
        (run,) = replay_runs(lambda: tau2, runs_in(path), every_call).runs
        assert run.why == "the oracle's ENV_ASSERTION was False when recorded, is True"

    def test_the_verdict_is_that_of_its_own_evaluators(self, tau2: Tau2, tmp_path: Path) -> None:
        pytest.importorskip("pandas", reason="tau2's evaluators import pandas")
        for simulation in (roaming(), as_expected("retail", tasks_of("retail")[1])):
            path = tau2_file(tmp_path / "runs.json", [simulation])
            (episode,) = episodes(tau2, path)
            assert tau2.play(episode).verdict == _own_verdict(simulation)

    def test_the_state_is_that_of_its_own_hashes(self, tau2: Tau2, tmp_path: Path) -> None:
        simulation = roaming()
        (episode,) = episodes(tau2, tau2_file(tmp_path / "runs.json", [simulation]))
        world: Any = simulation.world
        own = {"db": world.get_db_hash(), "user_db": world.get_user_db_hash()}
        assert tau2.play(episode).final == own

    def test_a_bill_that_is_made_up_is_the_same_each_time(self, tau2: Tau2, tmp_path: Path) -> None:
        simulation = Simulation("telecom", ROAMING)
        simulation.call("refuel_data", customer_id="C1001", line_id="L1002", gb_amount=2.0)
        (episode,) = episodes(tau2, tau2_file(tmp_path / "runs.json", [simulation]))
        assert tau2.play(episode) == tau2.play(episode)

    def test_a_power_of_powers_is_not_calculated(self, tau2: Tau2, tmp_path: Path) -> None:
        simulation = Simulation("retail", tasks_of("retail")[0])
        simulation.call("calculate", expression="2 + 2")
        simulation.messages[0]["tool_calls"][0]["arguments"] = {"expression": "9**9**9**9"}  # type: ignore[index]
        (episode,) = episodes(tau2, tau2_file(tmp_path / "runs.json", [simulation]))
        done = replay(tau2, Work(episode, (2,)))
        assert "could take for ever" in done.runs[0].why


class TestDeleting:
    @pytest.fixture
    def episode(self, tau2: Tau2, tmp_path: Path) -> Episode:
        return episodes(tau2, tau2_file(tmp_path / "runs.json", [roaming()]))[0]

    def test_a_repeat_changes_nothing(self, tau2: Tau2, tmp_path: Path) -> None:
        runs = runs_in(tau2_file(tmp_path / "runs.json", [roaming()]))
        (deletion,) = replay_runs(lambda: tau2, runs, repeats).deletions
        assert (deletion.steps, deletion.tools) == ((6,), ("get_details_by_id",))
        assert deletion.unchanged
        assert deletion.where == ""

    def test_a_change_of_state_is_missed_by_the_user_and_by_the_oracle(
        self, tau2: Tau2, episode: Episode
    ) -> None:
        n = by_tool(episode, "enable_roaming").n
        assert n is not None
        (deletion,) = replay(tau2, Work(episode, (n,))).deletions
        assert not deletion.unchanged
        first, *others = deletion.where.split("; ")
        assert first.startswith(f"user's run_speed_test after step {n}: was")
        assert "final db" in others
        assert "verdict ACTION: was True, is False" in others
        assert "verdict ENV_ASSERTION: was True, is False" in others

    def test_a_change_that_is_undone_later_can_be_left_out(
        self, tau2: Tau2, episode: Episode
    ) -> None:
        n = by_tool(episode, "disable_roaming").n
        assert n is not None
        (deletion,) = replay(tau2, Work(episode, (n,))).deletions
        assert deletion.where.startswith("step 10 enable_roaming: was")

    def test_what_alone_changes_nothing_is_left_out_together_too(
        self, tau2: Tau2, episode: Episode
    ) -> None:
        steps = tuple(call.n for call in episode.calls if call.n is not None)
        deletions = replay(tau2, Work(episode, steps)).deletions
        alone = [d.steps[0] for d in deletions if len(d.steps) == 1 and d.unchanged]
        assert [d.steps for d in deletions if len(d.steps) > 1] == [tuple(alone)]
        assert len(alone) == 3

    def test_a_booking_is_missed_in_the_final_database(self, tau2: Tau2, tmp_path: Path) -> None:
        changing = {"cancel_pending_order", "exchange_delivered_order_items"}
        task = next(
            task
            for task in tasks_of("retail")
            if changing & {a["name"] for a in task["evaluation_criteria"]["actions"]}
        )
        path = tau2_file(tmp_path / "runs.json", [as_expected("retail", task)])
        (episode,) = episodes(tau2, path)
        n = next(call.n for call in episode.calls if call.tool in changing)
        assert n is not None
        (deletion,) = replay(tau2, Work(episode, (n,))).deletions
        assert "final db; verdict DB: was True, is False" in deletion.where

    @given(st.lists(st.sets(st.integers(0, 12), max_size=4), min_size=1, max_size=3))
    @settings(max_examples=4, deadline=None)
    def test_what_was_played_before_makes_no_difference(
        self, tau2: Tau2, retail: Episode, choices: list[set[int]]
    ) -> None:
        for chosen in choices:
            assert tau2.play(retail, chosen) == Tau2().play(retail, chosen)


def _own_verdict(simulation: Simulation) -> dict[str, bool]:
    """What tau2's evaluators say of a run as it was recorded."""
    task: Any = make("data_model.tasks", "Task", _whole(simulation.task))
    messages = [_message(message) for message in simulation.messages]
    constructor = load(f"domains.{simulation.domain}.environment").get_environment
    by_state: Any = load("evaluator.evaluator_env").EnvironmentEvaluator.calculate_reward(
        constructor, task, messages
    )
    by_action: Any = load("evaluator.evaluator_action").ActionEvaluator.calculate_reward(
        task, messages
    )
    found = {**by_state.reward_breakdown, **by_action.reward_breakdown}
    basis = task.evaluation_criteria.reward_basis
    return {str(part.value): met == 1 for part, met in found.items() if part in basis}


def _whole(task: Any) -> dict[str, object]:
    return {"user_scenario": {"instructions": "None."}, **task}


def _message(message: dict[str, object]) -> object:
    kinds = {"assistant": "AssistantMessage", "user": "UserMessage", "tool": "ToolMessage"}
    return make("data_model.message", kinds[str(message["role"])], message)
