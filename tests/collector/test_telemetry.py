"""Metrics of the service: as the Collector has them, and our own."""

import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from clawtrace_otel.collector.telemetry import table as t
from clawtrace_otel.collector.telemetry.metrics import Amounts, ServiceMetrics
from clawtrace_otel.collector.telemetry.span_count import span_count
from tests import telemetry_page
from tests.collector import otlp, peers
from tests.collector.peers import InProcess, Program, export

COLLECTORS: dict[str, tuple[str, set[str]]] = {
    "otelcol_receiver_accepted_spans": ("counter", {"receiver", "transport"}),
    "otelcol_receiver_refused_spans": ("counter", {"receiver", "transport"}),
    "otelcol_receiver_failed_spans": ("counter", {"receiver", "transport"}),
    "otelcol_exporter_sent_spans": ("counter", {"exporter"}),
    "otelcol_exporter_send_failed_spans": ("counter", {"exporter"}),
    "otelcol_exporter_enqueue_failed_spans": ("counter", {"exporter"}),
    "otelcol_exporter_queue_size": ("gauge", {"exporter"}),
    "otelcol_exporter_queue_capacity": ("gauge", {"exporter"}),
    "otelcol_exporter_in_flight_requests": ("gauge", {"exporter"}),
    "otelcol_process_uptime": ("counter", set()),
    "otelcol_process_cpu_seconds": ("counter", set()),
    "otelcol_process_memory_rss": ("gauge", set()),
}
"""What a Collector v0.159 shows on its port 8888, and dashboards ask for."""


def samples(text: bytes) -> dict[str, float]:
    """Each sample of Prometheus text, by its name and labels in order.

    The library's own reader puts ``_total`` behind the name of a counter that has none.
    """
    assert b"_total" not in text
    assert b"_created" not in text
    return {
        sample.name.removesuffix("_total")
        + "".join(f",{k}={v}" for k, v in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def all_observed() -> ServiceMetrics:
    metrics = ServiceMetrics()
    for gauge in t.METRICS:
        if gauge.kind == "gauge" and gauge is not t.PROCESS_MEMORY_RSS:
            metrics.observe(gauge, lambda: 1)
    return metrics


def scrape(service: InProcess) -> dict[str, float]:
    with urllib.request.urlopen(f"http://{service.metrics}/metrics", timeout=10) as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return samples(response.read())


def test_names_kinds_and_labels_are_the_collectors() -> None:
    ours = {m.name: (m.kind, set(m.labels)) for m in t.METRICS if m.name.startswith("otelcol_")}
    assert ours == COLLECTORS


def test_every_metric_of_the_table_is_shown_under_its_name_and_none_else() -> None:
    lines = all_observed().text().decode().splitlines()
    kinds = dict(line.split()[2:4] for line in lines if line.startswith("# TYPE"))
    assert kinds == {m.name: m.kind for m in t.METRICS}


def test_every_value_of_a_label_is_shown_before_anything_is_counted() -> None:
    found = samples(all_observed().text())
    for metric in t.METRICS:
        for label, values in metric.labels.items():
            for value in values:
                assert any(
                    key.startswith(metric.name) and f",{label}={value}" in key for key in found
                )


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (
            lambda m: m.accepted("grpc", 5),
            {"otelcol_receiver_accepted_spans,receiver=otlp,transport=grpc": 5},
        ),
        (
            lambda m: m.refused("http", "overload", 3),
            {
                "otelcol_receiver_refused_spans,receiver=otlp,transport=http": 3,
                "clawtrace_refused_requests,reason=overload": 1,
            },
        ),
        (
            lambda m: m.refused("grpc", "unauthenticated"),
            {"clawtrace_refused_requests,reason=unauthenticated": 1},
        ),
        (
            lambda m: m.failed("http", 2),
            {"otelcol_receiver_failed_spans,receiver=otlp,transport=http": 2},
        ),
        (lambda m: m.rejected("invalid_id", 4), {"clawtrace_rejected_spans,reason=invalid_id": 4}),
        (lambda m: m.sent(7), {"otelcol_exporter_sent_spans,exporter=otlp": 7}),
        (lambda m: m.send_failed(6), {"otelcol_exporter_send_failed_spans,exporter=otlp": 6}),
        (lambda m: m.late(2), {"clawtrace_late_spans": 2}),
        (lambda m: m.damaged(3), {"clawtrace_damaged_rows": 3}),
        (
            lambda m: m.budget_crossed("session", 75),
            {"clawtrace_budget_crossings,percent=75,scope=session": 1},
        ),
        (
            lambda m: m.closed(Amounts(1.5, 0.25, 2)),
            {
                "clawtrace_traces_closed": 1,
                "clawtrace_cost_usd": 1.5,
                "clawtrace_service_cost_usd,service=unknown_service": 1.5,
                "clawtrace_waste_usd": 0.25,
                "clawtrace_unpriced_calls": 2,
            },
        ),
    ],
)
def test_a_count_changes_what_it_names_and_nothing_else(
    count: Callable[[ServiceMetrics], None], expected: dict[str, float]
) -> None:
    metrics = ServiceMetrics()
    count(metrics)
    changed = {k: v for k, v in samples(metrics.text()).items() if v and "_process_" not in k}
    assert changed == expected


def test_the_time_of_a_card_is_in_its_buckets() -> None:
    metrics = ServiceMetrics()
    metrics.card_written(0.02, is_revision=False)
    metrics.card_written(3, is_revision=True)
    found = samples(metrics.text())
    assert found["clawtrace_cards_written"] == 2
    assert found["clawtrace_revisions"] == 1
    assert found["clawtrace_card_write_seconds_bucket,le=0.01"] == 0
    assert found["clawtrace_card_write_seconds_bucket,le=0.025"] == 1
    assert found["clawtrace_card_write_seconds_bucket,le=+Inf"] == 2
    assert found["clawtrace_card_write_seconds_sum"] == 3.02


def test_the_time_to_an_acknowledgement_is_told_for_each_transport() -> None:
    metrics = ServiceMetrics()
    metrics.acknowledged("http", 0.02)
    found = samples(metrics.text())
    assert found["clawtrace_ack_seconds_bucket,le=0.025,transport=http"] == 1
    assert found["clawtrace_ack_seconds_count,transport=grpc"] == 0


def test_services_are_told_apart_up_to_a_bound_and_no_cost_is_lost() -> None:
    metrics = ServiceMetrics()
    for n in range(150):
        metrics.closed(Amounts(cost_usd=1.0, service=f"service {n}"))
    metrics.closed(Amounts(cost_usd=2.0, service="service 1"))
    found = samples(metrics.text())
    services = {k: v for k, v in found.items() if k.startswith("clawtrace_service_cost_usd")}
    assert len(services) == 100
    assert services["clawtrace_service_cost_usd,service=service 1"] == 3
    assert services["clawtrace_service_cost_usd,service=other"] == 51
    assert sum(services.values()) == found["clawtrace_cost_usd"]


amounts = st.builds(
    Amounts,
    cost_usd=st.integers(0, 1000).map(float),
    waste_usd=st.integers(0, 1000).map(float),
    unpriced_calls=st.integers(0, 50),
)


@settings(max_examples=30)
@given(st.lists(st.lists(amounts, min_size=1, max_size=4), max_size=4))
def test_money_never_goes_down_and_a_trace_counts_once(traces: list[list[Amounts]]) -> None:
    metrics = ServiceMetrics()
    last = 0.0
    for cards in traces:
        before = None
        for card in cards:
            metrics.closed(card, before)
            before = card
            now = samples(metrics.text())["clawtrace_cost_usd"]
            assert now >= last
            last = now
    assert samples(metrics.text())["clawtrace_traces_closed"] == len(traces)
    rises = sum(rise(card.cost_usd for card in cards) for cards in traces)
    assert last == rises


def rise(values: Iterable[float]) -> float:
    """All upward steps from 0 on."""
    total = before = 0.0
    for value in values:
        total += max(0.0, value - before)
        before = value
    return total


def test_a_card_gives_its_amounts_and_an_unknown_cost_is_nothing(tmp_path: Path) -> None:
    unknown = otlp.llm(2, trace=2, gen_ai__request__model="no-such-model")
    more = [otlp.llm(n, 1, 1, gen_ai__usage__input_tokens=n * 1000) for n in (4, 6)]
    run = [otlp.llm(2, 1, 1), otlp.tool(3, 1, 1), more[0], otlp.tool(5, 1, 1), more[1], otlp.root()]
    with InProcess(tmp_path, read_only_tools="read_*") as service:
        export(service.grpc, otlp.body(*run))
        export(service.grpc, otlp.body(unknown))
        priced = peers.card(service.cards, 1, where=peers.is_complete)
        unpriced = peers.card(service.cards, 2)
    total = priced["total"]
    assert total["waste_usd"][0] > 0
    found = Amounts.of_card(priced)
    assert (found.cost_usd, found.waste_usd) == (total["cost_usd"], total["waste_usd"][0])
    assert found.cost_usd > 0
    assert (found.service, found.tokens) == ("agent", total["tokens"])
    assert unpriced["total"]["cost_usd"] is None
    found = Amounts.of_card(unpriced)
    assert (found.cost_usd, found.waste_usd, found.unpriced_calls) == (0.0, 0.0, 1)


def test_threads_lose_no_count() -> None:
    metrics = ServiceMetrics()

    def count() -> None:
        for _ in range(1000):
            metrics.accepted("http", 2)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = samples(metrics.text())
    assert found["otelcol_receiver_accepted_spans,receiver=otlp,transport=http"] == 16_000


def test_a_gauge_is_asked_at_each_scrape_and_one_that_fails_costs_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics = ServiceMetrics()
    values = iter([3.0, 4.0])
    metrics.observe(t.TRACES_OPEN, lambda: next(values))
    metrics.observe(t.JOURNAL_SIZE_BYTES, lambda: 1 / 0)
    assert samples(metrics.text())["clawtrace_traces_open"] == 3
    found = samples(metrics.text())
    assert found["clawtrace_traces_open"] == 4
    assert str(found["clawtrace_journal_size_bytes"]) == "nan"
    assert caplog.text.count("the metric clawtrace_journal_size_bytes cannot be read") == 1


def test_spans_of_an_encoded_request_are_counted() -> None:
    request = otlp.request(*otlp.run(1))
    request.resource_spans.add().scope_spans.add().spans.add(name="more")
    assert span_count(request.SerializeToString()) == len(otlp.run(1)) + 1
    assert span_count(b"") == 0


def test_the_service_shows_its_process_and_who_it_is(tmp_path: Path) -> None:
    with InProcess(tmp_path) as service:
        first = scrape(service)
        time.sleep(0.05)
        second = scrape(service)
    assert 0 < first["otelcol_process_uptime"] < second["otelcol_process_uptime"]
    assert 0 < first["otelcol_process_cpu_seconds"] <= second["otelcol_process_cpu_seconds"]
    assert first["otelcol_process_memory_rss"] > 10 << 20
    (target,) = [key for key in first if key.startswith("target_info")]
    assert ",service_name=clawtrace-collector" in target
    assert ",service_instance_id=" in target


def test_two_starts_are_two_instances(tmp_path: Path) -> None:
    infos = set()
    for n in range(2):
        with InProcess(tmp_path / str(n)) as service:
            infos |= {key for key in scrape(service) if key.startswith("target_info")}
    assert len(infos) == 2


def test_nothing_listens_where_metrics_and_health_are_off(tmp_path: Path) -> None:
    with InProcess(tmp_path, metrics="", health="") as service:
        assert (service.metrics, service.health) == ("", "")
        assert service.grpc


@pytest.mark.parametrize("setting", ["metrics", "health"])
def test_a_taken_port_is_named_with_its_flag(tmp_path: Path, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        program = Program(tmp_path, **{setting: address})
        program.launch()
        assert program.wait() == 1
    assert f"cannot listen on {address} for {setting}" in program.log
    assert f'choose another with --{setting}, or none with --{setting} ""' in program.log


@pytest.mark.parametrize("setting", ["metrics", "health"])
def test_an_address_that_is_none_is_named_with_its_flag(tmp_path: Path, setting: str) -> None:
    program = Program(tmp_path, **{setting: "8888"})
    program.launch()
    assert program.wait() == 1
    assert f"it must be host:port; choose another with --{setting}" in program.log


def test_metrics_and_health_answer_until_all_else_has_stopped(tmp_path: Path) -> None:
    """Forwarding is given its time, as the receiver takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        forward = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Program(tmp_path, forward=forward) as service:
            body = otlp.request(otlp.llm(1)).SerializeToString()
            headers = {"Content-Type": "application/x-protobuf"}
            post = urllib.request.Request(f"http://{service.http}/v1/traces", body, headers)
            urllib.request.urlopen(post, timeout=10).close()
            stopping = threading.Thread(target=service.end)
            stopping.start()
            peers.until(lambda: health_status(service.health) == 503)
            with urllib.request.urlopen(f"http://{service.health}/live", timeout=10) as live:
                assert live.status == 200
            with urllib.request.urlopen(f"http://{service.metrics}/metrics", timeout=10) as shown:
                assert b"otelcol_process_uptime" in shown.read()
            stopping.join()
            assert service.wait() == 0


def health_status(address: str) -> int:
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=10) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as e:
        with e:
            return e.code


def test_the_page_has_the_table_of_the_code() -> None:
    text = telemetry_page.PAGE.read_text(encoding="utf-8")
    assert text == telemetry_page.with_tables(text), "run python -m tests.telemetry_page"


def test_every_reason_is_explained() -> None:
    text = telemetry_page.PAGE.read_text(encoding="utf-8")
    for metric in (t.REFUSED_REQUESTS, t.REJECTED_SPANS):
        for reason in metric.labels["reason"]:
            assert f"* `{reason}`: " in text
