"""What happened between two calls, as far as tau2's own files and the tools' makers say."""

from functools import cache

from clawtrace_otel.costcraft.gates.context import StepName
from clawtrace_otel.costcraft.replay.interface import Episode
from clawtrace_otel.costcraft.replay.tau2.environment import Tau2
from clawtrace_otel.semconv.canonical import text_of
from tests.evidence.recorded_runs import Domain, files_of, runs_in, runs_of


@cache
def episodes(domain: Domain) -> dict[str, Episode]:
    """The runs of a domain, by trace id, ready to be played."""
    tau2 = Tau2()
    found = [each for path in files_of(domain) for each in tau2.episodes(runs_of(path))]
    return {each.trace_id: each for each in found if isinstance(each, Episode)}


@cache
def undisturbed(domain: Domain) -> frozenset[StepName]:
    """Calls that equal an earlier one while nothing in between may have changed anything.

    A tool that is not known to read may have, and so may any call of the user's.
    """
    reading = {run.trace_id: run.reading for run in runs_in(domain, "tools configured")}
    return frozenset(
        (trace_id, n)
        for trace_id, episode in episodes(domain).items()
        for n in undisturbed_calls(episode, reading[trace_id])
    )


def undisturbed_calls(episode: Episode, reading: frozenset[int]) -> list[int]:
    """Those of one run.

    Args:
        episode: the run.
        reading: numbers of the calls that only read.
    """
    found: list[int] = []
    since: set[tuple[str, str]] = set()
    for call in episode.calls:
        key = (call.tool, text_of(dict(call.arguments)))
        if call.n is None or call.n not in reading:
            since.clear()
            continue
        if key in since:
            found.append(call.n)
        since.add(key)
    return found
