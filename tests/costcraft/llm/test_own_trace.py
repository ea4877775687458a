from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.context import Context

from clawtrace_otel.costcraft.llm.own_trace import OwnTrace
from clawtrace_otel.costcraft.llm.session import analyse
from clawtrace_otel.demo.model_server import ModelServer
from clawtrace_otel.tracecard.read import read_card
from tests.costcraft.llm.asked import PRUNE, always, options, proposing, reply, runs_named
from tests.costcraft.llm.slow_server import SlowServer


def test_the_agents_telemetry_settings_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = trace.get_tracer_provider()
    with SlowServer(lambda _: "{}", raw=True) as collector, ModelServer(always(proposing())) as s:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=agent,clawtrace.task.id=t1")
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
        found = analyse(runs_named("one"), "", options(tmp_path, s.url), tmp_path)
        assert not collector.requests
    assert trace.get_tracer_provider() is before
    card = read_card(found.cards[0])
    assert card["root"]["service"] == "clawtrace-costcraft"
    assert "task" not in card


def test_a_span_of_the_caller_is_no_parent(tmp_path: Path) -> None:
    above = trace.NonRecordingSpan(
        trace.SpanContext(1, 1, is_remote=False, trace_flags=trace.TraceFlags(1))
    )
    with trace.use_span(above):
        own = OwnTrace(tmp_path, options(tmp_path, ""))
        with own.analyst("error_analyst") as branch:
            branch.look_up("evidence", "{}", "nothing")
        own.close()
    card = read_card(own.card)
    assert card["trace_id"] != f"{1:032x}"
    assert [step.get("tool", step.get("agent")) for step in card["steps"]] == [
        "error_analyst",
        "evidence",
    ]
    assert trace.get_current_span(Context()) is trace.INVALID_SPAN


def test_a_call_that_failed_is_a_failed_step(tmp_path: Path) -> None:
    answers = iter([reply("", status=500), proposing(PRUNE)])
    with ModelServer(lambda _: next(answers)) as server:
        given = options(tmp_path, server.url, concurrency=1)
        found = analyse(runs_named("one", "two"), "", given, tmp_path)
    card = read_card(found.cards[0])
    errors = [step["error"] for step in card["steps"] if "llm" in step and "error" in step]
    assert len(errors) == 1
    assert "InternalServerError" in errors[0] or "UnansweredError" in errors[0]
    assert card["total"]["cost_usd"] == found.cost_usd
