"""Rules fired on runs that they were not learned from, and what each firing would have taken away.

A rule is known by the pattern of its patch; it fires where the miner of that pattern finds it,
whatever the miner says of the place. Whether that is a false prune is told from the record itself,
not from the miner's verdict.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from clawtrace_otel.costcraft.gates.context import StepName
from clawtrace_otel.costcraft.mentions import Mentions
from clawtrace_otel.costcraft.model import Pattern
from clawtrace_otel.costcraft.reprice import reprice, together
from clawtrace_otel.costcraft.run import Interval, Run
from tests.evidence.found import occurrences
from tests.evidence.scores import Share
from tests.evidence.shares import share_of

Loss = Literal["", "result changed", "used later"]
"""What a step brought that the run had not, or nothing."""

Level = Literal["pattern", "miner"]
"""Whether a rule fires for the tool that it was learned of, or for any tool."""


@dataclass(frozen=True, slots=True)
class Fired:
    """Rules on a run.

    Attributes:
        run: where.
        losses: each step that they would have kept from being made -> what is lost.
        saved: without all of these steps, in USD; ``None`` if no cost is known.
    """

    run: Run
    losses: Mapping[int, Loss]
    saved: Interval | None


def fire(patterns: Iterable[Pattern], runs: Iterable[Run], level: Level) -> list[Fired]:
    """All rules together on each of some runs."""
    wanted = {_at(level, pattern) for pattern in patterns}
    return [_fire(wanted, run, level) for run in runs]


def _fire(wanted: set[Pattern], run: Run, level: Level) -> Fired:
    found = [o.steps for o in occurrences(run) if _at(level, o.pattern) in wanted]
    steps = sorted({n for numbers in found for n in numbers})
    saved = None if run.cost is None else together(reprice(run, steps).values())
    return Fired(run, losses(run, steps), saved)


def _at(level: Level, pattern: Pattern) -> Pattern:
    return pattern if level == "pattern" else Pattern(miner=pattern.miner)


def losses(run: Run, steps: Sequence[int]) -> dict[int, Loss]:
    """What each of some steps brought that the run would not have had without them."""
    mentions = Mentions(run) if steps else None
    return {n: _loss(run, n, mentions) for n in steps if mentions is not None}


def _loss(run: Run, n: int, mentions: Mentions) -> Loss:
    earlier = _equal_calls(run, n)
    if earlier:  # what is left is what the last equal call gave
        same = run.texts(earlier[-1]).result == run.texts(n).result
        return "" if same else "result changed"
    return "used later" if mentions.used_later(n) else ""


def _equal_calls(run: Run, n: int) -> list[int]:
    """Earlier calls of the same tool with the same arguments by the same agent."""
    call, args = run.by_number[n], run.texts(n).args
    return [
        step["n"]
        for step in run.steps
        if step["n"] < n
        and "tool" in call
        and step.get("tool") == call["tool"]
        and step.get("under") == call.get("under")
        and run.texts(step["n"]).args == args
    ]


def false_prunes(found: Iterable[Fired], only: frozenset[StepName] | None = None) -> Share:
    """How many of the steps lose something.

    Args:
        found: rules on runs.
        only: steps to be looked at; ``None`` for all.
    """
    return share_of(
        loss != ""
        for each in found
        for n, loss in each.losses.items()
        if only is None or (each.run.trace_id, n) in only
    )
