"""E5, natural experiment: runs of one task with and without a pattern. Association, no effect."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from pathlib import Path
from statistics import fmean

from clawtrace_otel.costcraft.miners.miner import PruneMiner
from clawtrace_otel.costcraft.miners.registry import PRUNE
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.stats import mean_interval
from tests.evidence.found import occurrences
from tests.evidence.recorded_runs import DOMAINS, TAU_BENCH, by_task, files_of, runs_of
from tests.evidence.scores import table


@dataclass(frozen=True, slots=True)
class Measure:
    """What is compared.

    Attributes:
        of: its value of a run; ``None`` where it is unknown.
        relative: as a multiple of the mean of the file.
    """

    name: str
    of: Callable[[Run], float | None]
    relative: bool = False


def tables() -> str:
    """The table of E5, in Markdown."""
    rows = [row for name, paths in _sources().items() for row in _rows(name, paths)]
    head = ("runs of", "pattern", "runs with it", "tasks with both", "measure", "difference")
    return table(head, rows)


def _sources() -> Mapping[str, Sequence[Path]]:
    return {
        "tau-bench airline, gpt-4o": (TAU_BENCH,),
        **{f"tau2 {domain}, all files": files_of(domain) for domain in DOMAINS},
    }


def _rows(name: str, paths: Sequence[Path]) -> Iterator[tuple[object, ...]]:
    files = [runs_of(path, "tools configured") for path in paths]
    runs = [run for file in files for run in file]
    for miner in PRUNE:
        having = {run: steps for run in runs if (steps := steps_in(run, miner))}
        for measure in _measures(having):
            found = differences(centred(files, measure), having)
            if len(found) > 1:
                yield name, miner.name, len(having), len(found), measure.name, _mean(found)


def steps_in(run: Run, miner: PruneMiner) -> frozenset[int]:
    """The steps that a miner would leave out of a run; only harmless ones if it says so of most."""
    verdicts = ("likely",) if miner.mostly else ("harmless", "unknown")
    found = (o for o in occurrences(run) if o.pattern.miner == miner.name)
    return frozenset(n for o in found if o.verdict in verdicts for n in o.steps)


def _measures(having: Mapping[Run, frozenset[int]]) -> tuple[Measure, ...]:
    return (
        Measure("tool calls, association", _calls),
        Measure(
            "tool calls but for the pattern's own, association",
            lambda run: _calls(run) - len(having.get(run, ())),
        ),
        Measure("cost over the file's mean, association", lambda run: run.cost, relative=True),
        Measure("share that passed, association", lambda run: run.passed),
    )


def _calls(run: Run) -> float:
    return float(run.card["total"]["tool_calls"])


def centred(files: Sequence[Sequence[Run]], measure: Measure) -> dict[Run, float]:
    """Each run's value less the mean of its file: other files are of other models."""
    found: dict[Run, float] = {}
    for runs in files:
        known = {run: float(v) for run in runs if (v := measure.of(run)) is not None}
        mean = fmean(known.values()) if known else 0.0
        unit = mean if measure.relative else 1.0
        found |= {run: (value - mean) / unit for run, value in known.items() if unit}
    return found


def differences(values: Mapping[Run, float], having: Mapping[Run, object]) -> list[float]:
    """Of each task with runs of both kinds: the mean of those with it less that of the others."""
    found = []
    for runs in by_task(list(values)).values():
        those = [values[run] for run in runs if run in having]
        others = [values[run] for run in runs if run not in having]
        if those and others:
            found.append(fmean(those) - fmean(others))
    return found


def _mean(found: Sequence[float]) -> str:
    interval = mean_interval(found)
    mean = fsum(found) / len(found)
    return f"{mean:+.2f}" + (f" [{interval[0]:+.2f}, {interval[1]:+.2f}]" if interval else "")
