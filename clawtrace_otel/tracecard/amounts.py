"""What a cost is made of, and what of it was waste. Units are 1e-12 USD."""

from dataclasses import dataclass


@dataclass(slots=True)
class Split:
    """The parts of a cost. They add up to it exactly.

    Attributes:
        output: the models' answers.
        tool_results: results of tools, each time that a model read them.
        base: the rest of the prompts: instructions, what people wrote, earlier answers.
        unsplit: costs of calls of which tokens or rates are not known.
    """

    output: int = 0
    tool_results: int = 0
    base: int = 0
    unsplit: int = 0

    @property
    def total(self) -> int:
        """All parts together."""
        return self.output + self.tool_results + self.base + self.unsplit

    def add(self, other: "Split") -> None:
        """Add the parts of another cost."""
        self.output += other.output
        self.tool_results += other.tool_results
        self.base += other.base
        self.unsplit += other.unsplit


@dataclass(frozen=True, slots=True)
class Waste:
    """An interval: what can be proven, and what may be."""

    low: int = 0
    high: int = 0

    def __add__(self, other: "Waste") -> "Waste":
        """Both together."""
        return Waste(self.low + other.low, self.high + other.high)
