"""Many runs: which of their steps are to be deleted, and what is known already."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from clawtrace_otel.costcraft.replay.choose import Choose
from clawtrace_otel.costcraft.replay.execute import Work
from clawtrace_otel.costcraft.replay.interface import Environment
from clawtrace_otel.costcraft.replay.record import Deletion, ReplayedRun, Replays
from clawtrace_otel.costcraft.replay.workers import replay_all
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.importers.importer import Problem

MakeEnvironment = Callable[[], Environment]


@dataclass
class Batch:
    """What is to be done.

    Attributes:
        work: runs with steps to delete.
        problems: runs and steps that cannot be executed.
    """

    work: list[Work] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def replay_runs(
    make: MakeEnvironment, runs: Sequence[Run], choose: Choose, jobs: int = 1
) -> Replays:
    """Execute deletions of recorded runs.

    Args:
        make: makes the environment; it can be pickled.
        runs: of that environment.
        choose: tells which steps of a run to delete.
        jobs: processes.

    Raises:
        CostCraftError: the environment is not installed, or a process died.
    """
    found = Replays()
    for done in replay_all(make, plan(make(), runs, choose).work, jobs):
        found.runs += done.runs
        found.deletions += done.deletions
    return found


def plan(
    environment: Environment, runs: Sequence[Run], choose: Choose, known: Replays | None = None
) -> Batch:
    """Look at runs and leave out what is known of them.

    Args:
        environment: of the runs.
        runs: those that were recorded.
        choose: tells which steps of a run to delete.
        known: what was replayed before, by the same environment or another version of it.
    """
    batch = Batch()
    before = _Known(known or Replays(), environment.version())
    wanted = {run.trace_id: sorted(_tool_steps(run, choose(run))) for run in runs}
    chosen = [run for run in runs if wanted[run.trace_id]]
    for episode in environment.episodes(chosen):
        if isinstance(episode, Problem):
            batch.problems.append(str(episode))
            continue
        calls = {call.n for call in episode.calls}
        numbers = wanted[episode.trace_id]
        steps = tuple(n for n in numbers if n in calls)
        batch.problems += [
            f"trace {episode.trace_id}: step {n} has no recorded result, nothing to execute"
            for n in numbers
            if n not in calls
        ]
        work = Work(episode, steps, before.deletions(episode.trace_id))
        if steps and not before.is_done(work):
            batch.work.append(work)
    return batch


def _tool_steps(run: Run, numbers: Iterable[int]) -> list[int]:
    return [n for n in numbers if "tool" in run.by_number.get(n, {})]


class _Known:
    """What was replayed before by the same version of an environment."""

    def __init__(self, replays: Replays, version: str) -> None:
        same = (run for run in replays.runs if run.environment == version)
        self._runs: dict[str, ReplayedRun] = {run.trace_id: run for run in same}
        self._deletions: dict[str, list[Deletion]] = {}
        for deletion in replays.deletions:
            if deletion.trace_id in self._runs:
                self._deletions.setdefault(deletion.trace_id, []).append(deletion)

    def deletions(self, trace_id: str) -> tuple[Deletion, ...]:
        return tuple(self._deletions.get(trace_id, ()))

    def is_done(self, work: Work) -> bool:
        run = self._runs.get(work.episode.trace_id)
        if run is None or not run.reproduced:
            return run is not None
        known = {deletion.steps: deletion for deletion in work.known}
        if any((n,) not in known for n in work.steps):
            return False
        together = tuple(n for n in work.steps if known[n,].unchanged)
        return len(together) < 2 or together in known
