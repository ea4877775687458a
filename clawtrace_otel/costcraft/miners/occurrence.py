"""Where a pattern occurs in a run: the steps that a rule would have kept from being made."""

from dataclasses import dataclass
from typing import Literal

from clawtrace_otel.costcraft.model import Pattern
from clawtrace_otel.costcraft.run import Run

Verdict = Literal["harmless", "likely", "harmful", "unknown"]
"""What a program found out about leaving steps out. ``harmless``: nothing later depends on them.
``likely``: nothing was found that does, by a check that is known to miss much. ``harmful``: they
brought something new that may have been needed."""


@dataclass(frozen=True, slots=True, eq=False)
class Occurrence:
    """A pattern, once, in a run.

    Attributes:
        pattern: what occurs.
        run: where.
        steps: numbers of the steps that would not have been made.
        verdict: what is known of leaving them out.
        check: how that is known, in few words that hold no content of the run.
        share: how much of the results would not have been read, from 0 to 1, where the steps would
            have been made all the same; ``None`` if they would not.
    """

    pattern: Pattern
    run: Run
    steps: tuple[int, ...]
    verdict: Verdict
    check: str
    share: float | None = None

    @property
    def is_left_out(self) -> bool:
        """Whether a rule is to leave these steps out: not if they are known to be needed."""
        return self.verdict != "harmful"
