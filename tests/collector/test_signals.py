"""Metrics and logs: accepted from any SDK; of the logs, results of evaluations are read."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcMetrics,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpMetrics,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from tests.collector import otlp, peers
from tests.collector.peers import JSON, InProcess, export, post

Exporters = tuple[SpanExporter, MetricExporter, LogRecordExporter]


def over_grpc(service: InProcess) -> Exporters:
    url = f"http://{service.grpc}"
    return (
        GrpcSpans(endpoint=url, insecure=True),
        GrpcMetrics(endpoint=url, insecure=True),
        GrpcLogs(endpoint=url, insecure=True),
    )


def over_http(service: InProcess) -> Exporters:
    url = f"http://{service.http}/v1"
    return (
        HttpSpans(endpoint=f"{url}/traces"),
        HttpMetrics(endpoint=f"{url}/metrics"),
        HttpLogs(endpoint=f"{url}/logs"),
    )


@pytest.mark.parametrize("exporters", [over_grpc, over_http])
def test_an_sdk_that_sends_all_signals_logs_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, exporters: Callable[[InProcess], Exporters]
) -> None:
    with InProcess(tmp_path) as service:
        spans, metrics, logs = exporters(service)
        tracing = TracerProvider(shutdown_on_exit=False)
        tracing.add_span_processor(BatchSpanProcessor(spans))
        metering = MeterProvider([PeriodicExportingMetricReader(metrics)], shutdown_on_exit=False)
        logging_provider = LoggerProvider(shutdown_on_exit=False)
        logging_provider.add_log_record_processor(BatchLogRecordProcessor(logs))
        metering.get_meter("tests").create_counter("calls").add(1)
        logging_provider.get_logger("tests").emit(body="hello", severity_number=SeverityNumber.INFO)
        with tracing.get_tracer("tests").start_as_current_span("chat") as span:
            span.set_attribute("gen_ai.operation.name", "chat")
        for provider in (tracing, metering, logging_provider):
            assert provider.force_flush(10_000)
        for provider in (tracing, metering, logging_provider):
            provider.shutdown()
        peers.until(lambda: list(service.cards.glob("*.yaml")))
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def evaluation(trace: int, label: str, *, at: int = 0) -> ExportLogsServiceRequest:
    made = ExportLogsServiceRequest()
    record = made.resource_logs.add().scope_logs.add().log_records.add()
    record.event_name = "gen_ai.evaluation.result"
    record.trace_id = bytes.fromhex(otlp.trace_id(trace)) if trace else b""
    record.time_unix_nano = otlp.START_NS + at
    record.attributes.extend(
        [
            otlp.key_value("gen_ai.evaluation.name", "db_check"),
            otlp.key_value("gen_ai.evaluation.score.label", label),
        ]
    )
    return made


def test_an_evaluation_before_the_trace_is_closed_becomes_its_outcome(tmp_path: Path) -> None:
    with InProcess(tmp_path) as service:
        export(service.grpc, evaluation(1, "pass").SerializeToString(), peers.LOGS)
        export(service.grpc, otlp.body(*otlp.run()))
        card = peers.card(service.cards, where=lambda c: "outcome" in c and peers.is_complete(c))
    assert card["outcome"] == {"passed": True, "by": "db_check", "evidence": []}
    assert card["revision"] == 1


def test_an_evaluation_after_the_trace_is_closed_makes_a_revision(tmp_path: Path) -> None:
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(*otlp.run()))
        peers.card(service.cards, where=peers.is_complete)
        for label in ("pass", "pass"):
            post(service.http, evaluation(1, label).SerializeToString(), "/v1/logs")
        card = peers.card(service.cards, where=lambda c: "outcome" in c)
        assert (card["outcome"]["passed"], card["revision"]) == (True, 2)
        export(service.grpc, evaluation(1, "fail", at=1).SerializeToString(), peers.LOGS)
        card = peers.card(service.cards, where=lambda c: c["revision"] > 2)
    assert (card["outcome"]["passed"], card["revision"]) == (False, 3)


def test_an_evaluation_in_json_is_read(tmp_path: Path) -> None:
    record = {
        "traceId": otlp.trace_id(1).upper(),
        "eventName": "gen_ai.evaluation.result",
        "timeUnixNano": str(otlp.START_NS),
        "attributes": [
            {"key": "gen_ai.evaluation.name", "value": {"stringValue": "judge"}},
            {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 0.5}},
        ],
    }
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(*otlp.run()))
        assert post(service.http, json.dumps(logs).encode(), "/v1/logs", JSON).status == 200
        card = peers.card(service.cards, where=lambda c: "outcome" in c)
    assert card["outcome"] == {"passed": None, "score": 0.5, "by": "judge", "evidence": []}


def test_an_evaluation_that_names_no_trace_is_accepted_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with InProcess(tmp_path) as service:
        export(service.grpc, evaluation(0, "pass").SerializeToString(), peers.LOGS)
    assert "1 evaluation results name no trace" in caplog.text
    assert list(service.cards.glob("*.yaml")) == []
