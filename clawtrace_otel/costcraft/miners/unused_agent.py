"""Sub-agents whose answer was not used and that changed nothing.

``output_used`` of the card is 0: not one telling word of the answer comes up in what the agent
above said or called afterwards. That all tools below the agent only read is known of recorded runs
alone; what an agent did that left no record is unknown.
"""

from collections.abc import Iterator, Sequence

from clawtrace_otel.costcraft.miners.miner import PruneMiner, below
from clawtrace_otel.costcraft.miners.occurrence import Occurrence, Verdict
from clawtrace_otel.costcraft.model import Pattern
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.wording import listed
from clawtrace_otel.tracecard.model import StepLine

NAME = "unused_agent"


def find(run: Run) -> Iterator[Occurrence]:
    """Every sub-agent of which it is known how much of its answer was used."""
    for step in run.steps:
        if "agent" in step and "output_used" in step:
            verdict, check = _judge(run, step)
            yield Occurrence(
                Pattern(miner=NAME, tool=step["agent"]), run, (step["n"],), verdict, check
            )


def _judge(run: Run, agent: StepLine) -> tuple[Verdict, str]:
    if agent["output_used"] > 0:
        return "harmful", "words of its answer come up later"
    if not _only_reads(run, agent):
        return "unknown", "no word of its answer comes up later, but it may have changed state"
    return "harmless", "it changed nothing, and no word of its answer comes up later"


def _only_reads(run: Run, agent: StepLine) -> bool:
    """Whether all that an agent and its sub-agents called is known to change nothing."""
    item = run.items.get(agent["n"])
    if item is None or item.step.unrecorded or "aggregate" in agent:
        return False
    inside = below(run, {agent["n"]})
    tools = {n for n in inside if "tool" in run.by_number[n]}
    return len(tools) == agent.get("tool_calls") and tools <= run.reading


def wording(patterns: Sequence[Pattern]) -> str:
    """One rule for all the agents."""
    agents = listed([f"`{pattern.tool}`" for pattern in patterns], "or")
    return f"Do not start the agent {agents} unless you are going to use its answer."


MINER = PruneMiner(
    name=NAME,
    section="Cost control",
    find=find,
    wording=wording,
    counterfactual="Without the agent nothing that was said or called later lacks a word.",
)
