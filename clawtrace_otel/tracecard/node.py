"""A span in its tree."""

from dataclasses import dataclass, field

from clawtrace_otel.semconv.step import Step


@dataclass(slots=True, eq=False)
class Node:
    """A span in its tree.

    Attributes:
        above: the nearest LLM, tool or agent span above.
        agent: the nearest agent span above.
    """

    step: Step
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)
    above: "Node | None" = None
    agent: "Node | None" = None
