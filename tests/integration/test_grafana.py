"""Every query of the dashboard has an answer in a real Prometheus that scrapes the service."""

import itertools
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import grpc
import pytest

from clawtrace_otel.settings import Settings
from tests.collector import otlp, peers
from tests.collector.faults.service import Service
from tests.collector.peers import export, post
from tests.collector.sinks import GrpcAnswer, GrpcSink
from tests.grafana.dashboard import PAGE
from tests.integration.prometheus import ALERTS, JOB, Prometheus, need

SECONDS = 60.0
PAUSE_SECONDS = 0.2

STANDS_FOR = {
    "$__rate_interval": "10s",
    "$__range": "10m",
    "$job": JOB,
    "$instance": ".*",
}
"""What Grafana puts in the place of its variables."""

QUIET = {
    ("Budgets that were reached, an hour", "post {{result}}"),
    ("Spans not taken, a second", "refused {{transport}}"),
    ("Spans not taken, a second", "failed {{transport}}"),
    ("Waiting for the journal", "waiting {{instance}}"),
    ("Damaged rows", "{{instance}}"),
    ("Waiting to be sent on", "waiting {{instance}}"),
    ("Requests to be sent on", "waiting {{instance}}"),
    ("Requests to be sent on", "under way {{instance}}"),
    ("Spans sent on, a second", "refused for good"),
}
"""Lines that are at 0 in a service that works; all others rise under the load here."""

_BOARD = json.loads(PAGE.read_text(encoding="utf-8"))


def queries() -> Iterator[tuple[str, str, str]]:
    """Title of the panel, name of the line, and PromQL, of each query in the file."""
    for panel in _BOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["legendFormat"], as_promql(target["expr"])


def as_promql(text: str) -> str:
    """A query as Grafana sends it."""
    for variable, value in STANDS_FOR.items():
        text = text.replace(variable, value)
    assert "$" not in text
    return text


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It scrapes a service under a load that moves every counter."""
    need("prometheus")
    folder = tmp_path_factory.mktemp("scraped")
    with (
        GrpcSink(GrpcAnswer(grpc.StatusCode.INVALID_ARGUMENT)) as sink,
        Service(folder, forward=sink.url, read_only_tools="read_*", budget_usd=0.001) as service,
        loaded(service),
        Prometheus(folder / "prometheus", service.metrics) as started,
    ):
        yield started


@contextmanager
def loaded(service: Service) -> Iterator[None]:
    """Send again and again, until the end."""
    done = Event()
    sender = Thread(target=send, args=(service, done))
    sender.start()
    try:
        yield
    finally:
        done.set()
        sender.join()


def send(service: Service, done: Event) -> None:
    """Runs with a repeat, a late span, an unknown model, a wrong id, and what is no OTLP."""
    for trace in itertools.count(1):
        if done.wait(PAUSE_SECONDS):
            return
        # Later calls read the results before them: only so does a repeat waste anything.
        grown = [otlp.llm(n, trace, 1, gen_ai__usage__input_tokens=n * 1000) for n in (4, 6)]
        export(service.grpc, otlp.body(*otlp.run(trace)[:2], *grown, *otlp.run(trace)[3:]))
        nobody = otlp.llm(2, 100_000 + trace, gen_ai__request__model="no-such-model")
        late = otlp.llm(8, max(1, trace - 20), 1)
        wrong = otlp.llm(7, trace, 1)
        wrong.span_id = b"short"
        post(service.http, otlp.body(nobody, late, wrong))
        post(service.http, b"no OTLP")


def unanswered(prometheus: Prometheus) -> list[tuple[str, str]]:
    """Panel and line of each query that has no number, or only 0 where it must not."""
    found = []
    for title, legend, query in queries():
        known = [sample.value for sample in prometheus.ask(query) if sample.is_known]
        if not known or (not any(known) and (title, legend) not in QUIET):
            found.append((title, legend))
    return found


def test_each_query_of_the_dashboard_has_an_answer(prometheus: Prometheus) -> None:
    deadline = time.monotonic() + SECONDS
    while (silent := unanswered(prometheus)) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    assert silent == []


def evaluated(prometheus: Prometheus) -> dict[str, str] | None:
    """The health of all alerts, once each was evaluated."""
    rules = prometheus.rules()
    return rules if rules and "unknown" not in rules.values() else None


def test_the_variables_of_the_dashboard_have_values(prometheus: Prometheus) -> None:
    peers.until(lambda: prometheus.ask("clawtrace_traces_open"), SECONDS)
    asked = {
        one["name"]: as_promql(one["query"])
        for one in _BOARD["templating"]["list"]
        if one["type"] == "query"
    }
    found = {}
    for name, query in asked.items():
        series, _, label = query.removeprefix("label_values(").removesuffix(")").rpartition(", ")
        found[name] = prometheus.label_values(label, series)
    assert found["job"] == [JOB]
    assert len(found["instance"]) == 1


def test_the_numbers_are_those_of_the_service(prometheus: Prometheus) -> None:
    """One card has 4,000 tokens, so all that it counted must be a multiple."""
    found = peers.until(lambda: prometheus.ask('clawtrace_tokens{type="input"}'), SECONDS)
    assert found[0].value % 1000 == 0
    limits = prometheus.ask("clawtrace_max_pending_bytes")
    assert [one.value for one in limits] == [Settings().max_pending_bytes]


def test_each_alert_is_evaluated_without_error(prometheus: Prometheus) -> None:
    rules = peers.until(lambda: evaluated(prometheus), SECONDS)
    assert len(rules) > 5
    assert set(rules.values()) == {"ok"}


@pytest.mark.parametrize(
    "check",
    [("check", "rules", ALERTS), ("test", "rules", Path(__file__).with_name("alerts-test.yaml"))],
    ids=["check", "test"],
)
def test_alerts_fire_when_they_should_and_only_then(check: tuple[str | Path, ...]) -> None:
    done = subprocess.run(
        [need("promtool"), *map(str, check)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
