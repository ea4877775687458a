"""What a grader says, and what it looks at."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class GraderError(Exception):
    """A grader cannot tell; the message says why. The run is then not graded."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a run passed.

    Attributes:
        passed: ``None`` if the grader could not tell: the run counts neither way.
        score: if the grader gives one.
        why: in words, for people; empty if there is nothing to say.
    """

    passed: bool | None
    score: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run of the agent that has ended by itself.

    Attributes:
        folder: the run's, as the agent left it.
        stdout: file with the agent's standard output.
        environment: that of the agent.
    """

    folder: Path
    stdout: Path
    exit_code: int
    environment: Mapping[str, str]
