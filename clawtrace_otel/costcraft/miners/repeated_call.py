"""Calls that ask again what the conversation already holds.

Removal preserves information where the arguments and the result are equal and nothing between the
two may have changed state: the verdict ``same`` of the card. Where the result differs the second
call brought news; what may have changed in between is not known of ``unverified`` ones.

Calls of a loop, from its second round on, are left to ``polling``. Repeated LLM calls are left out:
no agent decides to make them, so that a skill cannot keep it from that.
"""

from collections.abc import Iterator, Mapping, Sequence

from clawtrace_otel.costcraft.miners.acting import may_act
from clawtrace_otel.costcraft.miners.miner import PruneMiner
from clawtrace_otel.costcraft.miners.occurrence import Occurrence, Verdict
from clawtrace_otel.costcraft.miners.polling import looped
from clawtrace_otel.costcraft.model import Pattern
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.wording import listed

NAME = "repeated_call"

_VERDICTS: Mapping[str, tuple[Verdict, str]] = {
    "same": ("harmless", "equal call, equal result, nothing between that may have changed state"),
    "changed": ("harmful", "equal call, another result"),
    "unverified": ("unknown", "equal call, but state may have changed in between"),
}

_MAY_ACT: tuple[Verdict, str] = (
    "unknown",
    "equal call, equal result, but it may do something each time: nothing is known of the tool",
)


def find(run: Run) -> Iterator[Occurrence]:
    """Every tool call that is equal to an earlier one of the same agent, but for those of loops."""
    loops = looped(run)
    for step in run.steps:
        repeat = step.get("repeat")
        if repeat is None or "tool" not in step or repeat.get("other_agent") or "kind" in repeat:
            continue
        if step["n"] in loops:
            continue
        verdict, check = _VERDICTS[repeat["verdict"]]
        if verdict == "harmless" and may_act(run, step["n"]):
            verdict, check = _MAY_ACT
        pattern = Pattern(miner=NAME, tool=step["tool"])
        yield Occurrence(pattern, run, (step["n"],), verdict, f"{check} (step {repeat['of']})")


def wording(patterns: Sequence[Pattern]) -> str:
    """One rule for all the tools."""
    tools = listed([f"`{pattern.tool}`" for pattern in patterns], "or")
    return (
        f"Do not call {tools} again with the same arguments unless something has changed since: "
        "the earlier result is still in the conversation."
    )


MINER = PruneMiner(
    name=NAME,
    section="Cost control",
    find=find,
    wording=wording,
    counterfactual="Without the repeat the agent still has the equal result of the first call.",
)
