"""What a miner is, and how its finds in many runs become patches."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Protocol

from clawtrace_otel.costcraft.miners.occurrence import Occurrence
from clawtrace_otel.costcraft.miners.savings import find_savings
from clawtrace_otel.costcraft.model import (
    Action,
    Interval,
    Patch,
    Pattern,
    Section,
    StepRef,
    Support,
)
from clawtrace_otel.costcraft.reprice import together
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.stats import wilson

Wording = Callable[[Sequence[Pattern]], str]
"""The rule for patterns of one miner that are put together, such as one rule for several tools."""


class Miner(Protocol):
    """Looks for patterns of one kind in runs."""

    @property
    def name(self) -> str:
        """Of its patterns."""

    @property
    def wording(self) -> Wording:
        """Its rule."""

    def mine(self, runs: Sequence[Run]) -> Iterator[Patch]:
        """The patches for what it finds in runs."""


@dataclass(frozen=True, slots=True)
class PruneMiner:
    """Looks for steps that need not have been.

    Attributes:
        name: of its patterns.
        section: where its rules stand.
        find: all occurrences in a run, harmful ones included: wherever the rule would apply.
        wording: its rule.
        counterfactual: what would be as it is without the steps.
        mostly: whether a pattern is only proposed if it is harmless, or likely so, more often than
            harmful.
    """

    name: str
    section: Section
    find: Callable[[Run], Iterable[Occurrence]]
    wording: Wording
    counterfactual: str
    mostly: bool = False

    def mine(self, runs: Sequence[Run]) -> Iterator[Patch]:
        """A patch for each pattern that is harmless somewhere, or of which that is not known."""
        yield from mine_prunes((self,), runs)


def mine_prunes(miners: Sequence[PruneMiner], runs: Sequence[Run]) -> Iterator[Patch]:
    """The patches of several miners, without a step that two of them would leave out of a run.

    Args:
        miners: the first to find a step keeps it.
        runs: those to learn from.
    """
    finds = {miner.name: _Finds() for miner in miners}
    for run in runs:
        found = _disjoint({miner.name: miner.find(run) for miner in miners}, run)
        saved = find_savings(run, (o for name in found for o in found[name]))
        for name, occurrences in found.items():
            finds[name].add(occurrences, saved)
    for miner in miners:
        yield from _patches(miner, finds[miner.name], runs)


_Saved = dict[tuple[str, int], Interval]
"""Trace id and step number -> what leaving the step out would save."""


@dataclass(slots=True)
class _Finds:
    """What one miner found, and what each step would save."""

    occurrences: dict[Pattern, list[Occurrence]] = field(
        default_factory=lambda: defaultdict[Pattern, list[Occurrence]](list)
    )
    saved: _Saved = field(default_factory=dict)

    def add(self, occurrences: Iterable[Occurrence], saved: Mapping[int, Interval]) -> None:
        for found in occurrences:
            self.occurrences[found.pattern].append(found)
            known = (n for n in found.steps if found.is_left_out and n in saved)
            self.saved.update(((found.run.trace_id, n), saved[n]) for n in known)


def _disjoint(
    found: Mapping[str, Iterable[Occurrence]], run: Run
) -> Mapping[str, Sequence[Occurrence]]:
    """What each miner found, but for what an earlier one leaves out already."""
    taken: set[int] = set()
    kept: dict[str, list[Occurrence]] = {}
    for name, occurrences in found.items():
        kept[name] = [o for o in occurrences if taken.isdisjoint(o.steps)]
        left_out = {n for o in kept[name] if o.is_left_out for n in o.steps}
        taken |= left_out | below(run, {n for n in left_out if "agent" in run.by_number[n]})
    return kept


def below(run: Run, agents: Set[int]) -> Set[int]:
    """The numbers of all steps that are a part of some agents.

    Args:
        run: that they are steps of.
        agents: their step numbers.
    """
    return {n for n in run.by_number if agents and not agents.isdisjoint(_above(run, n))}


def _above(run: Run, n: int) -> Set[int]:
    """The agents that a step is a part of, as far as the card has them."""
    found: set[int] = set()
    step = run.by_number.get(n)
    while step is not None and (under := step.get("under", 0)) and under not in found:
        found.add(under)
        step = run.by_number.get(under)
    return found


def _patches(miner: PruneMiner, finds: _Finds, runs: Sequence[Run]) -> Iterator[Patch]:
    for pattern, found in sorted(finds.occurrences.items(), key=lambda pair: _key(pair[0])):
        verdicts = Counter(o.verdict for o in found)
        is_likely = verdicts["harmless"] + verdicts["likely"] > verdicts["harmful"]
        if is_likely or (not miner.mostly and verdicts["harmful"] < len(found)):
            yield _patch(miner, pattern, found, finds.saved, runs)


def _patch(
    miner: PruneMiner,
    pattern: Pattern,
    found: Sequence[Occurrence],
    saved: _Saved,
    runs: Sequence[Run],
) -> Patch:
    left_out = [o for o in _strongest_first(found) if o.is_left_out]
    steps = [ref for o in left_out for ref in _refs(o, saved)]
    return Patch(
        id=patch_id("prune", pattern),
        action="prune",
        rule=miner.wording([pattern]),
        section=miner.section,
        pattern=pattern,
        rung="dependency" if _is_shown(left_out[0]) else "proxy",
        support=support_of([o.run for o in left_out], runs),
        saves_usd_per_run=per_run([ref.saves_usd for ref in steps], runs),
        counterfactual=miner.counterfactual,
        steps=steps,
        counter_evidence=[ref for o in found if not o.is_left_out for ref in _refs(o, {})],
    )


def _is_shown(occurrence: Occurrence) -> bool:
    """Whether a program showed that nothing depends on the steps as a whole."""
    return occurrence.verdict == "harmless" and occurrence.share is None


def patch_id(action: Action, pattern: Pattern) -> str:
    """The name of a patch: the same in every distillation."""
    parts = (action, pattern.miner, pattern.tool, pattern.detail)
    return ":".join(part for part in parts if part)


def support_of(found: Iterable[Run], runs: Sequence[Run]) -> Support:
    """How many runs have a pattern, of those that were looked at."""
    having = {run.trace_id: run for run in found}
    return Support(
        runs=len(having),
        of=len(runs),
        tasks=len({run.task for run in having.values()}),
        interval=wilson(len(having), len(runs)),
    )


def per_run(saved: Iterable[Interval | None], runs: Sequence[Run]) -> Interval | None:
    """The mean over the runs of which a cost is known; ``None`` if nothing is known of it.

    Args:
        saved: what each step would save; ``None`` where that is unknown.
        runs: all that were looked at.
    """
    known = [interval for interval in saved if interval is not None]
    priced = sum(run.cost is not None for run in runs)
    if not known or not priced:
        return None
    low, high = together(known)
    return low / priced, high / priced


def _refs(occurrence: Occurrence, saved: _Saved) -> Iterator[StepRef]:
    run = occurrence.run
    for n in occurrence.steps:
        yield StepRef(
            trace_id=run.trace_id,
            n=n,
            saves_usd=saved.get((run.trace_id, n)),
            check=f"{occurrence.verdict}: {occurrence.check}",
            passed=run.passed,
        )


def _strongest_first(occurrences: Iterable[Occurrence]) -> list[Occurrence]:
    return sorted(occurrences, key=lambda o: (o.verdict != "harmless", o.run.trace_id, o.steps))


def _key(pattern: Pattern) -> tuple[str, str, str]:
    return pattern.miner, pattern.tool, pattern.detail
