"""Deletions executed in tau2's environments: each step alone, and all harmless ones together."""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from clawtrace_otel.costcraft.gates.context import StepName
from clawtrace_otel.costcraft.replay.execute import Work
from clawtrace_otel.costcraft.replay.record import Deletion, ReplayedRun, Replays
from clawtrace_otel.costcraft.replay.tau2.environment import Tau2
from clawtrace_otel.costcraft.replay.workers import replay_all
from clawtrace_otel.costcraft.run import Run
from tests.evidence.found import occurrences
from tests.evidence.meanwhile import episodes
from tests.evidence.recorded_runs import KNOWN, Domain, runs_in

SEED = 20_261_122
DRAWN = 40
"""Of the steps of a kind that is only looked at by sample."""

SAMPLED: Mapping[str, Collection[str]] = {"unused_result": ("unknown", "harmful")}
"""Miner -> verdicts of which a sample is deleted: there are hundreds, and all of them only read."""

JOBS = 2

Kind = tuple[str, str]
"""Name of a miner and its verdict, or of a control and nothing."""

CONTROL_READ: Kind = ("control: any other call", "reads")
CONTROL_WRITE: Kind = ("control: any other call", "writes")


@dataclass(frozen=True, slots=True)
class Executed:
    """What came of the deletions of a domain.

    Attributes:
        runs: that were played whole, by trace id.
        changed: step -> what changed when it alone was left out; empty if nothing.
        together: runs of which all steps were left out at once that a miner calls harmless and
            that changed nothing alone, where there are several.
    """

    runs: Mapping[str, ReplayedRun]
    changed: Mapping[StepName, str]
    together: Sequence[Deletion]


def kinds(runs: Iterable[Run]) -> dict[StepName, Kind]:
    """The steps that any miner of prunes names, by the first that does."""
    found: dict[StepName, Kind] = {}
    for run in runs:
        for occurrence in occurrences(run):
            for n in occurrence.steps:
                if "tool" in run.by_number[n]:
                    kind = occurrence.pattern.miner, occurrence.verdict
                    found.setdefault((run.trace_id, n), kind)
    return found


@cache
def controls(domain: Domain) -> Mapping[StepName, Kind]:
    """Calls that no miner says are harmless, and that repeat nothing, drawn at random."""
    runs = runs_in(domain, "tools configured")
    named = {name for name, (_, verdict) in kinds(runs).items() if verdict != "harmful"}
    others = {
        (run.trace_id, step["n"]): CONTROL_READ if step["n"] in run.reading else CONTROL_WRITE
        for run in runs
        for step in run.steps
        if "tool" in step and "repeat" not in step and (run.trace_id, step["n"]) not in named
    }
    return {
        name: kind
        for kind in (CONTROL_READ, CONTROL_WRITE)
        for name in _draw((name for name, of in others.items() if of == kind), domain)
    }


def _draw(names: Iterable[StepName], domain: Domain) -> list[StepName]:
    found = sorted(names)
    return random.Random(f"{SEED} {domain}").sample(found, min(DRAWN, len(found)))


@cache
def executed(domain: Domain) -> Executed:
    """Execute the deletions of a domain: what miners name, whatever is known, and the controls."""
    named = _named(domain)
    harmless = {
        name for (_, verdict), names in named.items() if verdict == "harmless" for name in names
    }
    others = {name for names in named.values() for name in names} | set(controls(domain))
    together = _play(domain, harmless)
    alone = _play(domain, others - harmless)
    return Executed(
        runs={run.trace_id: run for run in (*alone.runs, *together.runs)},
        changed={
            (d.trace_id, d.steps[0]): d.where
            for d in (*alone.deletions, *together.deletions)
            if len(d.steps) == 1
        },
        together=[d for d in together.deletions if len(d.steps) > 1],
    )


def _named(domain: Domain) -> dict[Kind, set[StepName]]:
    """The steps to be deleted, by what is said of them with this or that known of the tools."""
    found: dict[Kind, set[StepName]] = {}
    for known in KNOWN:
        for name, kind in kinds(runs_in(domain, known)).items():
            found.setdefault(kind, set()).add(name)
    return {
        (miner, verdict): set(_draw(names, domain)) if verdict in SAMPLED.get(miner, ()) else names
        for (miner, verdict), names in found.items()
    }


def _play(domain: Domain, names: Iterable[StepName]) -> Replays:
    by_run: dict[str, list[int]] = {}
    for trace_id, n in sorted(names):
        by_run.setdefault(trace_id, []).append(n)
    known = episodes(domain)
    work = [Work(known[trace_id], tuple(steps)) for trace_id, steps in by_run.items()]
    done = Replays()
    for replays in replay_all(Tau2, work, JOBS):
        done.add(replays)
    return done
