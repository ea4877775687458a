"""The content policy in the agent's process."""

import json
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from clawtrace_otel.exporters.span_exporter import TraceCardSpanExporter
from clawtrace_otel.processors.span_processor import ClawTraceSpanProcessor
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.settings import Content
from tests.semconv.secrets import PASSWORD

ARGUMENTS = json.dumps({"user": "bob", "password": PASSWORD})


def run(provider: TracerProvider) -> None:
    """Two equal calls; the second fails."""
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span("root"):
        for failing in (False, True):
            span = tracer.start_span("execute_tool login")
            span.set_attribute(a.GEN_AI_OPERATION_NAME, "execute_tool")
            span.set_attribute(a.GEN_AI_TOOL_NAME, "login")
            span.set_attribute(a.GEN_AI_TOOL_CALL_ARGUMENTS, ARGUMENTS)
            if failing:
                span.set_attribute(a.ERROR_TYPE, "PermissionError")
            span.end()
    provider.shutdown()


@pytest.mark.parametrize(
    ("content", "args"),
    [("sample", '{"password":"[masked]","user":"bob"}'), ("hash", "blake2b:"), ("none", None)],
)
def test_a_card_shows_what_the_setting_says(
    tmp_path: Path, content: Content, args: str | None
) -> None:
    provider = TracerProvider()
    exporter = TraceCardSpanExporter(cards=tmp_path, content=content)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    run(provider)
    (path,) = tmp_path.glob("*.yaml")
    text = path.read_text(encoding="utf-8")
    assert (args in text) if args else ("args" not in text)
    assert "PermissionError" in text
    assert "repeat: {of: 1" in text
    assert PASSWORD not in text


@pytest.mark.parametrize("content", ["sample", "none"])
def test_a_span_that_is_passed_on_keeps_its_arguments(content: Content) -> None:
    provider, kept = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(ClawTraceSpanProcessor(SimpleSpanProcessor(kept), content=content))
    run(provider)
    calls = [span for span in kept.get_finished_spans() if span.name.startswith("execute_tool")]
    assert [(span.attributes or {}).get(a.GEN_AI_TOOL_CALL_ARGUMENTS) for span in calls] == [
        ARGUMENTS,
        ARGUMENTS,
    ]
    assert (calls[1].attributes or {}).get(a.CLAWTRACE_REPEAT_KIND) == "equal"
