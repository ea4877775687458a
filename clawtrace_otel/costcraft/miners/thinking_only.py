"""Turns that neither answered nor called anything: the whole prompt was read once more to think.

What a model thought is not recorded, and the next turn may rest on it. So this stays a ``proxy``:
no program can show that such a turn was not needed, short of running the agent without it.
"""

from collections.abc import Iterator, Sequence

from clawtrace_otel.costcraft.miners.miner import PruneMiner
from clawtrace_otel.costcraft.miners.occurrence import Occurrence
from clawtrace_otel.costcraft.model import Pattern
from clawtrace_otel.costcraft.run import Run

NAME = "thinking_only"

MIN_SHARE = 0.01
"""Of a run's cost that a turn takes at least to be looked at."""

_PATTERN = Pattern(miner=NAME)
_CHECK = "neither answered nor called anything; what was thought is not recorded"


def find(run: Run) -> Iterator[Occurrence]:
    """Every turn that only thought and was not cheap."""
    if run.cost is None:
        return
    for step in run.steps:
        if step.get("does") != "thinking_only" or "error" in step:
            continue
        if (step.get("usd") or 0) >= MIN_SHARE * run.cost > 0:
            yield Occurrence(_PATTERN, run, (step["n"],), "unknown", _CHECK)


def wording(patterns: Sequence[Pattern]) -> str:
    """The rule."""
    del patterns
    return "Do not spend a turn on thinking alone: think, and act or answer in the same turn."


MINER = PruneMiner(
    name=NAME,
    section="Cost control",
    find=find,
    wording=wording,
    counterfactual=(
        "Thinking in the turn that acts reads the prompt once instead of twice; "
        "that the outcome stays the same is not shown."
    ),
)
