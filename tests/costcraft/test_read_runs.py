"""Runs from cards and from what was recorded; what cannot be used is told."""

import json
from pathlib import Path

import pytest

from clawtrace_otel.costcraft.read_runs import read_runs
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.tracecard.write import dump_card
from tests.costcraft.runs import RunBuilder


def tau2(*, is_graded: bool = True) -> str:
    """A results file of tau2 with one simulation."""
    llm = [{"prompt_tokens": tokens, "completion_tokens": 10} for tokens in (100, 120)]
    call = {"id": "c1", "name": "get_bag", "arguments": {"id": "B1"}}
    simulation = {
        "id": "s1",
        "task_id": "7",
        "trial": 0,
        "reward_info": {"reward": 1.0} if is_graded else None,
        "messages": [
            {"role": "user", "content": "Where is my bag?"},
            {"role": "assistant", "tool_calls": [call], "usage": llm[0]},
            {"role": "tool", "id": "c1", "content": "in Oslo"},
            {"role": "assistant", "content": "It is in Oslo.", "usage": llm[1]},
        ],
    }
    info = {
        "user_info": {},
        "agent_info": {"llm": "gpt-4.1"},
        "environment_info": {"domain_name": "airline"},
    }
    return json.dumps({"info": info, "simulations": [simulation]})


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "runs.json"
    path.write_text(tau2())
    return path


def folder_of(tmp_path: Path, *cards: str) -> Path:
    folder = tmp_path / "cards"
    folder.mkdir()
    for n, card in enumerate(cards):
        (folder / f"{n}.yaml").write_text(card)
    return folder


def card_text(name: str = "run 1", **told: object) -> str:
    builder = RunBuilder(name, passed=True)
    builder.turn("read_file", {"path": "x"})
    return dump_card({**builder.card().card, **told})  # type: ignore[typeddict-item]


def test_a_recorded_run_has_all_steps_and_what_was_said_in_them(recorded: Path) -> None:
    (run,) = read_runs([], [recorded]).runs
    assert (run.task, run.passed, run.is_recorded) == ("airline task 7", True, True)
    assert [step["n"] for step in run.steps] == [1, 2, 3]
    assert run.texts(2)[:2] == ('{"id":"B1"}', "in Oslo")
    assert run.texts(3).said == "It is in Oslo."


def test_a_card_alone_has_the_sample_of_its_arguments_and_no_texts(tmp_path: Path) -> None:
    (run,) = read_runs([folder_of(tmp_path, card_text())]).runs
    assert not run.is_recorded
    assert (run.args(2), run.texts(2).result) == ('{"path":"x"}', "")


def test_a_card_lends_its_outcome_to_the_run_that_was_recorded(
    recorded: Path, tmp_path: Path
) -> None:
    (run,) = read_runs([], [recorded]).runs
    told = {**run.card, "outcome": {"passed": False, "by": "me", "evidence": ["no"]}}
    recorded.write_text(tau2(is_graded=False))
    folder = folder_of(tmp_path, dump_card(told))  # type: ignore[arg-type]
    (joined,) = read_runs([folder], [recorded]).runs
    assert (joined.passed, joined.evidence, joined.is_recorded) == (False, ["no"], True)


def test_outcomes_that_contradict_each_other_are_taken_for_unknown_and_told(
    recorded: Path, tmp_path: Path
) -> None:
    (run,) = read_runs([], [recorded]).runs
    failed = {**run.card, "outcome": {"passed": False, "by": "me", "evidence": []}}
    found = read_runs([folder_of(tmp_path, dump_card(failed))], [recorded])  # type: ignore[arg-type]
    assert found.runs[0].passed is None
    assert "is said to have passed and to have failed" in found.problems[0]


def test_a_score_that_contradicts_its_verdict_makes_the_outcome_unknown(tmp_path: Path) -> None:
    text = card_text(outcome={"passed": True, "score": 0.0, "by": "me", "evidence": []})
    found = read_runs([folder_of(tmp_path, text)])
    assert found.runs[0].passed is None
    assert len(found.problems) == 1


def test_cards_of_other_versions_and_files_that_are_none_are_named_and_lose_nothing(
    tmp_path: Path,
) -> None:
    folder = folder_of(tmp_path, card_text(), card_text("run 2", tracecard=2), "no: card\n", "[")
    found = read_runs([folder])
    assert len(found.runs) == 1
    assert [problem.split(":")[0] for problem in found.problems] == ["left out"] * 3
    assert all(f"{folder}/{n}.yaml" in found.problems[n - 1] for n in (1, 2, 3))


def test_a_further_part_of_a_trace_is_left_out_and_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, card_text(), card_text())
    found = read_runs([folder])
    assert len(found.runs) == 1
    assert found.problems == [f"left out: {folder}/1.yaml: {folder}/0.yaml is of the same trace"]


def test_no_run_at_all_is_an_error_that_says_why(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "no: card\n")
    with pytest.raises(CostCraftError, match=r"no run was found in .*cards: left out: .*0\.yaml"):
        read_runs([folder])
