"""Failures of a tool until it succeeded, and what the agent spent on them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from clawtrace_otel.costcraft.model import Interval
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.tracecard.model import StepLine

StepName = tuple[str, int]
"""Trace id and step number."""


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """Failures of a tool on end, and the call that succeeded.

    Attributes:
        run: where.
        failed: calls of one tool by one agent.
        succeeded: the next one.
        between: what else the agent called between the last failure and the success.
    """

    run: Run
    failed: Sequence[StepLine]
    succeeded: StepLine
    between: Sequence[StepLine]

    @property
    def inside(self) -> range:
        """The step numbers between the first failure and the success."""
        return range(self.failed[0]["n"] + 1, self.succeeded["n"])


def episodes(run: Run) -> list[Episode]:
    """The failures of a run that the same tool overcame, in time order of the successes."""
    found: list[Episode] = []
    waiting: dict[tuple[int, str], list[StepLine]] = {}
    calls: dict[int, list[StepLine]] = defaultdict(list)
    for step in run.steps:
        if "tool" not in step:
            continue
        agent = step.get("under", 0)
        key = (agent, step["tool"])
        if "error" in step:
            waiting.setdefault(key, []).append(step)
        elif failed := waiting.pop(key, None):
            between = [call for call in calls[agent] if call["n"] > failed[-1]["n"]]
            found.append(Episode(run, failed, step, between))
        calls[agent].append(step)
    return found


def costs(
    of_run: Iterable[Episode], counted: Mapping[StepName, float]
) -> Mapping[Episode, Interval]:
    """What was spent from the first failure of each episode to its success, at most, in USD.

    It is the turns and sub-agents of the same agent in between, each counted for the first episode
    that it is in; not all of it need be in vain. Of a card alone it is what the card says.

    Args:
        of_run: the episodes of one run.
        counted: what leaving out single steps saves already.

    Returns:
        Episodes of unknown cost are missing.
    """
    taken: set[int] = set()
    found: dict[Episode, Interval] = {}
    for episode in of_run:
        spent = _spent(episode, taken)
        if spent is not None:
            trace_id = episode.run.trace_id
            already = fsum(counted.get((trace_id, n), 0.0) for n in episode.inside)
            found[episode] = (0.0, max(spent - already, 0.0))
        taken.update(episode.inside)
    return found


def _spent(episode: Episode, taken: set[int]) -> float | None:
    if episode.run.is_recorded:
        known = [step["usd"] for step in _turns(episode, taken) if step.get("usd") is not None]
        return fsum(usd for usd in known if usd is not None) if known else None
    first = episode.failed[0]
    if first.get("repaired_by") != episode.succeeded["n"] or not taken.isdisjoint(episode.inside):
        return None
    return first.get("until_repaired_usd")


def _turns(episode: Episode, taken: set[int]) -> Iterator[StepLine]:
    agent = episode.failed[0].get("under")
    for n in episode.inside:
        step = episode.run.by_number[n]
        if n not in taken and "tool" not in step and step.get("under") == agent:
            yield step
