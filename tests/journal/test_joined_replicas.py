"""An agent in a trace of its own is on its caller's card, although another replica took it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector import otlp, peers
from tests.collector.peers import InProcess, export
from tests.collector.test_joined_cards import HOW, is_one_card, two_traces
from tests.journal.replicas import shared

Services = tuple[InProcess, InProcess]

NO_ADOPTION = {"settle_seconds": 2}
"""Else each would take up, and so see, what the other one has open for longer than that."""


@pytest.fixture(name="services")
def _services(tmp_path: Path, postgres_url: str) -> Iterator[Services]:
    given = shared(tmp_path, postgres_url, idle_seconds=60, **NO_ADOPTION)
    for n in (1, 2):
        (tmp_path / str(n)).mkdir()
    with InProcess(tmp_path / "1", **given) as one, InProcess(tmp_path / "2", **given) as two:
        for service in (one, two):
            service.cards = tmp_path / "cards"
        yield one, two


def sent_apart(services: Services, traces: list[tuple[int, list[Span]]]) -> None:
    """Each trace to a replica of its own, the second when the first one's card is complete."""
    for service, (trace, spans) in zip(services, traces, strict=True):
        export(service.grpc, otlp.body(*spans))
        if trace == traces[0][0]:
            peers.card(service.cards, trace, where=peers.is_complete)


@HOW
@pytest.mark.parametrize("parent_first", [True, False])
def test_both_traces_have_one_card_whichever_replica_took_which(
    services: Services, how: str, parent_first: bool
) -> None:
    parent, child = two_traces(how)
    traces = [(1, parent), (2, child)]
    sent_apart(services, traces if parent_first else traces[::-1])
    is_one_card(services[0])


@HOW
def test_both_traces_have_one_card_if_they_come_in_at_the_same_time(
    services: Services, how: str
) -> None:
    parent, child = two_traces(how)
    export(services[0].grpc, otlp.body(*parent))
    export(services[1].grpc, otlp.body(*child))
    is_one_card(services[0])
