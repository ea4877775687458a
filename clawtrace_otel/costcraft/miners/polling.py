"""The same calls on end while nothing changes.

It is looked for in the loops of the card: at least three rounds of the same call, or of the same
few calls, with nothing else between them. What comes up again later, after other work, is a
``repeated_call``; the two never name the same step.

A result that differs after equal ones ends the waiting: that call was needed, and none that a rule
would leave out. A result that differs without any equal one before it shows the opposite of waiting
in vain: asking again at once brought news. A loop with a call in it that waits already does what
the rule asks for.
"""

from collections.abc import Iterator, Mapping, Sequence, Set

from clawtrace_otel.costcraft.miners.acting import may_act
from clawtrace_otel.costcraft.miners.miner import PruneMiner
from clawtrace_otel.costcraft.miners.occurrence import Occurrence, Verdict
from clawtrace_otel.costcraft.model import Pattern
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.wording import listed
from clawtrace_otel.tracecard.model import Loop, StepLine

NAME = "polling"

_WAITING = ("sleep", "wait", "pause", "delay")
"""Parts of the names of tools that let time pass."""

_VERDICTS: Mapping[str, tuple[Verdict, str]] = {
    "same": ("harmless", "the same call in a loop, and the same result"),
    "changed": ("harmful", "the same call in a loop, and another result at once"),
    "unverified": ("unknown", "the same call in a loop, but state may have changed in between"),
}

_MAY_ACT: tuple[Verdict, str] = (
    "unknown",
    "the same call in a loop, and the same result, but it may do something each time",
)


def find(run: Run) -> Iterator[Occurrence]:
    """Every call of a loop that repeats one of the round before it, but for the end of waiting."""
    calls = {call["n"]: call for loop in _loops(run) for call in loop if not _is_waiting(loop)}
    for n, call in sorted(calls.items()):
        repeat = call.get("repeat")
        if repeat is None or "kind" in repeat or _ends_waiting(run, call):
            continue
        verdict, check = _VERDICTS[repeat["verdict"]]
        if verdict == "harmless" and may_act(run, n):
            verdict, check = _MAY_ACT
        yield Occurrence(Pattern(miner=NAME, tool=call["tool"]), run, (n,), verdict, check)


def looped(run: Run) -> Set[int]:
    """The numbers of the calls in loops, but for each loop's first round."""
    return {call["n"] for loop in _loops(run) for call in loop}


def _loops(run: Run) -> Iterator[Sequence[StepLine]]:
    """The calls of each loop, but for its first round. A loop may stand within another."""
    for loop in run.card.get("loops", ()):
        yield _calls(run, loop)[loop["period"] :]


def _is_waiting(calls: Sequence[StepLine]) -> bool:
    return any(word in call["tool"].lower() for call in calls for word in _WAITING)


def _calls(run: Run, loop: Loop) -> Sequence[StepLine]:
    """The calls of a loop in their order; none if the card left its first one out."""
    first = run.by_number.get(loop["first"])
    if first is None:
        return ()
    between = range(loop["first"], loop["last"] + 1)
    return [
        step
        for step in run.steps
        if step["n"] in between and "tool" in step and step.get("under") == first.get("under")
    ]


def _ends_waiting(run: Run, call: StepLine) -> bool:
    """Whether it brought another result after equal ones."""
    repeat = call["repeat"]
    before = run.by_number.get(repeat["of"])
    return (
        repeat["verdict"] == "changed"
        and before is not None
        and before.get("repeat", {}).get("verdict") == "same"
    )


def wording(patterns: Sequence[Pattern]) -> str:
    """One rule for all the tools."""
    tools = listed([f"`{pattern.tool}`" for pattern in patterns], "or")
    return (
        f"Once {tools} has given the same result twice, stop asking: go on with something else, "
        "or wait until something can have changed."
    )


MINER = PruneMiner(
    name=NAME,
    section="Stop rules",
    find=find,
    wording=wording,
    counterfactual=(
        "Without the calls whose result was the same the agent still has that result, "
        "and the call that shows a change is kept."
    ),
)
