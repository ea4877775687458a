"""No name in the data leads to a file: every card lies in its folder, and is named by an id."""

import json
import re
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from clawtrace_otel.cli import main
from clawtrace_otel.exporters.card_folder import file_name
from clawtrace_otel.exporters.span_exporter import TraceCardSpanExporter
from tests.collector import otlp, peers
from tests.collector.peers import JSON, InProcess, export, post

NAME = re.compile(r"[0-9a-f]{32}(-[0-9a-f]+)?\.yaml")

HOSTILE = [
    "../escape",
    "../../../../etc/passwd",
    "/etc/passwd",
    "..\\..\\escape",
    "~/escape",
    "CON",
    "nul.txt",
    "a\0b",
    "a\nb",
    "x" * 300,
    "é" * 200,
    ".",
    "..",
    "",
    "-rf",
    "$(touch escape)",
    "%2e%2e%2f",
    "\u202e\u2028",
    "0" * 31 + "/",
    "../" + "0" * 29,
    "0" * 32 + "\n",
]
texts = st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8"), max_size=40)
quick = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def check(folder: Path, cards: Path, before: set[str]) -> None:
    """What was made below ``folder`` are cards alone, all of them right in ``cards``."""
    for made in files_of(folder) - before:
        assert (folder / made).parent == cards, made
        assert NAME.fullmatch(Path(made).name), made


@pytest.mark.timeout(300)
def test_the_service_writes_nothing_but_cards_named_by_ids(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    last = 1000

    with InProcess(inner) as service:
        before = files_of(tmp_path)

        @quick
        @given(name=texts, service_name=texts, value=texts)
        def send_names(name: str, service_name: str, value: str) -> None:
            nonlocal last
            last += 1
            root = otlp.root(last)
            root.name = name
            call = otlp.tool(2, last, 1, gen_ai__tool__name=value, session__id=value)
            call.events.add(name=name)
            request = otlp.request(root, call)
            resource = request.resource_spans[0].resource
            resource.attributes[0].value.string_value = service_name
            resource.attributes.append(otlp.key_value("gen_ai.conversation.id", value))
            export(service.grpc, request.SerializeToString())

        @quick
        @given(trace_id=texts, span_id=texts, parent_id=texts)
        def send_ids(trace_id: str, span_id: str, parent_id: str) -> None:
            ids = [
                {"traceId": trace_id, "spanId": "00000000000000aa"},
                {"traceId": otlp.trace_id(9), "spanId": span_id, "parentSpanId": parent_id},
            ]
            for one in ids:
                content = {"resourceSpans": [{"scopeSpans": [{"spans": [one]}]}]}
                answer = post(service.http, json.dumps(content).encode(), content_type=JSON)
                assert answer.status in (200, 400)

        send_names()
        send_ids()
        for n in range(1001, last + 1):
            peers.card(service.cards, n, where=peers.is_complete, seconds=60)
    made = {name for name in files_of(tmp_path) - before if "journal.db" not in name}
    assert len(made) >= last - 1000
    check(tmp_path, service.cards, before | (files_of(tmp_path) - made))


@quick
@given(name=texts, service_name=texts)
def test_the_exporter_in_an_agent_does_neither(
    tmp_path: Path, name: str, service_name: str
) -> None:
    # Hypothesis makes ids the same in each example.
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    cards = folder / "deep" / "cards"
    exporter = TraceCardSpanExporter(cards=str(cards))
    provider = TracerProvider(resource=Resource({"service.name": service_name}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer(name or "tests").start_as_current_span(name) as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.conversation.id", name)
    provider.shutdown()
    assert len(files_of(folder)) == 1
    check(folder, cards, set())


def langfuse(trace_id: str, span_id: str) -> str:
    observation = {
        "id": span_id,
        "traceId": trace_id,
        "parentObservationId": None,
        "projectId": "p",
        "type": "GENERATION",
        "name": trace_id,
        "startTime": "2025-08-22T09:38:56.228Z",
        "endTime": "2025-08-22T09:38:58.000Z",
        "level": "DEFAULT",
        "model": "gpt-4o",
        "usageDetails": {"input": 80, "output": 10},
        "metadata": "{}",
    }
    trace = {"id": trace_id, "projectId": "p", "bookmarked": False, "public": True, "scores": []}
    return json.dumps({"trace": trace, "observations": [observation]})


@settings(quick, max_examples=30)
@given(trace_id=texts.filter(bool), span_id=texts.filter(bool))
def test_compile_does_neither(tmp_path: Path, trace_id: str, span_id: str) -> None:
    """Also where ids are no hexadecimal numbers."""
    source = tmp_path / "deep" / "trace.json"
    cards = tmp_path / "deep" / "cards"
    source.parent.mkdir(exist_ok=True)
    source.write_text(langfuse(trace_id, span_id))
    before = files_of(tmp_path)
    result = CliRunner().invoke(main, ["compile", str(source), "-o", str(cards), "--force"])
    assert result.exit_code == 0, result.output
    made = {name for name in files_of(tmp_path) if ".clawtrace" not in name}
    assert [name for name in made if name.endswith(".yaml")]
    check(tmp_path, cards, before | (files_of(tmp_path) - made))


@given(texts, texts)
def test_the_folder_takes_no_other_names(trace_id: str, part: str) -> None:
    try:
        name = file_name(trace_id, part)
    except ValueError:
        assert not NAME.fullmatch(f"{trace_id}-{part}.yaml" if part else f"{trace_id}.yaml")
    else:
        assert NAME.fullmatch(name)
