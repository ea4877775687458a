"""Calls that only read, and of whose result not one new word comes up in anything later.

It needs the recorded run and tools that are known to only read. A result without new words, such as
an empty list, may be news by what it does not hold; one of few words, such as a status, is acted
upon without being repeated; one whose words were mostly there before may have been read for these.
The others are likely to be unused and no more: read by hand, fewer than half of them were (E3 in
``docs/evidence.md``), for models conclude without repeating a word. So they are for people to look
at, and no counterfactual.
"""

from collections.abc import Iterator, Sequence, Set

from clawtrace_otel.costcraft.miners.miner import PruneMiner
from clawtrace_otel.costcraft.miners.occurrence import Occurrence, Verdict
from clawtrace_otel.costcraft.miners.words import mentions_of
from clawtrace_otel.costcraft.model import Pattern
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.wording import listed

NAME = "unused_result"

MIN_WORDS = 3
"""New words that a result must have brought, for their use to tell whether the result was used."""

MIN_NEW = 0.5
"""Of its words that must be new."""


def find(run: Run) -> Iterator[Occurrence]:
    """Every first call of a tool that only reads, whatever became of its result."""
    delegating = _delegating(run)
    for step in run.steps:
        n = step["n"]
        if n not in run.reading or n in delegating or "error" in step or not run.texts(n).result:
            continue
        repeat = step.get("repeat", {})
        if repeat and "kind" not in repeat and "other_agent" not in repeat:
            continue  # what it brought is in the earlier result too
        verdict, check = _judge(run, n)
        yield Occurrence(Pattern(miner=NAME, tool=step["tool"]), run, (n,), verdict, check)


def _delegating(run: Run) -> Set[int]:
    """Tools that run an agent: they read only as far as its tools do."""
    return {step["by"] for step in run.steps if "agent" in step and "by" in step}


def _judge(run: Run, n: int) -> tuple[Verdict, str]:
    mentions = mentions_of(run)
    brought = mentions.brought(n)
    if mentions.used_later(n):
        return "harmful", "a word that it brought comes up later"
    if len(brought) < MIN_WORDS:
        return "unknown", "it brought too few new words to tell"
    if len(brought) < MIN_NEW * len(mentions.words(n)):
        return "unknown", "most of its words were there before"
    return "likely", "it changes nothing, and no word that it brought comes up later"


def wording(patterns: Sequence[Pattern]) -> str:
    """One rule for all the tools."""
    tools = listed([f"`{pattern.tool}`" for pattern in patterns], "or")
    return f"Do not call {tools} unless the task cannot be done without the result."


MINER = PruneMiner(
    name=NAME,
    section="Cost control",
    find=find,
    wording=wording,
    counterfactual="Nothing that was said or called later has a word that only these results had.",
    mostly=True,
)
