"""A run of an agent, as CostCraft looks at it: its card, and what was said if that was recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from clawtrace_otel.semconv.texts import Texts
from clawtrace_otel.tracecard.items import Item
from clawtrace_otel.tracecard.model import Card, StepLine

Interval = tuple[float, float]
"""Low and high end, in USD."""

_NOTHING = Texts()


@dataclass(eq=False)
class Run:
    """One trace.

    Attributes:
        card: its card; if the run was recorded, with all its steps, none folded.
        where: the file that it comes from.
        items: step number -> the step before it was written down; empty if there is only a card.
        said: step number -> what was said in it; empty if there is only a card.
        reading: numbers of the tool calls that are known to change nothing; empty if there is only
            a card.
        is_contradictory: evaluators, or card and run, say opposite things of its outcome.
    """

    card: Card
    where: str = ""
    items: Mapping[int, Item] = field(default_factory=dict)
    said: Mapping[int, Texts] = field(default_factory=dict)
    reading: frozenset[int] = frozenset()
    is_contradictory: bool = False

    @property
    def trace_id(self) -> str:
        """Of its trace."""
        return self.card["trace_id"]

    @property
    def task(self) -> str:
        """Which task it attempts; a run that does not say so is alone with its task."""
        return self.card.get("task") or self.trace_id

    @property
    def cost(self) -> float | None:
        """In USD; ``None`` if it is unknown."""
        return self.card["total"]["cost_usd"]

    @property
    def passed(self) -> bool | None:
        """Whether it passed; ``None`` if nobody says so, or some say this and some that."""
        outcome = self.card.get("outcome")
        return outcome["passed"] if outcome and not self.is_contradictory else None

    @property
    def evidence(self) -> list[str]:
        """What the evaluators explained."""
        outcome = self.card.get("outcome")
        return outcome["evidence"] if outcome else []

    @property
    def is_recorded(self) -> bool:
        """Whether the run itself is there, not only its card."""
        return bool(self.items)

    @property
    def steps(self) -> list[StepLine]:
        """In time order; of a card alone, folded steps are missing."""
        return self.card["steps"]

    @cached_property
    def by_number(self) -> Mapping[int, StepLine]:
        """Step number -> step."""
        return {step["n"]: step for step in self.steps}

    def texts(self, n: int) -> Texts:
        """What was said in a step; empty texts if that is not known."""
        return self.said.get(n, _NOTHING)

    def args(self, n: int) -> str:
        """The arguments of a tool call: all of them if the run was recorded, else the sample."""
        return self.texts(n).args or self.by_number[n].get("args", "")
