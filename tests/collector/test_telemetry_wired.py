"""The whole service counts what it does and sends spans of it, without end or echo."""

import time
from pathlib import Path

import pytest

from tests.collector import otlp, peers
from tests.collector.peers import InProcess, export, post
from tests.collector.sinks import GrpcSink, free_port
from tests.collector.test_own_traces import received, values
from tests.collector.test_telemetry import scrape

ACCEPTED = "otelcol_receiver_accepted_spans,receiver=otlp,transport="


def test_what_is_acknowledged_is_counted_by_the_way_it_came(tmp_path: Path) -> None:
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(*otlp.run(1)))
        post(service.http, otlp.body(*otlp.run(2)))
        peers.card(service.cards, 1, where=peers.is_complete)
        peers.card(service.cards, 2, where=peers.is_complete)
        peers.until(lambda: scrape(service)["clawtrace_traces_closed"] == 2)
        found = scrape(service)
    assert found[ACCEPTED + "grpc"] == found[ACCEPTED + "http"] == len(otlp.run())
    assert found["clawtrace_cards_written"] >= 2
    assert found["clawtrace_card_write_seconds_count"] == found["clawtrace_cards_written"]
    for transport in ("grpc", "http"):
        assert found[f"clawtrace_ack_seconds_count,transport={transport}"] == 1
    assert found["clawtrace_tokens,type=input"] == 4000
    assert found["clawtrace_service_cost_usd,service=agent"] == found["clawtrace_cost_usd"] > 0
    assert found["clawtrace_max_pending_bytes"] == 64 * 1024 * 1024


def test_a_request_and_its_card_are_spans_of_another_service(tmp_path: Path) -> None:
    with (
        GrpcSink() as sink,
        InProcess(tmp_path / "target", forward=sink.url) as target,
        InProcess(tmp_path / "own", own_traces=f"http://{target.grpc}") as service,
    ):
        export(service.grpc, otlp.body(*otlp.run()))
        peers.card(service.cards, where=peers.is_complete)
        service.stop()
        spans = {span.name: span for span in peers.until(lambda: list(received(sink)))}
        peers.until(
            lambda: {s.name for s in received(sink)} == {"clawtrace.ingest", "clawtrace.card"}
        )
        spans = {span.name: span for span in received(sink)}
    assert values(spans["clawtrace.ingest"])["clawtrace.ingest.spans"] == len(otlp.run())
    assert values(spans["clawtrace.card"])["clawtrace.card.trace_id"] == otlp.trace_id(1)


def test_two_services_that_send_to_each_other_come_to_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    port = free_port()
    with (
        InProcess(tmp_path / "a", own_traces=f"http://127.0.0.1:{port}") as a,
        InProcess(tmp_path / "b", grpc=f"127.0.0.1:{port}", own_traces=f"http://{a.grpc}") as b,
    ):
        export(a.grpc, otlp.body(*otlp.run()))
        peers.card(a.cards, where=peers.is_complete)
        peers.until(lambda: scrape(b)[ACCEPTED + "grpc"] >= 2)
        time.sleep(0.5)
        before = scrape(a)[ACCEPTED + "grpc"], scrape(b)[ACCEPTED + "grpc"]
        time.sleep(1)
        assert before == (scrape(a)[ACCEPTED + "grpc"], scrape(b)[ACCEPTED + "grpc"])
        assert before[0] == len(otlp.run())
