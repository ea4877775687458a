"""What an agent finds in its environment, and that it leads to the service."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from clawtrace_otel.costcraft.bench.environment import kept, otel_environment, told
from clawtrace_otel.costcraft.bench.service import BackgroundService, service_settings
from clawtrace_otel.costcraft.bench.telemetry import RunSpan, new_span
from clawtrace_otel.errors import ConfigError

SPAN = RunSpan("t", "t.1", "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", 1)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackgroundService]:
    folder = tmp_path_factory.mktemp("service")
    settings = service_settings(folder / "cards", folder / "journal.db", {})
    with BackgroundService(settings, folder / "log") as running:
        yield running


def send(exporter: SpanExporter) -> SpanExportResult:
    provider = TracerProvider()
    with provider.get_tracer("test").start_as_current_span("x") as span:
        pass
    result = exporter.export([span])  # type: ignore[list-item]
    exporter.shutdown()
    return result


@pytest.mark.parametrize(
    ("said", "exporter"),
    [
        ({}, HttpExporter),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, GrpcExporter),
        ({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, GrpcExporter),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, HttpExporter),
    ],
)
def test_spans_get_to_the_service_by_the_protocol_that_the_user_has_set(
    service: BackgroundService,
    monkeypatch: pytest.MonkeyPatch,
    said: dict[str, str],
    exporter: type[SpanExporter],
) -> None:
    environment = kept(said) | otel_environment(said, SPAN, service)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    assert send(exporter()) is SpanExportResult.SUCCESS


def test_the_span_above_is_what_a_propagator_reads() -> None:
    carrier = {"traceparent": new_span("t", "r").traceparent}
    assert TraceContextTextMapPropagator().extract(carrier)
    assert SPAN.traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_what_leads_spans_elsewhere_is_not_inherited() -> None:
    users = {
        "PATH": "/bin",
        "OPENAI_API_KEY": "k",
        "OTEL_SERVICE_NAME": "mine",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://elsewhere",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://elsewhere",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=secret",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": "ca.pem",
        "TRACEPARENT": "00-1-2-01",
        "CLAWTRACE_SKILL": "/of/an/outer/bench",
    }
    assert list(kept(users)) == [
        "PATH",
        "OPENAI_API_KEY",
        "OTEL_SERVICE_NAME",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    ]


def test_a_prompt_that_no_variable_can_hold_is_in_its_file_alone() -> None:
    short = told(SPAN, "é" * 50_000, Path("p"), None)
    long = told(SPAN, "é" * 50_001, Path("p"), Path("s"))
    assert short["CLAWTRACE_PROMPT"] == "é" * 50_000
    assert "CLAWTRACE_SKILL" not in short
    assert "CLAWTRACE_PROMPT" not in long
    assert (long["CLAWTRACE_PROMPT_FILE"], long["CLAWTRACE_SKILL"]) == ("p", "s")


def test_settings_of_cards_are_the_users_and_addresses_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAWTRACE_CONTENT", "hash")
    monkeypatch.setenv("CLAWTRACE_GRPC", "0.0.0.0:4317")
    monkeypatch.setenv("CLAWTRACE_TOKENS", "a:b")
    settings = service_settings(tmp_path, tmp_path / "j", {"max_card_bytes": "8192"})
    assert (settings.content, settings.max_card_bytes) == ("hash", 8192)
    assert (settings.grpc, settings.tokens) == ("127.0.0.1:0", ())


def test_a_service_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = service_settings(tmp_path / "file" / "cards", tmp_path / "j", {})
    with pytest.raises(ConfigError), BackgroundService(settings, tmp_path / "log"):
        pass
