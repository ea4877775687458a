"""Patches, as typed records: what is written to ``patches.yaml`` and is in its JSON Schema.

Money is USD. An interval is ``[low, high]``: what is certain, and what may hang on it. A step is
named by its trace id and its number on the card.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Action = Literal["preserve", "prune", "repair"]
Rung = Literal["proxy", "dependency", "replayed"]
"""How strong the evidence is. ``proxy``: a pattern on cards. ``dependency``: a program checked that
nothing later depends on the step: an equal result was there already, or its result comes up nowhere
later; of a repair, that what mended the call came from where the rule says. ``replayed``: the run
was executed again without the step and ended the same."""

RUNGS: tuple[Rung, ...] = ("proxy", "dependency", "replayed")
Section = Literal["Trigger", "Workflow", "Stop rules", "Artifact checklist", "Cost control"]
SECTIONS: tuple[Section, ...] = (
    "Trigger",
    "Workflow",
    "Stop rules",
    "Artifact checklist",
    "Cost control",
)
"""The headings of a skill that rules stand under, in their order."""

Analyst = Literal["rules", "llm"]
Usd = Annotated[float, Meta(ge=0)]
Interval = tuple[Usd, Usd]
Count = Annotated[int, Meta(ge=0)]
TraceId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
StepNumber = Annotated[int, Meta(ge=1)]


class StepRef(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step that a patch is about.

    Attributes:
        trace_id: of its run.
        n: its number on the card.
        saves_usd: what the run would have cost less without it; ``None`` if that is unknown.
        check: what a program found out about it, in few words.
        passed: whether the run passed; ``None`` if nobody said.
    """

    trace_id: TraceId
    n: StepNumber
    saves_usd: Interval | None = None
    check: str = ""
    passed: bool | None = None


class Pattern(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a program can look for in other runs.

    Attributes:
        miner: name of what looks for it, such as ``repeated_call``.
        tool: the tool, model or agent that it is about; empty if it is about none.
        detail: what else tells it from other patterns of the miner, such as an argument's name.
    """

    miner: str
    tool: str = ""
    detail: str = ""


class Support(Struct, frozen=True, kw_only=True):
    """How often the pattern was there.

    Attributes:
        runs: with it.
        of: runs that were looked at.
        tasks: different tasks of the runs with it.
        interval: of ``runs / of``, by Wilson's method at 95 %; ``None`` of no run.
    """

    runs: Count
    of: Count
    tasks: Count
    interval: tuple[float, float] | None = None


class Contrast(Struct, frozen=True, kw_only=True):
    """What passing and failing runs of the same tasks have of it.

    Attributes:
        tasks: that have passing and failing runs.
        passed_with, passed: passing runs of these tasks with it, and all of them.
        failed_with, failed: the same of the failing runs.
        p_value: of Fisher's exact test, one-sided, within tasks; adjusted by Benjamini and
            Hochberg for all patterns that were tried.
    """

    tasks: Count
    passed_with: Count
    passed: Count
    failed_with: Count
    failed: Count
    p_value: float


class Patch(Struct, kw_only=True, omit_defaults=True):
    """A change to a skill, with what speaks for and against it.

    Attributes:
        id: the same for the same pattern, or the same text, in every distillation.
        action: what it does.
        rule: what the skill is to say.
        section: the heading that it stands under.
        analyst: who proposed it.
        pattern: what it is about.
        rung: how strong its evidence is.
        support: how often it was seen.
        saves_usd_per_run: over all runs that were looked at; ``None`` if no cost is known.
        steps: the evidence.
        counterfactual: of a prune: what would be as it is without the steps, and who checked it.
        counter_evidence: steps where following the rule would have hurt, or may have.
        contrast: of a preserve.
        oracle: of a repair: what evaluators said of the runs that failed, or how a call was mended.
        rejected: why it is not in the skill; empty if it is.
    """

    id: str
    action: Action
    rule: str
    section: Section
    analyst: Analyst = "rules"
    pattern: Pattern
    rung: Rung = "proxy"
    support: Support
    saves_usd_per_run: Interval | None = None
    counterfactual: str = ""
    contrast: Contrast | None = None
    oracle: list[str] = []
    rejected: str = ""
    steps: list[StepRef] = []
    counter_evidence: list[StepRef] = []


class Rule(Struct, frozen=True, kw_only=True):
    """A line of the evolved skill, and the patches that it comes from."""

    text: str
    section: Section
    patches: list[str]


class Source(Struct, kw_only=True, omit_defaults=True):
    """What was distilled.

    Attributes:
        runs: how many.
        tasks: how many different ones.
        passed, failed, unknown: runs by outcome.
        cost_usd: of all runs, as far as it is known; ``None`` if none is.
        unpriced: runs of which no cost is known.
        recorded: runs of which more than the card was there.
    """

    runs: Count
    tasks: Count
    passed: Count = 0
    failed: Count = 0
    unknown: Count = 0
    cost_usd: Usd | None = None
    unpriced: Count = 0
    recorded: Count = 0


class Net(Struct, kw_only=True, omit_defaults=True):
    """What the evolved skill costs by being in every prompt, and what it saves.

    Attributes:
        skill_tokens: that were added to the base skill, at most (see ``tokens``).
        turns: LLM calls of a run, the median.
        rate_usd: of reading a token from the cache, the median over runs.
        costs_usd: per run: tokens times turns times rate.
        saves_usd: per run, before that is subtracted.
        net_usd: per run.
        break_even_turns: the longest run that still gains, at the low and the high end of what is
            saved; ``None`` where a rate is unknown.
    """

    skill_tokens: Count
    turns: float
    rate_usd: float | None = None
    costs_usd: float | None = None
    saves_usd: Interval | None = None
    net_usd: tuple[float, float] | None = None
    break_even_turns: tuple[float, float] | None = None


class PatchFile(Struct, kw_only=True, omit_defaults=True):
    """``patches.yaml``.

    Attributes:
        costcraft: version of this format.
        source: what was distilled.
        options: ablations that were switched on.
        net: what the skill costs itself.
        rules: the lines of the evolved skill, in its order.
        conflicts: patches that contradict one another, and which was kept.
        patches: accepted ones first, each group in the order of merging.
        problems: what could not be used.
    """

    costcraft: Literal[1] = 1
    source: Source
    options: list[str] = []
    net: Net | None = None
    rules: list[Rule] = []
    conflicts: list[str] = []
    problems: list[str] = []
    patches: list[Patch] = []
