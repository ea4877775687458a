"""What a miner finds in runs, in the words of tests."""

from collections.abc import Sequence

from clawtrace_otel.costcraft.miners.miner import PruneMiner
from clawtrace_otel.costcraft.model import Patch
from clawtrace_otel.costcraft.run import Run

Verdicts = dict[tuple[int, ...], str]
"""Steps -> verdict."""


def verdicts(miner: PruneMiner, run: Run) -> Verdicts:
    """What a miner says of the steps that it finds."""
    return {o.steps: o.verdict for o in miner.find(run)}


def only(patches: Sequence[Patch]) -> Patch:
    """The patch, of which there is one."""
    (patch,) = patches
    return patch
