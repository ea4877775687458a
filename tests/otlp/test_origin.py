"""What a resource says of the task and the run is said of all that is in it."""

from pathlib import Path

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans
from opentelemetry.sdk.resources import Resource as SdkResource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from clawtrace_otel.exporters.span_exporter import TraceCardSpanExporter
from clawtrace_otel.otlp.origin import origin_of, read_origin
from clawtrace_otel.otlp.traces import decode_traces
from clawtrace_otel.tracecard.read import read_cards
from tests.otlp.requests import attributes, span

RUN = {"clawtrace.task.id": "invoice 17", "clawtrace.run.id": "base 1"}


def test_the_spans_of_a_resource_are_of_its_task_and_run_unless_they_say_otherwise() -> None:
    spans = [span(attributes={}), span(attributes={"clawtrace.task.id": "invoice 18"})]
    request = ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=Resource(attributes=attributes({**RUN, "host.name": "x"})),
                scope_spans=[ScopeSpans(spans=spans)],
            )
        ]
    )
    first, second = decode_traces(request.SerializeToString()).received
    assert first.span.attributes == RUN
    assert second.span.attributes == {**RUN, "clawtrace.task.id": "invoice 18"}


def test_a_resource_that_is_damaged_or_says_nothing_has_no_task() -> None:
    assert read_origin(b"\xff\xff", "scope") == ("", "scope", {})
    assert origin_of(attributes({"service.name": "a", "clawtrace.run.id": ""})) == ("a", "", {})


def test_of_a_key_that_a_resource_has_twice_the_first_counts() -> None:
    twice = [*attributes({"service.name": "a"}), *attributes({"service.name": "b"})]
    assert origin_of(twice).service == "a"


def test_a_card_names_the_task_and_the_run_of_its_process(tmp_path: Path) -> None:
    provider = TracerProvider(resource=SdkResource(RUN))
    provider.add_span_processor(SimpleSpanProcessor(TraceCardSpanExporter(cards=str(tmp_path))))
    said = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look"}
    with provider.get_tracer("test").start_as_current_span("execute_tool look", attributes=said):
        pass
    provider.shutdown()
    ((_, card),) = read_cards(tmp_path)
    assert isinstance(card, dict)
    assert (card.get("task"), card.get("run")) == ("invoice 17", "base 1")


def test_log_records_are_of_the_task_of_their_resource() -> None:
    request = ExportLogsServiceRequest()
    logs = request.resource_logs.add(resource=Resource(attributes=attributes(RUN)))
    record = logs.scope_logs.add().log_records.add(event_name="claude_code.api_request")
    record.attributes.extend(attributes({"session.id": "s", "model": "claude-sonnet-4-5"}))
    from clawtrace_otel.otlp.logs import decode_logs

    (found,) = decode_logs(request.SerializeToString()).spans
    assert found.attributes["clawtrace.task.id"] == "invoice 17"
