"""What others recorded with tau2: every call gives the recorded result, and the oracle agrees."""

from functools import cache
from pathlib import Path

import pytest

from clawtrace_otel.costcraft.replay.batch import replay_runs
from clawtrace_otel.costcraft.replay.choose import every_call, repeats
from clawtrace_otel.costcraft.replay.record import Deletion, Replays
from clawtrace_otel.costcraft.replay.tau2.environment import Tau2
from tests.corpora.folder import CORPORA, reads_corpora
from tests.costcraft.replay.recorded import episodes, needs_tau2, runs_in

pytestmark = [*reads_corpora, needs_tau2]

TAU2 = CORPORA / "tau2"

CALLS = {
    "claude-sonnet-4-5_airline_1trial": (50, 371),
    "ft-gpt-4.1_telecom_1trial": (40, 1_076),
    "gpt-4.1_airline_1trial": (20, 148),
    "gpt-4.1_telecom_1trial": (40, 689),
    "gpt-5.4_airline_ironshell_run1": (50, 432),
    "mixed_deepseek-chat+claude-opus-4-6_airline_cascade_with_cached_tokens": (49, 428),
    "toolorchestra_airline_gpt-5_1trial": (50, 581),
}
"""File -> runs with tool calls, and calls, those of the simulated user included."""


@cache
def tau2() -> Tau2:
    return Tau2()


def path_of(name: str) -> Path:
    return TAU2 / f"{name}.json"


@cache
def without_repeats() -> Replays:
    runs = runs_in(path_of("ft-gpt-4.1_telecom_1trial"))
    return replay_runs(tau2, runs, repeats)


def alone(replays: Replays) -> list[Deletion]:
    return [deletion for deletion in replays.deletions if len(deletion.steps) == 1]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CALLS))
def test_every_recorded_call_and_verdict_is_had_again(name: str) -> None:
    calls = same = 0
    found = episodes(tau2(), path_of(name))
    for episode in found:
        played = tau2().play(episode)
        calls += len(episode.calls)
        same += sum(
            got is not None and tau2().agrees(call, got)
            for call, got in zip(episode.calls, played.answers, strict=True)
        )
        recorded = {part: episode.verdict.get(part, met) for part, met in played.verdict.items()}
        assert played.verdict == recorded, episode.task
    assert (len(found), calls) == CALLS[name]
    assert same == calls


def test_each_of_411_repeats_with_the_same_result_can_be_left_out() -> None:
    found = alone(without_repeats())
    assert len(found) == 411
    assert [deletion.where for deletion in found if not deletion.unchanged] == []


def test_so_can_all_repeats_of_a_run_together() -> None:
    together = [deletion for deletion in without_repeats().deletions if len(deletion.steps) > 1]
    assert sum(len(deletion.steps) for deletion in together) == 406
    assert all(deletion.unchanged for deletion in together)


def test_of_other_calls_those_that_change_state_are_missed() -> None:
    runs = runs_in(path_of("gpt-4.1_telecom_1trial"))
    found = alone(replay_runs(tau2, runs, every_call))
    changed = [deletion for deletion in found if not deletion.unchanged]
    assert (len(found), len(changed)) == (207, 40)
    expected = "verdict ACTION: was True, is False"
    in_state = {d.tools[0] for d in changed if d.where != expected}
    assert in_state == {"enable_roaming", "refuel_data", "resume_line", "send_payment_request"}
