"""A trial of Harbor becomes a card with its outcome, whatever of its folder is there."""

from pathlib import Path

import pytest

from clawtrace_otel.importers.formats.harbor.verdicts import MAX_NAMED
from clawtrace_otel.importers.plan import make_plan
from tests.importers.formats.harbor.trials import (
    FILES,
    NAME,
    RESULT,
    SESSION,
    STEPS,
    TASK,
    Json,
    card_of,
    cards_of,
    metrics,
    problems_of,
    records_of,
    step,
    trajectory,
    trial,
    with_steps,
    write,
)

CRASH = {"exception_type": "NonZeroAgentExitCodeError", "exception_message": "exit 1"}


def ctrf(*statuses: str) -> Json:
    tests = [{"name": f"test_{n}", "status": status} for n, status in enumerate(statuses)]
    return {"results": {"tool": {"name": "pytest"}, "summary": {}, "tests": tests}}


def rewarded(**rewards: float) -> Json:
    return {**RESULT, "verifier_result": {"rewards": rewards}}


def test_a_trial_is_a_card_with_outcome_tokens_and_the_cost_that_it_states(tmp_path: Path) -> None:
    card = card_of(trial(tmp_path))

    assert (card["task"], card["run"], card["session"]) == (TASK, NAME, SESSION)
    assert card["outcome"] == {"passed": True, "score": 1.0, "by": "harbor", "evidence": []}
    assert card["root"]["agent"] == "scripted"
    assert (card["started"], card["duration_s"]) == ("2026-11-22T08:07:41.000Z", 10.0)
    total = card["total"]
    assert total["cost_usd"] == pytest.approx(0.000575)
    assert (total["llm_calls"], total["tool_calls"], total["unpriced_calls"]) == (2, 1, 0)
    assert total["tokens"] == {
        "input": 2200,
        "cache_read": 512,
        "cache_write": 0,
        "output": 70,
        "reasoning": 0,
    }
    assert card["prices"] == {"supplied": 2}


def test_all_trials_of_a_job_are_read_and_each_has_a_card_of_its_own(tmp_path: Path) -> None:
    job = tmp_path / "passed"
    write(job, {"config.json": {"job_name": "passed", "jobs_dir": "jobs"}})
    write(job, {"result.json": {"n_total_trials": 2, "trial_results": [{"trial_name": "a__1"}]}})
    for name in ("a__1", "a__2"):
        config = {**FILES["config.json"], "trial_name": name}  # type: ignore[dict-item]
        trial(
            tmp_path,
            {**FILES, "config.json": config, "result.json": {**RESULT, "trial_name": name}},
            name,
        )

    plan = make_plan([job])

    assert not plan.unknown
    assert {card["run"] for card in cards_of(job)} == {"a__1", "a__2"}
    assert len({card["trace_id"] for card in cards_of(job)}) == 2


def test_any_file_of_a_trial_stands_for_all_of_it(tmp_path: Path) -> None:
    folder = trial(tmp_path)
    whole = card_of(folder)

    for name in ("result.json", "agent/trajectory.json"):
        assert card_of(folder / name) == whole


def test_reading_again_gives_the_same_card_and_ids(tmp_path: Path) -> None:
    first = card_of(trial(tmp_path / "here"))
    moved = card_of(trial(tmp_path / "there"))

    assert first == moved


def test_a_trial_that_still_runs_has_the_id_that_it_will_have(tmp_path: Path) -> None:
    ended = card_of(trial(tmp_path / "ended"))
    running = trial(tmp_path / "running", {**FILES, "result.json": None})
    records = records_of(running)

    (problem,) = problems_of(records, running)
    assert problem.startswith("result.json: it is not there")
    card = card_of(running)
    assert card["trace_id"] == ended["trace_id"]
    assert card["outcome"]["passed"] is True  # as reward.txt says
    assert card["total"] == ended["total"]


def test_failed_tests_are_named_as_evidence(tmp_path: Path) -> None:
    tests = ctrf("passed", "failed", "skipped", "failed")
    files = {**FILES, "result.json": rewarded(reward=0.0), "verifier/ctrf.json": tests}

    outcome = card_of(trial(tmp_path, files))["outcome"]

    assert outcome["evidence"] == ["failed tests: test_1; test_3"]
    assert (outcome["passed"], outcome["score"]) == (False, 0.0)


def test_of_many_failed_tests_the_number_is_told(tmp_path: Path) -> None:
    tests = ctrf(*["failed"] * (MAX_NAMED + 2))
    files = {**FILES, "result.json": rewarded(reward=0.0), "verifier/ctrf.json": tests}

    (evidence,) = card_of(trial(tmp_path, files))["outcome"]["evidence"]

    assert evidence.endswith(" and 2 more")


def test_a_part_of_the_reward_is_no_pass_and_its_parts_are_told(tmp_path: Path) -> None:
    files = {**FILES, "result.json": rewarded(reward=0.75, style=0.5)}

    outcome = card_of(trial(tmp_path, files))["outcome"]

    assert outcome == {"passed": False, "score": 0.75, "by": "harbor", "evidence": ["style: 0.5"]}


def test_rewards_without_a_main_one_are_evaluations_of_their_own(tmp_path: Path) -> None:
    files = {**FILES, "result.json": rewarded(speed=1.0, style=0.5)}

    outcome = card_of(trial(tmp_path, files))["outcome"]

    assert (outcome["passed"], outcome["by"]) == (False, "harbor speed, harbor style")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("verifier/reward.json", '{"reward": 0.5', "damaged JSON"),
        ("verifier/reward.txt", "nearly", "no reward: 'nearly'"),
        ("verifier/reward.txt", "nan", "no reward: nan"),
        ("verifier/ctrf.json", "{", "damaged JSON"),
        ("result.json", '{"id": ', "damaged JSON"),
        ("config.json", "", "damaged JSON"),
        ("agent/trajectory.json", "{}", "no steps"),
    ],
)
def test_a_damaged_file_is_named_and_loses_nothing_else(
    tmp_path: Path, name: str, content: str, told: str
) -> None:
    without_result = {"result.json": None} if name.startswith("verifier/reward") else {}
    folder = trial(tmp_path, {**FILES, **without_result, name: content})
    records = records_of(folder)

    assert any(p.startswith(f"{name}: ") and told in p for p in problems_of(records, folder))
    if name != "agent/trajectory.json":
        assert card_of(folder)["total"]["llm_calls"] == 2


def test_a_trajectory_that_breaks_off_is_read_up_to_there(tmp_path: Path) -> None:
    folder = trial(tmp_path)
    path = folder / "agent" / "trajectory.json"
    path.write_text(path.read_text()[:-120])

    (problem,) = problems_of(records_of(folder), folder)

    assert problem.startswith("agent/trajectory.json: damaged JSON")
    assert card_of(folder)["total"]["llm_calls"] == 1


def test_without_a_trajectory_the_sum_that_the_result_states_is_on_the_card(tmp_path: Path) -> None:
    spent = {**RESULT["agent_result"], "cost_usd": 0.25}
    files = {
        **FILES,
        "agent/trajectory.json": None,
        "result.json": {**RESULT, "agent_result": spent},
    }
    folder = trial(tmp_path, files)

    (problem,) = problems_of(records_of(folder), folder)
    card = card_of(folder)

    assert problem.startswith("agent/trajectory.json: it is not there")
    assert card["total"]["cost_usd"] == 0.25
    assert card["total"]["tokens"]["input"] == 2200
    assert card["total"]["llm_calls"] == 0


def test_where_not_even_a_sum_is_stated_the_cost_is_unknown(tmp_path: Path) -> None:
    told = {**RESULT, "agent_result": None}
    folder = trial(tmp_path, {**FILES, "agent/trajectory.json": None, "result.json": told})

    total = card_of(folder)["total"]

    assert (total["cost_usd"], total["unpriced_calls"]) == (None, 1)


def test_calls_that_state_nothing_leave_the_sum_to_the_result(tmp_path: Path) -> None:
    silent = [step(1, second=43, message="a"), step(2, second=44, message="b")]
    spent = {**RESULT["agent_result"], "cost_usd": 0.25}
    files = {**with_steps(*silent), "result.json": {**RESULT, "agent_result": spent}}

    total = card_of(trial(tmp_path, files))["total"]

    assert (total["cost_usd"], total["llm_calls"]) == (0.25, 2)


def test_the_sum_does_not_count_beside_calls_that_state_theirs(tmp_path: Path) -> None:
    spent = {**RESULT["agent_result"], "cost_usd": 99.0}
    files = {**FILES, "result.json": {**RESULT, "agent_result": spent}}

    assert card_of(trial(tmp_path, files))["total"]["cost_usd"] == pytest.approx(0.000575)


def test_where_the_calls_state_less_than_the_sum_there_were_others(tmp_path: Path) -> None:
    spent = {**RESULT["agent_result"], "n_input_tokens": 2201}
    files = {**FILES, "result.json": {**RESULT, "agent_result": spent}}

    total = card_of(trial(tmp_path, files))["total"]

    assert total["cost_usd"] == pytest.approx(0.000575)
    assert (total["llm_calls"], total["unpriced_calls"]) == (2, 1)
    assert total["tokens"]["input"] == 2200


def test_the_solution_of_a_task_calls_no_model_and_nothing_is_missing(tmp_path: Path) -> None:
    told = {**RESULT, "agent_info": {"name": "oracle", "version": "1.0.0"}, "agent_result": None}
    folder = trial(tmp_path, {**FILES, "agent/trajectory.json": None, "result.json": told})

    assert problems_of(records_of(folder), folder) == []
    assert cards_of(folder) == []


def test_what_ended_a_trial_is_its_error(tmp_path: Path) -> None:
    told = {**RESULT, "exception_info": CRASH, "verifier_result": None}
    files = {**FILES, "result.json": told, "verifier/reward.txt": None}

    card = card_of(trial(tmp_path, files))

    assert card["status"] == "error"
    assert "outcome" not in card


def test_sessions_that_the_agent_left_in_the_trial_do_not_count_again(tmp_path: Path) -> None:
    session = (
        '{"type": "user", "sessionId": "s", "uuid": "u", "timestamp": "2026-11-22T08:07:42Z"}\n'
    )
    left = {"agent/sessions/projects/-app/s.jsonl": session, "agent/steps.json": STEPS}
    folder = trial(tmp_path, {**FILES, **left})

    (group,) = make_plan([folder]).groups

    assert (group.kind, len(group.paths)) == ("harbor", 5)
    assert card_of(folder)["total"]["llm_calls"] == 2


def test_the_steps_of_a_task_follow_each_other_in_one_run(tmp_path: Path) -> None:
    names = ["build", "assess"]
    told = {**RESULT, "step_results": [{"step_name": name} for name in names]}
    files = {
        "config.json": FILES["config.json"],
        "result.json": told,
        "steps/build/agent/trajectory.json": trajectory(*STEPS),
        "steps/assess/agent/trajectory.json": trajectory(
            step(1, second=49, message="Yes.", metrics=metrics(10, 2))
        ),
        "steps/assess/verifier/ctrf.json": ctrf("failed"),
    }
    folder = trial(
        tmp_path,
        {
            **files,
            "result.json": {**told, **rewarded(reward=0.0), "step_results": told["step_results"]},
        },
    )

    card = card_of(folder)

    assert problems_of(records_of(folder), folder) == []
    assert card["total"]["llm_calls"] == 3
    assert card["steps"][-1]["in"] == 10
    assert card["outcome"]["evidence"] == ["failed tests: test_0"]
