"""A trajectory in ATIF, the Agent Trajectory Interchange Format, as spans.

A step of the agent is an LLM call and the tool calls that it asked for, with their results. Steps
have one time each, and not all have one: a call lasts from what was before it to its own time, and
a tool call takes 1 ms. What a step quotes of an earlier trajectory is no call.

A result may name the trajectory of a sub-agent, in the same file or in one beside it. Claude Code's
sub-agents stand among the agent's own steps, which say whose they are.

Source: ATIF-v1.0 to v1.8, ``harbor/models/trajectories`` and ``harbor/agents`` of Harbor 0.24 and
0.25; https://harborframework.com/docs/trajectory-format.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clawtrace_otel.importers.formats.harbor.folders import beside
from clawtrace_otel.importers.formats.harbor.json_members import read_members, read_values
from clawtrace_otel.importers.formats.harbor.lane import Lane
from clawtrace_otel.importers.formats.harbor.usage import totals_of
from clawtrace_otel.importers.formats.json_object import JsonObject
from clawtrace_otel.importers.formats.span_maker import SpanMaker
from clawtrace_otel.importers.importer import Problem
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.span import Span

Found = Iterator[Span | Problem]

MAX_DEPTH = 50
"""Of sub-agents of sub-agents."""

_LISTS = frozenset({"steps", "subagent_trajectories"})
_REFERENCES = "subagent_trajectory_ref"
_CONTINUED = "continued_trajectory_ref"
_NAMES = (f"{_REFERENCES}.item.trajectory_path", _CONTINUED)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A sub-agent that a result names.

    Attributes:
        parent: span id of the call that it did.
        at_ns: when that began.
        key: tells it from other sub-agents of the trace.
        depth: 1 for one of the main agent's.
        file: name of the file with its trajectory; empty if none is named.
    """

    parent: str
    at_ns: int
    key: str
    depth: int
    file: str = ""


class TrajectoryReader:
    """Reads the trajectories of one run.

    Args:
        spans: makes the spans of its trace.
        main: the agent that the run is of.

    Attributes:
        calls: how many LLM calls were read.
        input_tokens: that they state, together.
        has_gaps: there was a sub-agent whose trajectory is missing.
    """

    def __init__(self, spans: SpanMaker, main: Lane) -> None:
        self._spans = spans
        self._main = main
        self._seen: set[Path] = set()
        self.calls = 0
        self.input_tokens = 0.0
        self.has_gaps = False

    def read(self, path: Path) -> Found:
        """The spans of a trajectory, of those that continue it, and of all sub-agents.

        Raises:
            OSError: the file cannot be read.
            ModuleNotFoundError: the extra ``importers`` is not installed.
        """
        next_path: Path | None = path
        while next_path is not None and next_path not in self._seen:
            path, document = next_path, _Document(self, next_path, self._main)
            yield from self._file(document)
            if not document.continued_by:
                return
            next_path = beside(path, document.continued_by)
        told = f"what continues it is not beside it, or was read before: {document.continued_by}"
        yield Problem(path, 0, told)

    def _file(self, document: "_Document") -> Found:
        self._seen.add(document.path)
        yield from document.read()
        for name, wanted in document.in_files.items():
            yield from self._sub_agent_file(document.path, name, wanted)

    def _sub_agent_file(self, of: Path, name: str, wanted: _Wanted) -> Found:
        """A sub-agent in a file beside that of its caller."""
        path, lane = beside(of, name), self.sub_agent(wanted)
        is_read = path is not None and path not in self._seen and wanted.depth < MAX_DEPTH
        if path is not None and is_read:
            yield from self._file(_Document(self, path, lane, wanted.depth))
        else:
            yield Problem(of, 0, f"the trajectory of a sub-agent is not beside it: {name}")
        yield self.agent(lane, wanted.parent, is_read=is_read)

    def counted(self, call: Span) -> Span:
        """Count an LLM call; return it."""
        self.calls += 1
        stated = call.attributes.get(a.GEN_AI_USAGE_INPUT_TOKENS)
        self.input_tokens += stated if isinstance(stated, int | float) else 0
        return call

    def agent(self, lane: Lane, parent: str, *, is_read: bool = True) -> Span:
        """The span of a sub-agent."""
        self.has_gaps = self.has_gaps or not is_read
        return lane.agent(parent, unrecorded=not is_read)

    def sub_agent(self, wanted: _Wanted) -> Lane:
        """A lane of its own."""
        return Lane(self._spans, self._spans.id_of(wanted.key), wanted.key, wanted.at_ns)


class _Document:
    """A trajectory, from a file or from within another one.

    Attributes:
        in_files: sub-agents whose trajectories are in other files, by name of the file.
        continued_by: name of the file that goes on where this one ends.
    """

    def __init__(self, reader: TrajectoryReader, path: Path, lane: Lane, depth: int = 0) -> None:
        self._reader = reader
        self._lane = lane
        self._depth = depth
        self._embedded: dict[str, _Wanted] = {}
        self._asides: dict[str, Lane] = {}
        self._steps = 0
        self._problems: list[str] = []
        self.path = path
        self.in_files: dict[str, _Wanted] = {}
        self.continued_by = ""

    def read(self) -> Found:
        """All of the file."""
        for member in read_members(self.path, _LISTS):
            if isinstance(member, Problem):
                yield member
            else:
                yield from self._member(*member)
                yield from self._told()
        yield from self._rest()

    def read_embedded(self, trajectory: JsonObject) -> Found:
        """All of a trajectory that is in memory."""
        for key, value in trajectory.value.items():
            for item in value if key in _LISTS and isinstance(value, list) else [value]:
                yield from self._member(key, item)
                yield from self._told()
        yield from self._rest()

    def _rest(self) -> Found:
        """What remains to be said when all was read."""
        for lane in self._asides.values():
            yield self._reader.agent(lane, self._lane.span_id)
        for id_, wanted in self._embedded.items():
            if wanted.file:
                self.in_files[wanted.file] = wanted
                continue
            self._problems.append(f"the trajectory of a sub-agent is not in the file: {id_}")
            yield self._reader.agent(self._reader.sub_agent(wanted), wanted.parent, is_read=False)
        self._embedded.clear()
        if not self._steps:
            self._problems.append("no steps")
        yield from self._told()

    def _told(self) -> Found:
        """What was wrong since this was asked last, each once."""
        yield from (Problem(self.path, 0, text) for text in dict.fromkeys(self._problems))
        self._problems.clear()

    def _member(self, key: str, value: object) -> Found:
        if key == "steps":
            where = f"$.steps[{self._steps}]"
            self._steps += 1
            yield from self._step(JsonObject.of(value, where, self._problems))
        elif key == "subagent_trajectories":
            yield from self._sub_agent(JsonObject.of(value, f"$.{key}", self._problems))
        elif key == "agent":
            agent = JsonObject.of(value, "$.agent", self._problems)
            self._lane.name = agent.text("name") or self._lane.name
            self._lane.model = agent.text("model_name") or self._lane.model
        elif key == "final_metrics":
            totals = JsonObject.of(value, "$.final_metrics", self._problems)
            self._lane.totals = totals_of(totals)
        elif key == _CONTINUED and isinstance(value, str):
            self.continued_by = value

    def _sub_agent(self, trajectory: JsonObject) -> Found:
        id_ = trajectory.text("trajectory_id")
        wanted = self._embedded.pop(id_, None)
        if wanted is None:
            wanted = self._wanted(self._lane.span_id, self._lane.start_ns, id_)
        lane = self._reader.sub_agent(wanted)
        is_read = wanted.depth < MAX_DEPTH
        if is_read:
            document = _Document(self._reader, self.path, lane, wanted.depth)
            yield from document.read_embedded(trajectory)
            self.in_files |= document.in_files
        else:
            self._problems.append(f"sub-agents of sub-agents, {MAX_DEPTH} deep: {id_}")
        yield self._reader.agent(lane, wanted.parent, is_read=is_read)

    def _step(self, step: JsonObject) -> Found:
        if step.value.get("is_copied_context") is True:
            return
        extra = step.object("extra")
        lane = self._lane_of(extra)
        if step.text("source") == "agent":
            yield from self._agent_step(lane, step)
            return
        lane.pass_time(step.text("timestamp"))
        if extra.object("context_management").text("type") == "compaction":
            lane.told_to_forget()
        for result in step.object("observation").objects("results"):
            self._want(result, lane.span_id, lane.now_ns)

    def _agent_step(self, lane: Lane, step: JsonObject) -> Found:
        if step.number("llm_call_count") == 0:
            lane.pass_time(step.text("timestamp"))
        else:
            yield self._reader.counted(lane.call(step))
        for span, result in lane.tools(step):
            yield span
            self._want(result, span.span_id, span.start_ns)

    def _lane_of(self, extra: JsonObject) -> Lane:
        """The agent itself, or the sub-agent that wrote a step among the agent's."""
        if extra.value.get("is_sidechain") is not True:
            return self._lane
        id_ = extra.text("agent_id")
        if id_ not in self._asides:
            wanted = self._wanted(self._lane.span_id, self._lane.now_ns, f"aside {id_}")
            self._asides[id_] = lane = self._reader.sub_agent(wanted)
            lane.name, lane.model = f"{self._lane.name} sub-agent", self._lane.model
        return self._asides[id_]

    def _want(self, result: JsonObject, parent: str, at_ns: int) -> None:
        for reference in result.objects(_REFERENCES):
            id_, name = reference.text("trajectory_id"), reference.text("trajectory_path")
            if id_:
                self._embedded[id_] = self._wanted(parent, at_ns, id_, name)
            elif name:
                self.in_files[name] = self._wanted(parent, at_ns, name)

    def _wanted(self, parent: str, at_ns: int, id_: str, file: str = "") -> _Wanted:
        return _Wanted(parent, at_ns, f"{parent} {id_}", self._depth + 1, file)


def named_in(path: Path) -> Iterator[Path]:
    """The files that a trajectory names: of sub-agents, and the one that continues it.

    Raises:
        OSError: the file cannot be read.
        ModuleNotFoundError: the extra ``importers`` is not installed.
    """
    for value in read_values(path):
        if isinstance(value, Problem):
            return  # and told when the file is read
        place, name = value
        if place.endswith(_NAMES) and isinstance(name, str):
            yield path.parent / name
