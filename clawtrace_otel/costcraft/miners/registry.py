"""All miners by name, and what they find in runs, in an order that does not change."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from clawtrace_otel.costcraft.miners import (
    ordering,
    oversized_result,
    polling,
    repaired_call,
    repeated_call,
    thinking_only,
    unused_agent,
    unused_result,
)
from clawtrace_otel.costcraft.miners.episode import StepName
from clawtrace_otel.costcraft.miners.miner import Miner, PruneMiner, Wording, mine_prunes
from clawtrace_otel.costcraft.model import Patch
from clawtrace_otel.costcraft.run import Run

PRUNE: tuple[PruneMiner, ...] = (
    unused_agent.MINER,
    polling.MINER,
    repeated_call.MINER,
    unused_result.MINER,
    thinking_only.MINER,
)
"""Miners of steps that need not have been. The first one to find a step keeps it."""

SHORTEN: tuple[PruneMiner, ...] = (oversized_result.MINER,)
"""Miners of steps whose result need not have been so long: their steps are not to be left out."""

_ALL: tuple[Miner, ...] = (*PRUNE, *SHORTEN, repaired_call.MINER, ordering.MINER)

MINERS: Mapping[str, Miner] = {miner.name: miner for miner in _ALL}
"""Name -> miner."""

WORDING: Mapping[str, Wording] = {name: miner.wording for name, miner in MINERS.items()}
"""Name of a miner -> the rule for some of its patterns together."""


def mine(runs: Sequence[Run]) -> Iterator[Patch]:
    """The patches of all miners, in the order of the miners and then of their patterns.

    No step of a run is in the patches of two miners, and no saving is counted twice.

    Args:
        runs: those to learn from.
    """
    prunes = list(mine_prunes((*PRUNE, *SHORTEN), runs))
    yield from prunes
    yield from replace(repaired_call.MINER, counted=_counted(prunes)).mine(runs)
    yield from ordering.MINER.mine(runs)


def _counted(prunes: Iterable[Patch]) -> Mapping[StepName, float]:
    """What is saved at most by leaving out each step."""
    refs = (ref for patch in prunes for ref in patch.steps)
    return {(ref.trace_id, ref.n): ref.saves_usd[1] for ref in refs if ref.saves_usd}
