"""What can be played again: the recorded calls of a run, and an environment that executes them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.importers.importer import Problem

Requestor = Literal["assistant", "user"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool said.

    Attributes:
        text: its result, or its error.
        failed: it is an error.
    """

    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A tool call of a recorded run.

    Attributes:
        n: its step number on the card; ``None`` of a call that is no step of the agent's, such as
            one of the simulated user. Only what has a number can be deleted.
        answer: what was recorded.
        requestor: who called.
    """

    n: int | None
    tool: str
    arguments: Mapping[str, object]
    answer: Answer
    requestor: Requestor = "assistant"


@dataclass(frozen=True, slots=True)
class Episode:
    """A recorded run, to be played.

    Attributes:
        trace_id: of its card.
        world: which of the environment's worlds it ran in, such as ``airline``.
        task: which task it attempted; empty if unknown.
        calls: in the order in which they were answered.
        start: what the environment needs to rebuild the state at the beginning.
        verdict: what the oracle said of each part of its verdict when the run was recorded.
    """

    trace_id: str
    world: str
    task: str
    calls: tuple[RecordedCall, ...]
    start: Mapping[str, object] = field(default_factory=dict)
    verdict: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Played:
    """What came of playing an episode.

    Attributes:
        answers: one for each call, in order; ``None`` of those that were left out.
        final: each part of the state at the end -> its hash.
        verdict: each part of the oracle's verdict that could be evaluated -> whether it was met.
        unevaluated: parts of the verdict that could not be, each with the reason.
    """

    answers: tuple[Answer | None, ...]
    final: Mapping[str, str]
    verdict: Mapping[str, bool] = field(default_factory=dict)
    unevaluated: Mapping[str, str] = field(default_factory=dict)


class Environment(Protocol):
    """Executes recorded calls. Playing an episode twice gives the same."""

    name: str

    def version(self) -> str:
        """What executes the calls: a package and its version, for the record."""

    def episodes(self, runs: Sequence[Run]) -> Iterator[Episode | Problem]:
        """Recorded runs, ready to be played; a run that cannot be is a problem."""

    def play(self, episode: Episode, without: Collection[int] = ()) -> Played:
        """Execute the calls of an episode from its start, without some steps.

        Args:
            episode: one of :meth:`episodes`.
            without: step numbers.

        Raises:
            CostCraftError: its start cannot be rebuilt.
        """

    def agrees(self, call: RecordedCall, answer: Answer) -> bool:
        """Whether an answer is the recorded one, as far as this environment can tell."""
