"""What the gates look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.skill import Skill
from clawtrace_otel.costcraft.task_facts import TaskFacts

StepName = tuple[str, int]
"""Trace id and step number."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is switched off, to see what it was good for.

    Attributes:
        no_cost: costs play no part in what is kept.
        no_prune: nothing is pruned.
        no_counterfactual: a prune needs no counterfactual.
    """

    FLAGS: ClassVar = ("no_cost", "no_prune", "no_counterfactual")

    no_cost: bool = False
    no_prune: bool = False
    no_counterfactual: bool = False

    def names(self) -> list[str]:
        """Those that are switched on, as the flags are spelled."""
        return [flag.replace("_", "-") for flag in self.FLAGS if getattr(self, flag)]


@dataclass(frozen=True, slots=True)
class Context:
    """What the gates look at.

    Attributes:
        runs: by trace id.
        base: the skill that is to be evolved.
        facts: of the tasks.
        harmless: steps of which a program found that nothing later depends on them -> how.
        harmful: steps that brought something new -> how that is known.
        replayed: steps that the run was executed without -> what that changed; empty if nothing.
        options: what is switched off.
    """

    runs: Mapping[str, Run]
    base: Skill
    facts: TaskFacts
    harmless: Mapping[StepName, str] = field(default_factory=dict)
    harmful: Mapping[StepName, str] = field(default_factory=dict)
    replayed: Mapping[StepName, str] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
