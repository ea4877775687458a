"""What is known of a trial besides its trajectory: ``result.json``, or ``config.json`` at least."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clawtrace_otel.importers.formats.harbor.folders import CONFIG, RESULT
from clawtrace_otel.importers.formats.harbor.json_members import read_values
from clawtrace_otel.importers.formats.harbor.verdicts import Rewards, rewards_in
from clawtrace_otel.importers.formats.span_maker import Failure
from clawtrace_otel.importers.importer import Problem
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.times import iso_ns

_STEP_NAME = "step_results.item.step_name"
_REWARDS = "verifier_result.rewards."
_NOT_OURS = ".rollout_details."
"""Token ids of all calls; there may be millions."""


@dataclass(slots=True)
class Trial:
    """A trial.

    Attributes:
        folder: of it.
        told: place -> value of what its files say outside of lists. What ``config.json`` says
            stands under ``config.``, as it does in ``result.json``.
        steps: names of the steps of a task that has several.
    """

    folder: Path
    told: dict[str, object] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)

    def read(self) -> Iterator[Problem]:
        """Read its files, and name what is missing or damaged.

        Raises:
            OSError: a file cannot be read.
            ModuleNotFoundError: the extra ``importers`` is not installed.
        """
        for name, prefix in ((CONFIG, "config."), (RESULT, "")):
            path = self.folder / name
            if not path.is_file():
                yield Problem(path, 0, _MISSING[name])
                continue
            for value in read_values(path):
                if isinstance(value, Problem):
                    yield value
                else:
                    self._keep(prefix + value[0], value[1])

    def _keep(self, place: str, value: object) -> None:
        if place == _STEP_NAME:
            self.steps.append(str(value))
        elif _NOT_OURS not in place and ".item" not in place:
            self.told[place] = value

    def text(self, *places: str) -> str:
        """The first text that stands at one of the places; empty if there is none."""
        found = (self.told.get(place) for place in places)
        return next((value for value in found if isinstance(value, str) and value), "")

    @property
    def name(self) -> str:
        """Of the trial, which is that of its folder."""
        return self.text("trial_name", "config.trial_name") or self.folder.name

    @property
    def key(self) -> str:
        """What tells it from all others: it is known from the start, and when it has ended."""
        return f"{self.text('config.job_id')}\0{self.name}"

    @property
    def task(self) -> str:
        """Name of the task."""
        path = self.text("config.task.path", "task_id.path").rstrip("/\\").replace("\\", "/")
        return self.text("task_name", "config.task.name") or path.rpartition("/")[2]

    @property
    def agent(self) -> str:
        """Its name."""
        return self.text("agent_info.name", "config.agent.name") or "agent"

    @property
    def model(self) -> str:
        """That the agent was told to use, with its provider; empty if it was told none."""
        return self.text("config.agent.model_name", "agent_info.model_info.name")

    @property
    def identity(self) -> dict[str, object]:
        """The attributes that say which task it attempted, and which run it is."""
        return {a.CLAWTRACE_TASK_ID: self.task, a.CLAWTRACE_RUN_ID: self.name}

    @property
    def calls_models(self) -> bool:
        """Whether its agent is one that does."""
        return self.agent not in _WITHOUT_MODEL

    @property
    def totals(self) -> dict[str, object]:
        """The attributes of what all its calls used together; empty if that is not known."""
        found = {key: self.told.get(f"agent_result.{name}") for key, name in _TOTALS.items()}
        return {key: value for key, value in found.items() if value is not None}

    @property
    def rewards(self) -> Rewards:
        """By name; empty if there are none."""
        return rewards_in(self.told, _REWARDS)

    @property
    def failure(self) -> Failure | None:
        """What ended it; ``None`` if nothing did but its end."""
        kind = self.text("exception_info.exception_type")
        return Failure(kind, self.text("exception_info.exception_message")) if kind else None

    def time_ns(self, *places: str) -> int:
        """The first time that is known; 0 if none is."""
        return iso_ns(self.text(*places)) or 0


_WITHOUT_MODEL = frozenset({"oracle", "nop"})
"""Agents of Harbor that run the task's own solution, and nothing."""

_TOTALS = {
    a.GEN_AI_USAGE_INPUT_TOKENS: "n_input_tokens",
    a.GEN_AI_USAGE_OUTPUT_TOKENS: "n_output_tokens",
    a.GEN_AI_USAGE_CACHE_READ: "n_cache_tokens",
    a.GEN_AI_USAGE_COST_AMOUNT: "cost_usd",
}

_MISSING = {
    CONFIG: "it is not there: who ran what is taken from the result",
    RESULT: "it is not there: the trial has not ended, or was killed",
}
