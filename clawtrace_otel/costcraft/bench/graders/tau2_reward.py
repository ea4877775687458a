"""The reward in a results file of tau2 that the agent wrote."""

import math
from statistics import fmean

import msgspec

from clawtrace_otel.costcraft.bench.graders.verdict import Verdict

TOLERANCE = 1e-6
"""Within which tau2 itself takes a reward for 1. Source: ``tau2.metrics.agent_metrics``."""


class _Reward(msgspec.Struct, frozen=True):
    reward: float | None = None


class _Simulation(msgspec.Struct, frozen=True):
    task_id: str | int = ""
    reward_info: _Reward | None = None


class _Results(msgspec.Struct, frozen=True):
    simulations: list[_Simulation]


def read_reward(data: bytes, name: str) -> Verdict:
    """The mean reward of all simulations; the run passed if each has the reward 1.

    Args:
        data: the file.
        name: of it, for people.
    """
    try:
        simulations = msgspec.json.decode(data, type=_Results, strict=False).simulations
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        return Verdict(passed=False, why=f"{name} is no results file of tau2: {e}")
    rewards = [found.reward_info.reward for found in simulations if found.reward_info]
    known = [reward for reward in rewards if reward is not None and math.isfinite(reward)]
    if not known or len(known) < len(simulations):
        return Verdict(passed=False, why=f"{name} has a simulation without a reward")
    return Verdict(all(abs(reward - 1) <= TOLERANCE for reward in known), fmean(known))
