"""Logs and metrics through the real Collector: one endpoint does for all three signals."""

import subprocess
from collections.abc import Iterator

import pytest

from clawtrace_otel.tracecard.model import Outcome
from tests.collector import otlp, peers
from tests.collector.peers import LOGS, export, post
from tests.collector.test_signals import evaluation
from tests.integration import chain
from tests.integration.chain import Chain
from tests.integration.programs import need

pytestmark = pytest.mark.timeout(300)  # the first test starts all of them

SECONDS = 120
ITEMS = 50

SENT = {
    "logs": "otelcol_exporter_sent_log_records",
    "metrics": "otelcol_exporter_sent_metric_points",
}
"""What telemetrygen sends -> the Collector's count of what clawtrace took."""


@pytest.fixture(scope="module", name="running")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with chain.to_a_file(tmp_path_factory.mktemp("signals")) as running:
        yield running


def test_an_evaluation_behind_the_collector_becomes_the_outcome_of_the_card(running: Chain) -> None:
    export(running.collector.grpc, otlp.body(*otlp.run(1)))
    running.card(otlp.trace_id(1))
    failed, passed = (
        evaluation(1, label, at=n).SerializeToString() for n, label in enumerate(("fail", "pass"))
    )
    export(running.collector.grpc, failed, LOGS)
    assert _outcome(running, passed=False) == {"passed": False, "by": "db_check", "evidence": []}
    assert post(running.collector.http, passed, "/v1/logs").status == 200
    assert _outcome(running, passed=True) == {"passed": True, "by": "db_check", "evidence": []}


def _outcome(running: Chain, *, passed: bool) -> Outcome:
    """Wait until the card says so."""
    return peers.card(
        running.clawtrace.cards,
        where=lambda card: card.get("outcome", {}).get("passed") is passed,
        seconds=chain.SECONDS,
    )["outcome"]


@pytest.mark.parametrize("by_http", [False, True], ids=["grpc", "http"])
@pytest.mark.parametrize("signal", SENT)
def test_other_logs_and_metrics_are_taken_and_no_error_is_logged(
    running: Chain, signal: str, by_http: bool
) -> None:
    before = running.collector.metric(SENT[signal])
    address = running.collector.http if by_http else running.collector.grpc
    command = [
        *(str(need("telemetrygen")), signal, "--otlp-insecure", "--otlp-endpoint", address),
        *(f"--{signal}", str(ITEMS), "--rate", "0", *(["--otlp-http"] if by_http else [])),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    peers.until(lambda: running.collector.metric(SENT[signal]) >= before + ITEMS, chain.SECONDS)
    said = running.collector.log + running.behind.log
    assert [line for line in said.splitlines() if "\terror\t" in line or "\twarn\t" in line] == []
    assert "WARNING" not in running.clawtrace.log
    assert "ERROR" not in running.clawtrace.log
