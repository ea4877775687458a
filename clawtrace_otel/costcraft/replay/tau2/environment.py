"""Plays the runs of tau2-bench."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from clawtrace_otel.costcraft.replay.interface import Answer, Episode, Played, RecordedCall
from clawtrace_otel.costcraft.replay.tau2 import oracle
from clawtrace_otel.costcraft.replay.tau2.domain import DOMAINS, Domain, State, no_collection
from clawtrace_otel.costcraft.replay.tau2.files import episodes_in
from clawtrace_otel.costcraft.replay.tau2.package import (
    Criteria,
    ToolCall,
    World,
    installed,
    make,
)
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.importers.formats.tau.tau2 import NAME
from clawtrace_otel.importers.importer import Problem
from clawtrace_otel.importers.registry import importer, read_head
from clawtrace_otel.semconv.canonical import loads, text_of

_TASKS = "data_model.tasks"


class Tau2:
    """See :class:`clawtrace_otel.costcraft.replay.interface.Environment`.

    Raises:
        CostCraftError: the package is not installed.
    """

    name = NAME

    def __init__(self) -> None:
        self._version = installed()
        self._domains: dict[str, Domain] = {}
        self._expected: dict[tuple[str, str], State] = {}

    def version(self) -> str:
        """See the interface."""
        return self._version

    def episodes(self, runs: Sequence[Run]) -> Iterator[Episode | Problem]:
        """See the interface."""
        by_file: dict[str, dict[str, list[int]]] = {}
        for run in runs:
            numbers = [step["n"] for step in run.steps if "tool" in step]
            by_file.setdefault(run.where, {})[run.trace_id] = numbers
        for where, known in by_file.items():
            if importer(NAME).recognises(read_head(Path(where))):
                yield from episodes_in(Path(where), known, self._task)
            else:
                yield Problem(Path(where), 0, "no simulations of tau2-bench")

    def play(self, episode: Episode, without: Collection[int] = ()) -> Played:
        """See the interface."""
        domain = self._domain(episode.world)
        criteria = _criteria(episode)
        expected = self._expected_state(episode, domain, criteria)
        with no_collection(), domain.same_ids():
            world = _begin(domain, episode)
            calls = [None if call.n in without else _tool_call(call) for call in episode.calls]
            answers = tuple(None if call is None else _execute(world, call) for call in calls)
            seen = domain.look(world)
            if criteria is None:
                return Played(answers, seen.hashes)
            executed = [call for call in calls if call is not None]
            verdict = oracle.judge(criteria, world, seen.hashes == expected, executed)
            if not criteria.env_assertions:  # which may change it
                domain.give_back(world, seen)
        return Played(answers, seen.hashes, verdict, oracle.unevaluated(criteria))

    def agrees(self, call: RecordedCall, answer: Answer) -> bool:
        """See the interface; as tau2 itself compares them."""
        recorded, got = call.answer.text, answer.text
        return recorded == got or loads(recorded) == loads(got)

    def _domain(self, name: str) -> Domain:
        if name not in DOMAINS:
            msg = f"no environment for the domain {name!r}; there are {', '.join(DOMAINS)}"
            raise CostCraftError(msg)
        if name not in self._domains:
            self._domains[name] = Domain(name)
        return self._domains[name]

    def _task(self, domain: str, task_id: str) -> Mapping[str, object] | None:
        return self._domain(domain).tasks.get(task_id)

    def _expected_state(
        self, episode: Episode, domain: Domain, criteria: Criteria | None
    ) -> State | None:
        if criteria is None or oracle.DB not in oracle.basis(criteria):
            return None
        key = (episode.world, text_of(dict(episode.start)))
        if key not in self._expected:
            with no_collection(), domain.same_ids():
                world = _begin(domain, episode, with_history=True)
                oracle.act_as_expected(criteria, world)
                seen = domain.look(world)
                self._expected[key] = seen.hashes
                domain.give_back(world, seen)
        return self._expected[key]


def _begin(domain: Domain, episode: Episode, *, with_history: bool = False) -> World:
    """The state at the beginning; the messages of a run contain the history of its task."""
    world = domain.world()
    given = episode.start.get("initial_state")
    if given is None:
        return world
    start = make(_TASKS, "InitialState", given)
    try:
        world.set_state(
            getattr(start, "initialization_data", None),
            getattr(start, "initialization_actions", None),
            (getattr(start, "message_history", None) or []) if with_history else [],
        )
    except Exception as e:
        msg = f"the start of {episode.task or episode.trace_id} cannot be rebuilt: {e}"
        raise CostCraftError(msg) from e
    return world


def _criteria(episode: Episode) -> Criteria | None:
    given = episode.start.get("evaluation_criteria")
    return None if given is None else cast("Criteria", make(_TASKS, "EvaluationCriteria", given))


def _tool_call(call: RecordedCall) -> ToolCall:
    said = {"name": call.tool, "arguments": dict(call.arguments), "requestor": call.requestor}
    return cast("ToolCall", make("data_model.message", "ToolCall", said))


def _execute(world: World, call: ToolCall) -> Answer:
    if call.name == "calculate" and "**" in str(call.arguments):
        return Answer("not executed: a power of powers could take for ever", failed=True)
    response = world.get_response(call)
    return Answer(response.content or "", response.error)
