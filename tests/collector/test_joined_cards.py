"""An agent that has a trace of its own is on the card of the agent that called it."""

import time
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector import otlp, peers
from tests.collector.peers import InProcess, export


def agent(n: int, trace: int, start: int, end: int, **attributes: object) -> Span:
    """An agent span from one second to another."""
    given = {"gen_ai__operation__name": "invoke_agent", "gen_ai__agent__name": f"agent {trace}"}
    made = otlp.span(n, trace, 0, **given, **attributes)
    made.start_time_unix_nano = otlp.START_NS + start * otlp.SECOND_NS
    made.end_time_unix_nano = otlp.START_NS + end * otlp.SECOND_NS
    return made


def two_traces(how: str) -> tuple[list[Span], list[Span]]:
    """A parent that calls an agent from second 3 on, and the trace of that agent.

    Both are LLM call, tool call; the root comes last.
    """
    named: dict[str, object] = {"gen_ai__conversation__id": "conv"} if how == "session" else {}
    waiting = otlp.tool(3, 1, 1, **{**named, "gen_ai__tool__name": "research"})
    waiting.end_time_unix_nano = otlp.START_NS + 9 * otlp.SECOND_NS
    parent = [otlp.llm(2, 1, 1), waiting, agent(1, 1, 1, 12, **named)]
    root = agent(4, 2, 4, 8, **named)
    if how == "link":
        root.links.append(Span.Link(trace_id=waiting.trace_id, span_id=waiting.span_id))
    child = [otlp.llm(5, 2, 4), otlp.tool(6, 2, 4), root]
    return parent, child


def on_disk(service: InProcess) -> list[str]:
    return sorted(path.stem for path in service.cards.glob("*.yaml"))


def is_one_card(service: InProcess) -> None:
    """Wait for one card with both traces, the agent below the tool that waited for it."""
    card = peers.card(
        service.cards,
        where=lambda c: peers.is_complete(c) and c["total"]["llm_calls"] == 2,
    )
    below = next(step for step in card["steps"] if "agent" in step)
    tool = next(step for step in card["steps"] if step.get("tool") == "research")
    assert (below["agent"], below["by"], below["llm_calls"]) == ("agent 2", tool["n"], 1)
    peers.until(lambda: on_disk(service) == [otlp.trace_id(1)])


HOW = pytest.mark.parametrize("how", ["session", "link"])


@HOW
@pytest.mark.parametrize("parent_first", [True, False])
def test_both_traces_have_one_card_whichever_came_in_first(
    tmp_path: Path, how: str, parent_first: bool
) -> None:
    """The second comes late, when the card of the first is closed; a card of its own is removed."""
    parent, child = two_traces(how)
    order = [(1, parent), (2, child)] if parent_first else [(2, child), (1, parent)]
    with InProcess(tmp_path) as service:
        (first, spans), (_, others) = order
        export(service.grpc, otlp.body(*spans))
        peers.card(service.cards, first, where=peers.is_complete)
        export(service.grpc, otlp.body(*others))
        is_one_card(service)


@HOW
def test_a_parent_that_still_runs_shows_an_agent_that_has_ended(tmp_path: Path, how: str) -> None:
    parent, child = two_traces(how)
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(*parent[:2]))
        export(service.grpc, otlp.body(*child))
        card = peers.card(service.cards, where=lambda c: c["total"]["llm_calls"] == 2)
        assert card["status"] == "open"
        peers.until(lambda: on_disk(service) == [otlp.trace_id(1)])
        export(service.grpc, otlp.body(parent[2]))
        is_one_card(service)
        assert peers.card(service.cards)["revision"] == 1


@HOW
def test_spans_that_are_delivered_again_change_nothing(tmp_path: Path, how: str) -> None:
    parent, child = two_traces(how)
    with InProcess(tmp_path) as service:
        for _ in range(2):
            export(service.grpc, otlp.body(*child, *parent))
        is_one_card(service)
        before = (service.cards / f"{otlp.trace_id(1)}.yaml").read_bytes()
        for spans in (parent, child):
            export(service.grpc, otlp.body(*spans))
        service.stop()
        assert (service.cards / f"{otlp.trace_id(1)}.yaml").read_bytes() == before
        assert on_disk(service) == [otlp.trace_id(1)]


def test_an_agent_whose_sender_is_not_traced_has_its_own_card(tmp_path: Path) -> None:
    _, child = two_traces("link")
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(*child))
        card = peers.card(service.cards, 2, where=peers.is_complete)
        assert card["trace_id"] == otlp.trace_id(2)
        service.stop()
        assert on_disk(service) == [otlp.trace_id(2)]


@HOW
def test_a_restart_while_the_parent_runs_keeps_the_agents_that_have_ended(
    tmp_path: Path, how: str
) -> None:
    parent, child = two_traces(how)
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(*parent[:2], *child))
        peers.card(service.cards, where=lambda c: c["total"]["llm_calls"] == 2)
        time.sleep(1)  # five times as long as it takes to close what has ended
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(parent[2]))
        is_one_card(service)
