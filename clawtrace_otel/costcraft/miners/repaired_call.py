"""Calls that failed, and what was different when the same tool next succeeded for the same agent.

The failure and the success are the oracle: the tool itself said no, and then yes. What lies
between is told as a fact of the form of the call (an argument was added, left out, renamed, or is
of another kind), or as another tool whose result brought a value that the failing call lacked.
Where only values differ and nothing shows where the right one came from there is no rule that would
hold elsewhere.

Calls that are as the failed one was and succeed speak against a rule. It is proposed only if they
are fewer than the failures.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from clawtrace_otel.costcraft.miners.arguments import Arguments, is_name, read_arguments
from clawtrace_otel.costcraft.miners.episode import Episode, StepName, costs, episodes
from clawtrace_otel.costcraft.miners.miner import patch_id, per_run, support_of
from clawtrace_otel.costcraft.miners.repair import Repair, breaks, differences, rule_of, told
from clawtrace_otel.costcraft.model import Interval, Patch, Pattern, Section, StepRef
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.semconv.content import shown_error
from clawtrace_otel.tracecard.model import StepLine

NAME = "repaired_call"

MAX_TOLD = 3
"""Explanations of evaluators that a patch shows."""

MIN_CHARS = 3
"""Shorter values come up in any result."""

_TRANSIENT = re.compile(
    r"timeout|timed_?out|connection|rate_?limit|unavailable|429|50[234]", re.IGNORECASE
)
"""Classes of errors that pass by themselves."""


class _Mended(NamedTuple):
    """A repair of an episode, and what was spent on it; the first repair of an episode has it."""

    episode: Episode
    repair: Repair
    spent: Interval | None


@dataclass(frozen=True, slots=True)
class RepairMiner:
    """Looks for failures that were repaired.

    Attributes:
        name: of its patterns.
        section: where its rules stand.
        counted: what leaving out single steps saves already, in USD.
    """

    name: str = NAME
    section: Section = "Workflow"
    counted: Mapping[StepName, float] = field(default_factory=dict)

    def wording(self, patterns: Sequence[Pattern]) -> str:
        """A sentence for each pattern."""
        return " ".join(rule_of(Repair.of(p.detail), p.tool) for p in patterns)

    def mine(self, runs: Sequence[Run]) -> Iterator[Patch]:
        """A patch for each repair of which fewer calls show that it is not needed."""
        found: dict[Pattern, list[_Mended]] = defaultdict(list)
        for run in runs:
            of_run = episodes(run)
            spent = dict(costs(of_run, self.counted))
            for episode in of_run:
                for repair in repairs(episode):
                    pattern = Pattern(miner=NAME, tool=_tool(episode), detail=repair.detail)
                    found[pattern].append(_Mended(episode, repair, spent.pop(episode, None)))
        for pattern in sorted(found, key=lambda p: (p.tool, p.detail)):
            patch = self._patch(pattern, found[pattern], runs)
            if len(patch.counter_evidence) < len(patch.steps):
                yield patch

    def _patch(self, pattern: Pattern, found: Sequence[_Mended], runs: Sequence[Run]) -> Patch:
        repair = found[0].repair
        steps = [ref for mended in found for ref in _refs(mended)]
        return Patch(
            id=patch_id("repair", pattern),
            action="repair",
            rule=self.wording([pattern]),
            section=self.section,
            pattern=pattern,
            rung="dependency" if repair.kind == "first" and repair.key else "proxy",
            support=support_of([mended.episode.run for mended in found], runs),
            saves_usd_per_run=per_run([ref.saves_usd for ref in steps], runs),
            oracle=[*map(_oracle, found), *_told(found)],
            steps=steps,
            counter_evidence=[
                _ref(run, step, "harmful: it succeeded as the failed calls were")
                for run in runs
                for step in _unneeded(run, pattern.tool, repair)
            ],
        )


MINER = RepairMiner()


def repairs(episode: Episode) -> list[Repair]:
    """What was different when the call succeeded; nothing if no rule can say it."""
    run, failed, succeeded = episode.run, episode.failed[-1], episode.succeeded
    args = run.args(failed["n"])
    if args and args == run.args(succeeded["n"]):
        return _same_call(episode)
    before, after = read_arguments(args), read_arguments(run.args(succeeded["n"]))
    if before is None or after is None:
        return []
    return differences(before, after) or list(islice(_brought(episode, before, after), 1))


def _same_call(episode: Episode) -> list[Repair]:
    """What came before the success of a call that was not changed."""
    others = {call["tool"] for call in episode.between} - {_tool(episode)}
    if len(others) == 1 and _is_missing(other := others.pop(), episode):
        return [Repair("first", new=other)]
    error = _error(episode.failed[-1])
    is_transient = not episode.between and _TRANSIENT.search(error)
    return [Repair("again", old=error)] if is_transient else []


def _is_missing(tool: str, episode: Episode) -> bool:
    """Whether a tool is what the failed call lacked: it only reads, or was never called before.

    A test that fails until a file is mended is no call that was made in the wrong order.
    """
    run, failed = episode.run, episode.failed[0]
    if all(call["n"] in run.reading for call in episode.between if call["tool"] == tool):
        return True
    return not any(
        step.get("tool") == tool and step.get("under") == failed.get("under")
        for step in run.steps
        if step["n"] < failed["n"]
    )


def _brought(episode: Episode, before: Arguments, after: Arguments) -> Iterator[Repair]:
    """Arguments whose new value was first seen in the result of another tool in between."""
    known = list(_texts_until(episode.run, episode.failed[-1]["n"]))
    for path, values in after.values.items():
        new = {value for value in values - before.values.get(path, set()) if _is_telling(value)}
        if not new or not is_name(path) or any(_has(text, v) for text in known for v in new):
            continue
        for call in reversed(episode.between):
            result = episode.run.texts(call["n"]).result
            if "error" not in call and all(_has(result, value) for value in new):
                yield Repair("first", path, new=call["tool"])
                break


def _texts_until(run: Run, last: int) -> Iterator[str]:
    """What was said, asked and answered in a run up to a step."""
    for step in run.steps:
        if step["n"] <= last:
            yield from run.texts(step["n"])


def _is_telling(value: str) -> bool:
    return len(value) >= MIN_CHARS


def _has(text: str, value: str) -> bool:
    """Whether a value stands in a text, not within a longer word; JSON may have escaped it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return any(
        form in text and re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text)
        for form in {value, escaped}
    )


def _unneeded(run: Run, tool: str, repair: Repair) -> Iterator[StepLine]:
    """Calls that succeeded though they were as the failed one was."""
    earlier: set[tuple[int, str]] = set()
    for step in run.steps:
        if "tool" not in step:
            continue
        agent = step.get("under", 0)
        if step["tool"] == tool and "error" not in step:
            if repair.kind == "first":
                is_unneeded = (agent, repair.new) not in earlier
            else:
                arguments = read_arguments(run.args(step["n"])) if repair.kind != "again" else None
                is_unneeded = arguments is not None and breaks(repair, arguments)
            if is_unneeded:
                yield step
        earlier.add((agent, step["tool"]))


def _refs(mended: _Mended) -> Iterator[StepRef]:
    """The failures; what all of them cost is the first one's."""
    episode, after = mended.episode, told(mended.repair)
    for failed in episode.failed:
        check = (
            f"failed with {_error(failed)}; step {episode.succeeded['n']} succeeded after {after}"
        )
        is_first = failed is episode.failed[0]
        yield _ref(episode.run, failed, check, mended.spent if is_first else None)


def _ref(run: Run, step: StepLine, check: str, saves: Interval | None = None) -> StepRef:
    return StepRef(
        trace_id=run.trace_id, n=step["n"], check=check, passed=run.passed, saves_usd=saves
    )


def _oracle(mended: _Mended) -> str:
    episode = mended.episode
    failed = episode.failed[-1]
    return (
        f"run {episode.run.trace_id}: step {failed['n']} failed with {_error(failed)}, "
        f"step {episode.succeeded['n']} succeeded after {told(mended.repair)}"
    )


def _told(found: Sequence[_Mended]) -> Iterator[str]:
    """What evaluators said of the runs that failed in the end."""
    runs = {mended.episode.run.trace_id: mended.episode.run for mended in found}
    failed = {name: run for name, run in runs.items() if run.passed is False}
    texts = (f"run {name} failed: {text}" for name, run in failed.items() for text in run.evidence)
    return islice(texts, MAX_TOLD)


def _tool(episode: Episode) -> str:
    return episode.succeeded["tool"]


def _error(step: StepLine) -> str:
    """The class of an error, without its message."""
    kind = shown_error(step["error"], "none")
    return "an error" if kind == "error" else kind
