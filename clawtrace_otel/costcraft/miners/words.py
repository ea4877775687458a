"""The words of the run that was looked at last: several miners ask for those of the same run."""

from functools import lru_cache

from clawtrace_otel.costcraft.mentions import Mentions
from clawtrace_otel.costcraft.run import Run


@lru_cache(maxsize=1)
def mentions_of(run: Run) -> Mentions:
    """Where the words of a recorded run come up."""
    return Mentions(run)
