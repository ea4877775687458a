"""Files of tau2-bench as episodes: the calls of both sides, the task, the oracle's verdict.

The trace ids and the order of the steps are those of the importer of these files.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from clawtrace_otel.costcraft.replay.interface import (
    Answer,
    Episode,
    RecordedCall,
    Requestor,
)
from clawtrace_otel.costcraft.replay.tau2.oracle import ACTIONS, ASSERTIONS, DB
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.ids import TRACE_BYTES, derived_id
from clawtrace_otel.importers.formats.json_items import read_json_items
from clawtrace_otel.importers.formats.json_object import JsonObject
from clawtrace_otel.importers.formats.tau.recorded_run import short
from clawtrace_otel.importers.formats.tau.tau2 import NAME, messages_of, read_about, run_key
from clawtrace_otel.importers.importer import Problem

StepNumbers = Mapping[str, Sequence[int]]
"""Trace id -> the numbers of its tool steps on the card, in their order."""

FindTask = Callable[[str, str], Mapping[str, object] | None]
"""The task of a domain and an id, where a file does not have it."""


def episodes_in(path: Path, numbers: StepNumbers, find: FindTask) -> Iterator[Episode | Problem]:
    """The simulations of a file that ``numbers`` knows.

    Raises:
        OSError: the file cannot be read.
    """
    about = read_about(path)
    tasks = dict(_tasks(path))
    for item in read_json_items(path, "simulations.item"):
        if isinstance(item, Problem):
            yield item
            continue
        simulation = JsonObject.of(item[1], f"$.simulations[{item[0]}]", [])
        trace_id = derived_id(TRACE_BYTES, NAME, run_key(simulation))
        if trace_id not in numbers:
            continue
        task_id = simulation.text("task_id")
        try:
            task = tasks.get(task_id) or find(about.domain, task_id)
            yield _episode(simulation, (trace_id, about.domain), task, numbers[trace_id])
        except CostCraftError as e:
            yield Problem(path, 0, f"{simulation.where}: {e}")


def _tasks(path: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    for item in read_json_items(path, "tasks.item"):
        if not isinstance(item, Problem):
            task = JsonObject.of(item[1], "", [])
            yield task.text("id"), task.value


def _episode(
    simulation: JsonObject,
    names: tuple[str, str],
    task: Mapping[str, object] | None,
    numbers: Sequence[int],
) -> Episode:
    trace_id, domain = names
    task_id = simulation.text("task_id")
    if task is None:
        msg = f"task {task_id!r} is neither in the file nor among those of {domain}"
        raise CostCraftError(msg)
    info = simulation.object("reward_info")
    return Episode(
        trace_id=trace_id,
        world=domain,
        task=f"{domain} task {short(task_id)}".strip(),
        calls=_Calls(numbers).read(simulation),
        start={
            "initial_state": task.get("initial_state"),
            "evaluation_criteria": criteria_of(info) or task.get("evaluation_criteria"),
        },
        verdict=recorded_verdict(info),
    )


@dataclass(slots=True)
class _Calls:
    """Puts calls and results together, as the importer does."""

    numbers: Sequence[int]
    waiting: dict[tuple[str, str], deque[JsonObject]] = field(default_factory=dict)
    answered: list[RecordedCall] = field(default_factory=list)

    def read(self, simulation: JsonObject) -> tuple[RecordedCall, ...]:
        """The calls that have a result.

        Raises:
            CostCraftError: the steps of the card are others.
        """
        place = count()
        for message in messages_of(simulation):
            if message.text("role") == "tool":
                self._answer(message, place)
                continue
            for call in message.objects("tool_calls"):
                key = (_requestor(call, message.text("role")), call.text("id"))
                self.waiting.setdefault(key, deque()).append(call)
        unanswered = sum(len(calls) for key, calls in self.waiting.items() if key[0] != "user")
        steps = next(place) + unanswered
        if steps != len(self.numbers):
            msg = f"{steps} tool calls, but {len(self.numbers)} tool steps on the card"
            raise CostCraftError(msg)
        return tuple(self.answered)

    def _answer(self, message: JsonObject, place: "count[int]") -> None:
        requestor = _requestor(message, "assistant")
        waiting = self.waiting.get((requestor, message.text("id")))
        if not waiting:
            return
        call = waiting.popleft()
        n = next(place) if requestor != "user" else None
        answer = Answer(message.text("content"), message.value.get("error") is True)
        self.answered.append(
            RecordedCall(
                n=self.numbers[n] if n is not None and n < len(self.numbers) else None,
                tool=call.text("name"),
                arguments=call.object("arguments").value,
                answer=answer,
                requestor=requestor,
            )
        )


def _requestor(value: JsonObject, default: str) -> Requestor:
    said = value.text("requestor") or default
    return "user" if said == "user" else "assistant"


def recorded_verdict(info: JsonObject) -> dict[str, bool]:
    """The parts of the oracle's verdict that a file has, even if the reward is not made of them."""
    parts: dict[str, list[object]] = {
        DB: [info.object("db_check").value.get("db_match")],
        ASSERTIONS: [check.value.get("met") for check in info.objects("env_assertions")],
        ACTIONS: [check.value.get("action_match") for check in info.objects("action_checks")],
    }
    return {
        part: all(checks)
        for part, checks in parts.items()
        if checks and all(isinstance(check, bool) for check in checks)
    }


def criteria_of(info: JsonObject) -> dict[str, object] | None:
    """What the oracle looked at, as it wrote down: a file may hold other tasks of the same ids.

    ``None`` if it did not look, as at a run that broke off.
    """
    if not info.object("db_check").value:
        return None
    return {
        "actions": [check.value.get("action") for check in info.objects("action_checks")],
        "env_assertions": [
            check.value.get("env_assertion") for check in info.objects("env_assertions")
        ],
        "reward_basis": info.value.get("reward_basis") or [DB],
    }
