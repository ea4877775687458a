"""What the miners of prunes find in recorded runs, found once."""

from functools import cache

from clawtrace_otel.costcraft.miners.occurrence import Occurrence
from clawtrace_otel.costcraft.miners.registry import PRUNE, SHORTEN
from clawtrace_otel.costcraft.run import Run


@cache
def occurrences(run: Run) -> tuple[Occurrence, ...]:
    """Of all miners whose steps are to be left out, the first miner's first."""
    return tuple(occurrence for miner in PRUNE for occurrence in miner.find(run))


@cache
def too_long(run: Run) -> tuple[Occurrence, ...]:
    """Of all miners whose results are to be shorter."""
    return tuple(occurrence for miner in SHORTEN for occurrence in miner.find(run))
