"""Log records of coding agents: one call with its span, or a card of their own."""

from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from clawtrace_otel.collector.journal import sqlite as journal
from clawtrace_otel.semconv.log_records import session_trace
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import read_card
from tests.collector import otlp, peers
from tests.collector.peers import InProcess, export, refused
from tests.collector.sinks import GrpcSink
from tests.collector.test_durability import locked

HOME = session_trace("agent", "s1")
COST = 0.007338


def spans(*, agent: int = 1) -> bytes:
    """A run with one call of the model."""
    call = otlp.llm(
        2,
        agent,
        1,
        gen_ai__provider__name="anthropic",
        gen_ai__request__model="claude-sonnet-4-5",
        gen_ai__response__id="req_2",
    )
    return otlp.body(call, otlp.root(agent))


def records(*, agent: int = 0, requests: tuple[int, ...] = (2,)) -> bytes:
    """What the agent logs of calls; without a number of its trace it names none."""
    made = ExportLogsServiceRequest()
    resource = made.resource_logs.add()
    resource.resource.attributes.append(otlp.key_value("service.name", "agent"))
    for n in requests:
        record = resource.scope_logs.add().log_records.add()
        record.body.string_value = "claude_code.api_request"
        record.time_unix_nano = otlp.START_NS + (n + 1) * otlp.SECOND_NS
        if agent:
            record.trace_id = bytes.fromhex(otlp.trace_id(agent))
            record.span_id = (1).to_bytes(8, "big")
        values = {
            "session.id": "s1",
            "model": "claude-sonnet-4-5",
            "input_tokens": 1000,
            "output_tokens": 100,
            "cost_usd": COST,
            "duration_ms": 900,
            "request_id": f"req_{n}",
        }
        record.attributes.extend(otlp.key_value(key, value) for key, value in values.items())
    return made.SerializeToString()


def is_joined(card: Card) -> bool:
    return peers.is_complete(card) and card["total"]["cost_usd"] == COST


def calls(card: Card) -> tuple[int, object]:
    return card["total"]["llm_calls"], card["total"]["cost_usd"]


@pytest.mark.parametrize("agent", [0, 1], ids=["without a trace", "with its trace"])
@pytest.mark.parametrize(
    "order",
    [
        ("spans", "logs"),
        ("logs", "spans"),
        ("logs", "spans", "logs", "spans"),
        ("spans", "logs", "logs", "spans"),
    ],
    ids=" ".join,
)
def test_a_span_and_its_record_are_one_call_with_the_cost_of_the_record(
    tmp_path: Path, agent: int, order: tuple[str, ...]
) -> None:
    with InProcess(tmp_path) as service:
        for what in order:
            if what == "spans":
                export(service.grpc, spans())
            else:
                export(service.grpc, records(agent=agent), peers.LOGS)
        card = peers.card(service.cards, where=is_joined)
    assert calls(card) == (1, COST)
    assert [line.get("merged") for line in card["steps"]] == [2]
    assert [path.stem for path in service.cards.glob("*.yaml")] == [otlp.trace_id(1)]


def test_the_card_of_a_session_goes_when_its_records_turn_out_to_have_a_trace(
    tmp_path: Path,
) -> None:
    with InProcess(tmp_path) as service:
        home = service.cards / f"{HOME}.yaml"
        export(service.grpc, records(), peers.LOGS)
        peers.until(lambda: home.exists())
        assert calls(read_card(home)) == (1, COST)
        export(service.grpc, spans())
        peers.card(service.cards, where=is_joined)
        peers.until(lambda: not home.exists())
        export(service.grpc, records(), peers.LOGS)
    assert [path.stem for path in service.cards.glob("*.yaml")] == [otlp.trace_id(1)]


def test_an_agent_that_only_logs_has_a_card_for_each_session(tmp_path: Path) -> None:
    with InProcess(tmp_path) as service:
        home = service.cards / f"{HOME}.yaml"
        for _ in range(2):
            export(service.grpc, records(requests=(2, 4)), peers.LOGS)
        peers.until(lambda: home.exists() and calls(read_card(home)) == (2, 2 * COST))
        export(service.grpc, records(requests=(6,)), peers.LOGS)
        peers.until(lambda: calls(read_card(home)) == (3, pytest.approx(3 * COST)))
        assert read_card(home)["session"] == "s1"


def test_a_record_finds_its_span_after_a_restart(tmp_path: Path) -> None:
    slow: dict[str, object] = {"settle_seconds": 600.0, "refresh_seconds": 0.2}
    with InProcess(tmp_path, **slow) as service:
        export(service.grpc, records(), peers.LOGS)
    with InProcess(tmp_path, **slow) as service:
        export(service.grpc, spans())
        card = peers.card(service.cards, where=is_joined)
        assert calls(card) == (1, COST)
        peers.until(lambda: not (service.cards / f"{HOME}.yaml").exists())


def test_records_are_not_sent_on_and_change_no_span_that_is(tmp_path: Path) -> None:
    with GrpcSink() as sink, InProcess(tmp_path, forward=sink.url) as service:
        export(service.grpc, records(agent=1), peers.LOGS)
        export(service.grpc, spans())
        peers.until(lambda: len(otlp.spans_of(sink.taken)) == 2)
    sent = {span.name: otlp.attributes_of(span) for span in otlp.spans_of(sink.taken)}
    assert sent["span 2"]["clawtrace.cost.usd"] == pytest.approx(0.0045)


def test_what_a_failed_commit_brought_together_is_brought_together_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_BUSY_SECONDS", 0.1)
    with InProcess(tmp_path) as service:
        export(service.grpc, records(), peers.LOGS)
        with locked(service.journal):
            refused(service.grpc, spans())
        export(service.grpc, spans())
        card = peers.card(service.cards, where=is_joined)
        peers.until(lambda: not (service.cards / f"{HOME}.yaml").exists())
    assert calls(card) == (1, COST)
