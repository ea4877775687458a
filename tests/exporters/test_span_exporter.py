"""Cards from within the agent's process."""

import logging
import multiprocessing
import os
import signal
import threading
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from clawtrace_otel.errors import ConfigError, PriceError
from clawtrace_otel.exporters.span_exporter import TraceCardSpanExporter
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths, read_card
from tests.agent_spans import finished_spans, provider, run_agent

SPANS = list(finished_spans().get_finished_spans())
ROOT = next(span for span in SPANS if span.parent is None)


def cards(folder: Path) -> list[Card]:
    return [read_card(path) for path in card_paths(folder)]


def test_the_card_is_there_when_the_root_has_ended(tmp_path: Path) -> None:
    exporter = TraceCardSpanExporter(cards=str(tmp_path))
    assert exporter.export(SPANS) is SpanExportResult.SUCCESS
    (card,) = cards(tmp_path)
    assert (card["status"], card["revision"]) == ("complete", 1)


def test_a_running_trace_has_an_open_card_that_the_complete_one_replaces(tmp_path: Path) -> None:
    exporter = TraceCardSpanExporter(cards=str(tmp_path))
    exporter.export(SPANS[:3])
    (running,) = cards(tmp_path)
    assert running["status"] == "open"
    exporter.export(SPANS[3:])
    (done,) = cards(tmp_path)
    assert (done["status"], done["revision"]) == ("complete", 1)


def test_an_open_card_is_refreshed_no_more_often_than_asked(tmp_path: Path) -> None:
    exporter = TraceCardSpanExporter(cards=str(tmp_path), refresh_seconds=3600)
    exporter.export(SPANS[:1])
    exporter.export(SPANS[1:3])
    assert cards(tmp_path)[0]["total"]["llm_calls"] == 1
    exporter.force_flush()
    assert cards(tmp_path)[0]["total"]["llm_calls"] == 2


def test_a_late_span_makes_a_new_revision_and_a_repeated_one_does_not(tmp_path: Path) -> None:
    exporter = TraceCardSpanExporter(cards=str(tmp_path))
    late = SPANS[2]
    exporter.export([span for span in SPANS if span is not late])
    exporter.export(SPANS[:2])
    assert cards(tmp_path)[0]["revision"] == 1
    exporter.export([late])
    assert cards(tmp_path)[0]["revision"] == 2


def test_a_part_of_a_trace_that_began_elsewhere_has_a_file_of_its_own(tmp_path: Path) -> None:
    tracer_provider = TracerProvider(shutdown_on_exit=False)
    tracer_provider.add_span_processor(
        BatchSpanProcessor(TraceCardSpanExporter(cards=str(tmp_path)))
    )
    remote = SpanContext(0xAB, 0xCD, is_remote=True, trace_flags=TraceFlags(1))
    context = set_span_in_context(NonRecordingSpan(remote))
    span = tracer_provider.get_tracer("t").start_span("chat", context)
    span.set_attributes({a.GEN_AI_OPERATION_NAME: "chat", a.GEN_AI_REQUEST_MODEL: "gpt-5.4"})
    span.end()
    tracer_provider.shutdown()
    (path,) = card_paths(tmp_path)
    assert path.name == f"{0xAB:032x}-{span.get_span_context().span_id:016x}.yaml"
    assert read_card(path)["status"] == "open"


def test_a_folder_that_cannot_be_written_to_is_said_and_raises_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "cards"
    in_the_way.write_text("a file")
    with caplog.at_level(logging.ERROR):
        exporter = TraceCardSpanExporter(cards=str(in_the_way))
        assert str(in_the_way) in caplog.text
        assert exporter.export(SPANS) is SpanExportResult.FAILURE
    in_the_way.unlink()
    in_the_way.mkdir()
    exporter.shutdown()
    assert len(cards(in_the_way)) == 1


def test_wrong_settings_are_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown setting 'card'"):
        TraceCardSpanExporter(card="x")
    prices = tmp_path / "prices.yaml"
    prices.write_text("prices: 1\nmodels: [{model: x, inpt: 1}]\n")
    with pytest.raises(PriceError, match="inpt"):
        TraceCardSpanExporter(cards=str(tmp_path), prices=str(prices))


def test_no_thread_is_left_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    tracer_provider = provider()
    tracer_provider.add_span_processor(
        BatchSpanProcessor(TraceCardSpanExporter(cards=str(tmp_path)))
    )
    run_agent(tracer_provider)
    tracer_provider.shutdown()
    assert set(threading.enumerate()) == before
    assert len(cards(tmp_path)) == 1


def test_many_threads_that_end_spans_at_once_lose_none(tmp_path: Path) -> None:
    exporter = TraceCardSpanExporter(cards=str(tmp_path))
    threads = [threading.Thread(target=exporter.export, args=([span],)) for span in SPANS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (card,) = cards(tmp_path)
    assert (card["total"]["llm_calls"], card["total"]["tool_calls"]) == (5, 4)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_writes_its_own_cards_and_not_its_parents(tmp_path: Path) -> None:
    exporter = TraceCardSpanExporter(cards=str(tmp_path))
    exporter.export(SPANS[:3])
    before = {path: path.read_bytes() for path in card_paths(tmp_path)}
    held = exporter._lock  # what a thread of the parent may hold while another forks
    held.acquire()
    try:
        child = multiprocessing.get_context("fork").Process(
            target=_export_in_child, args=(exporter,)
        )
        child.start()
        child.join(20)
        exitcode = child.exitcode
        if exitcode is None and child.pid:
            os.kill(child.pid, signal.SIGKILL)
    finally:
        held.release()
    assert exitcode == 0
    after = {path: path.read_bytes() for path in card_paths(tmp_path)}
    assert before.items() <= after.items()
    assert len(after) == 2


def _export_in_child(exporter: TraceCardSpanExporter) -> None:
    memory = _one_call()
    exporter.export(memory)
    exporter.shutdown()


def _one_call() -> list[ReadableSpan]:
    ended: list[ReadableSpan] = []

    class Keep(BatchSpanProcessor):
        def __init__(self) -> None:
            """Start no thread."""

        def on_end(self, span: ReadableSpan) -> None:
            ended.append(span)

    tracer_provider = TracerProvider(shutdown_on_exit=False)
    tracer_provider.add_span_processor(Keep())
    with tracer_provider.get_tracer("child").start_as_current_span("chat") as span:
        span.set_attribute(a.GEN_AI_OPERATION_NAME, "chat")
    return ended


def test_memory_stays_bounded_while_no_card_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clawtrace_otel.exporters.span_exporter.MAX_STEPS", 20)
    in_the_way = tmp_path / "cards"
    in_the_way.write_text("a file")
    exporter = TraceCardSpanExporter(cards=str(in_the_way))
    tracer_provider = provider()
    tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
    for _ in range(10):
        run_agent(tracer_provider)
    assert exporter._kept <= 20 + len(SPANS)
    assert sum(len(trace.steps) for trace in exporter._traces.values()) == exporter._kept
