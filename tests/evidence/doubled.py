"""Calls made twice in a row in tau2's environments: is one with an equal result without effect?

A repeat counts as harmless if its result is equal and nothing lies between. Where nothing is known
of the tool, the repeat itself may have changed something; here it is made, and the state compared.
"""

from dataclasses import dataclass, replace
from functools import cache

from clawtrace_otel.costcraft.gates.context import StepName
from clawtrace_otel.costcraft.replay.interface import Environment, Episode
from clawtrace_otel.costcraft.replay.tau2.environment import Tau2
from tests.evidence.deletions import Kind, controls
from tests.evidence.meanwhile import episodes
from tests.evidence.recorded_runs import Domain


@dataclass(frozen=True, slots=True)
class Doubled:
    """A call that was made again at once.

    Attributes:
        equal: its result was that of the first.
        failed: its result was an error.
        acted: the final state is another than without it.
    """

    kind: Kind
    tool: str
    equal: bool
    failed: bool
    acted: bool


@cache
def doubled(domain: Domain) -> list[Doubled]:
    """The controls of a domain, each made twice in a run of its own."""
    environment = Tau2()
    return [
        double(environment, episodes(domain)[name[0]], name, kind)
        for name, kind in sorted(controls(domain).items())
    ]


def double(environment: Environment, episode: Episode, name: StepName, kind: Kind) -> Doubled:
    """Make one call of a run twice."""
    place = next(place for place, call in enumerate(episode.calls) if call.n == name[1])
    call = episode.calls[place]
    again = replace(call, n=None)
    calls = (*episode.calls[: place + 1], again, *episode.calls[place + 1 :])
    once = environment.play(episode)
    twice = environment.play(replace(episode, calls=calls))
    first, second = twice.answers[place], twice.answers[place + 1]
    return Doubled(
        kind=kind,
        tool=call.tool,
        equal=first == second,
        failed=second is not None and second.failed,
        acted=once.final != twice.final,
    )
