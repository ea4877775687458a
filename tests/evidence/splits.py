"""Which runs rules are learned from, and which they are fired on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from zlib import crc32

from clawtrace_otel.costcraft.run import Run
from tests.evidence.distilled import FULL, prunes
from tests.evidence.firing import Fired, Level, fire
from tests.evidence.recorded_runs import DOMAINS, Domain, Known, runs_in, tasks_of

FOLDS = 5
"""Parts of a domain's tasks; each is held out once."""


@dataclass(frozen=True, slots=True)
class Split:
    """Runs in two halves; no task is in both.

    Attributes:
        name: in the tables; the parts of a domain share one.
        learned: from these.
        held_out: fired on these.
    """

    name: str
    learned: Sequence[Run]
    held_out: Sequence[Run]


@cache
def splits(known: Known) -> dict[str, list[Split]]:
    """Across the domains, and by task within each; those of a name together."""
    found: dict[str, list[Split]] = {}
    for split in _splits(known):
        found.setdefault(split.name, []).append(split)
    return found


def _splits(known: Known) -> Iterator[Split]:
    for one, other in (DOMAINS, DOMAINS[::-1]):
        yield Split(f"{one} to {other}", runs_in(one, known), runs_in(other, known))
    for domain in DOMAINS:
        yield from folds(runs_in(domain, known), f"{domain} by task")


def folds(runs: Sequence[Run], name: str) -> Iterator[Split]:
    """By task: all runs of a task, of whatever file, are in the same part."""
    parts = {task: crc32(task.encode()) % FOLDS for task in tasks_of(runs)}
    for part in range(FOLDS):
        learned = [run for run in runs if parts[run.task] != part]
        held_out = [run for run in runs if parts[run.task] == part]
        yield Split(name, learned, held_out)


def domain_fired_on(name: str) -> Domain:
    """The domain of the held-out runs of the splits of a name."""
    return next(domain for domain in DOMAINS if f"to {domain}" in name or f"{domain} by" in name)


@cache
def fired(known: Known, name: str, level: Level, variant: str = FULL) -> list[Fired]:
    """The accepted prunes of all splits of a name, each on the runs that its split holds out."""
    return [
        each
        for split in splits(known)[name]
        for each in fire(
            (patch.pattern for patch in prunes(split.learned, variant)), split.held_out, level
        )
    ]
