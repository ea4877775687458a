"""``clawtrace costcraft replay``: from files to a file. What was executed is kept."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from clawtrace_otel.costcraft.patch_file import read_patches
from clawtrace_otel.costcraft.read_runs import read_runs
from clawtrace_otel.costcraft.replay.batch import Batch, MakeEnvironment, plan
from clawtrace_otel.costcraft.replay.choose import CHOICES, Choose, pruned
from clawtrace_otel.costcraft.replay.record import (
    Deletion,
    ReplayedRun,
    Replays,
    load_replays,
    save_replays,
)
from clawtrace_otel.costcraft.replay.registry import found_for, maker
from clawtrace_otel.costcraft.replay.workers import replay_all
from clawtrace_otel.costcraft.reprice import reprice
from clawtrace_otel.costcraft.reprice import together as sum_of
from clawtrace_otel.costcraft.run import Interval, Run
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.settings import Settings

Tell = Callable[[int, int], None]
"""Is told how many runs of how many were executed."""

_SAVE_SECONDS = 5.0


class Asked(Struct, frozen=True, kw_only=True):
    """What the command was asked for; see its options."""

    runs: tuple[Path, ...]
    patches: Path | None = None
    deletions: str | None = None
    environment: str = "auto"
    start: str = ""
    output: Path = Path("replay.yaml")
    force: bool = False
    jobs: int = 1


class Row(Struct, frozen=True):
    """Steps that were left out of a run.

    Attributes:
        trace_id: of the run's card.
        steps: their numbers.
        does: the tool, or what else it is, of a single step.
        saves_usd: what the run would have cost less; ``None`` if that is unknown.
        unchanged: what an execution without them showed; ``None`` if there was none.
        where: what is not the same, or why it was not executed.
    """

    trace_id: str
    steps: tuple[int, ...]
    does: str
    saves_usd: Interval | None
    unchanged: bool | None = None
    where: str = ""


class Done(Struct):
    """What came of it.

    Attributes:
        environment: that the runs were executed in; empty if they were only priced.
        rows: steps alone and together, run by run.
        runs: that were executed.
        problems: what could not be used.
    """

    environment: str
    rows: list[Row]
    runs: list[ReplayedRun]
    problems: list[str]


def replay_files(asked: Asked, settings: Settings, tell: Tell) -> Done:
    """Price runs again without some steps; execute them without these, and write that down.

    Raises:
        CostCraftError: a file cannot be used, an environment is missing, or nothing is to be done.
        ClawTraceError: a setting or a price file is wrong.
    """
    choose = _choice(asked)
    found = read_runs((), asked.runs, settings)
    chosen = {run.trace_id: sorted(choose(run)) for run in found.runs}
    if asked.patches and not any(chosen.values()):
        msg = f"{asked.patches} prunes no step of these {len(found.runs):,} runs"
        raise CostCraftError(msg)
    environment = _environment(asked, found.runs)
    replays, problems = Replays(), [*found.problems, *_unknown(found.runs, chosen)]
    if environment:
        replays = _known(asked)
        make = maker(environment, asked.start)
        problems += _execute(asked, plan(make(), found.runs, choose, replays), replays, tell, make)
    rows = [
        row
        for run in found.runs
        for row in _rows(run, chosen[run.trace_id], replays if environment else None)
    ]
    runs = [run for run in replays.runs if run.trace_id in chosen]
    return Done(environment, rows, runs, problems)


def _choice(asked: Asked) -> Choose:
    if asked.patches is not None:
        return pruned(read_patches(asked.patches).patches)
    return CHOICES[asked.deletions or "repeats"]


def _environment(asked: Asked, runs: Sequence[Run]) -> str:
    if asked.environment == "auto":
        return "folder" if asked.start else found_for(runs)
    return "" if asked.environment == "none" else asked.environment


def _unknown(runs: Sequence[Run], chosen: Mapping[str, Collection[int]]) -> Iterator[str]:
    for run in runs:
        for n in chosen[run.trace_id]:
            if n not in run.by_number:
                yield f"{run.where}: trace {run.trace_id} has no step {n}"


def _known(asked: Asked) -> Replays:
    if asked.force or not asked.output.exists():
        return Replays()
    return load_replays(asked.output)


def _execute(
    asked: Asked, batch: Batch, replays: Replays, tell: Tell, make: MakeEnvironment
) -> list[str]:
    """Add to ``replays`` what is not there, and write it; the problems are returned."""
    saved = time.monotonic()
    try:
        done = replay_all(make, batch.work, min(asked.jobs, len(batch.work)))
        for count, result in enumerate(done, 1):
            replays.add(result)
            tell(count, len(batch.work))
            if time.monotonic() > saved + _SAVE_SECONDS:
                save_replays(replays, asked.output)
                saved = time.monotonic()
    finally:
        save_replays(replays, asked.output)
    return batch.problems


def _rows(run: Run, steps: Sequence[int], executed: Replays | None) -> Iterator[Row]:
    """Each step alone, and together those that were executed and changed nothing.

    Without an environment all together: costs of steps do not add up.
    """
    replays = executed or Replays()
    known = [step for step in steps if step in run.by_number]
    deletions = {d.steps: d for d in replays.deletions if d.trace_id == run.trace_id}
    why = next((r.why for r in replays.runs if r.trace_id == run.trace_id), "")
    harmless = tuple(n for n in known if (n,) in deletions and deletions[n,].unchanged)
    together = tuple(known) if executed is None else harmless
    for chosen in [*((n,) for n in known), *((together,) if len(together) > 1 else ())]:
        found = deletions.get(chosen)
        saves = reprice(run, chosen)
        yield Row(
            trace_id=run.trace_id,
            steps=chosen,
            does=_does(run, chosen),
            saves_usd=sum_of(saves.values()) if saves else None,
            unchanged=found.unchanged if found else None,
            where=_where(found, why),
        )


def saved(rows: Sequence[Row], *, executed: bool) -> Interval | None:
    """What all runs would have cost less; ``None`` if that is unknown of any.

    Args:
        rows: of :class:`Done`.
        executed: only what changed nothing counts.
    """
    counted = (row for row in rows if row.unchanged or not executed)
    by_run = {row.trace_id: row for row in counted}  # the last is the one of all together
    intervals = [row.saves_usd for row in by_run.values()]
    known = [interval for interval in intervals if interval is not None]
    return sum_of(known) if known and len(known) == len(intervals) else None


def _where(deletion: Deletion | None, why: str) -> str:
    if deletion is not None:
        return deletion.where
    return f"does not reproduce: {why}" if why else ""


def _does(run: Run, steps: Sequence[int]) -> str:
    if len(steps) > 1:
        return f"{len(steps)} steps together"
    step = run.by_number[steps[0]]
    return step.get("tool") or step.get("llm") or step.get("agent") or ""
