"""Jobs of Harbor, which runs SkillsBench and Terminal-Bench: each trial becomes a trace.

The folder of a job, or of a trial, is searched; a file of a trial stands for the trial. All that is
in a trial's folder belongs to it, sessions of Claude Code and others too, which the trajectory is
made of: what is in both counts once. A trajectory that is in no trial's folder is a trace as well,
without an outcome.

Ids follow from the job's id and the trial's name.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from clawtrace_otel.importers.formats.harbor.folders import (
    AGENT,
    TRAJECTORY,
    is_of_job,
    runs_of,
    trial_of,
)
from clawtrace_otel.importers.formats.harbor.lane import Lane
from clawtrace_otel.importers.formats.harbor.trajectory import TrajectoryReader, named_in
from clawtrace_otel.importers.formats.harbor.trial import Trial
from clawtrace_otel.importers.formats.harbor.verdicts import (
    evaluations,
    read_failed,
    read_rewards,
)
from clawtrace_otel.importers.formats.json_lines import opening_members
from clawtrace_otel.importers.formats.json_object import mapping, name_in
from clawtrace_otel.importers.formats.span_maker import SpanMaker, fail
from clawtrace_otel.importers.importer import Head, Importer, Problem, Record, Told, TraceEnd
from clawtrace_otel.importers.registry import read_head
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.canonical import digest, text_of
from clawtrace_otel.span import Span

NAME = "harbor"

_VERSION = "ATIF-v"


def recognises(head: Head) -> bool:
    """Whether a file belongs to a trial or a job, or is a trajectory."""
    return (
        _is_version(opening_members(head.data))
        or is_of_job(head.path, head.data)
        or trial_of(head.path) is not None
    )


def _is_version(head: Mapping[str, object]) -> bool:
    return name_in(head, "schema_version").startswith(_VERSION)


def group(path: Path) -> str:
    """The trial; else the file's folder, as sub-agents' trajectories may be beside one."""
    return str(trial_of(path) or path.parent)


def read(paths: Sequence[Path]) -> Iterator[Record]:
    """The spans and rewards of trials, one after the other.

    Raises:
        OSError: a file cannot be read.
        ModuleNotFoundError: the extra ``importers`` is not installed.
    """
    trials = {path: trial_of(path) for path in paths}
    for folder in dict.fromkeys(folder for folder in trials.values() if folder is not None):
        yield from _trial(folder)
    yield from _alone([path for path, folder in trials.items() if folder is None])


def _trial(folder: Path) -> Iterator[Record]:
    trial = Trial(folder)
    yield from trial.read()
    runs = runs_of(folder, trial.steps)
    session = next((id_ for run in runs if (id_ := _session(run))), trial.name)
    spans = SpanMaker.of_session(NAME, trial.key, trial.agent, session)
    main = Lane(spans, spans.root_id)
    main.begin(trial.time_ns("agent_execution.started_at", "started_at"))
    main.name, main.model = trial.agent, trial.model
    reader = TrajectoryReader(spans, main)
    for run in runs:
        yield from _trajectory(run, reader, is_wanted=trial.calls_models and len(runs) == 1)
    main.now_ns = max(main.now_ns, trial.time_ns("agent_execution.finished_at"))
    main.totals = trial.totals or main.totals
    has_unrecorded = _has_unrecorded(trial, reader, main)
    if has_unrecorded:
        main.totals = {}
    root = fail(main.agent("", unrecorded=has_unrecorded), trial.failure)
    root.name = f"{trial.task} {trial.name}".strip()
    root.attributes = {**root.attributes, **trial.identity}
    yield root
    yield from _verdict(trial, runs, root)
    yield TraceEnd(spans.trace_id)


def _has_unrecorded(trial: Trial, reader: TrajectoryReader, main: Lane) -> bool:
    """Whether it called models beyond the calls that were read, and no sum says how much.

    The sum of a trial counts where no call states its own use; where the calls state less than the
    sum, there were others.
    """
    if not main.totals:
        return trial.calls_models and not reader.calls
    total = main.totals.get(a.GEN_AI_USAGE_INPUT_TOKENS)
    is_less = isinstance(total, int | float) and 0 < reader.input_tokens < total
    return is_less and not reader.has_gaps


def _session(run: Path) -> str:
    """What the agent itself calls its session; empty if that is not known."""
    path = run / AGENT / TRAJECTORY
    return name_in(opening_members(read_head(path).data), "session_id") if path.is_file() else ""


def _trajectory(run: Path, reader: TrajectoryReader, *, is_wanted: bool) -> Iterator[Record]:
    path = run / AGENT / TRAJECTORY
    if path.is_file():
        yield from reader.read(path)
    elif is_wanted:
        yield Problem(path, 0, "it is not there: of the agent's calls nothing is known but a sum")


def _verdict(trial: Trial, runs: Sequence[Path], root: Span) -> Iterator[Record]:
    rewards, failed = trial.rewards, list[str]()
    for run in runs:
        for name in read_failed(run):
            if isinstance(name, Problem):
                yield name
            else:
                failed.append(name)
    if not rewards:
        for reward in read_rewards(trial.folder):
            if isinstance(reward, Problem):
                yield reward
            else:
                rewards[reward[0]] = reward[1]
    for evaluation in evaluations(rewards, failed, root.end_ns):
        yield Told(root.trace_id, evaluation)


def _alone(paths: Sequence[Path]) -> Iterator[Record]:
    """Trajectories of no trial; those that others beside them name are read with these."""
    heads = {path: opening_members(read_head(path).data) for path in paths}
    found = [path for path, head in heads.items() if _is_version(head)]
    named = {other for path in found for other in named_in(path)} if len(found) > 1 else set()
    for path in found:
        if path not in named:
            yield from _trajectory_alone(path, heads[path])


def _trajectory_alone(path: Path, head: Mapping[str, object]) -> Iterator[Record]:
    ids = [name_in(head, key) for key in ("session_id", "trajectory_id")]
    key = "\0".join(ids) if any(ids) else f"{path.name}\0{digest(text_of(head))}"
    agent = name_in(mapping(head.get("agent")), "name") or "agent"
    spans = SpanMaker.of_session("atif", key, agent, ids[0] or path.stem)
    main = Lane(spans, spans.root_id)
    yield from TrajectoryReader(spans, main).read(path)
    yield main.agent("")
    yield TraceEnd(spans.trace_id)


IMPORTER = Importer(NAME, recognises, read, group)
