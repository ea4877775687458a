"""Enriched copies of ended spans, on their way to another processor or exporter."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext

from clawtrace_otel.exporters.enriched import EnrichedSpanExporter
from clawtrace_otel.processors.sdk import EnrichedSpan
from clawtrace_otel.processors.span_processor import ClawTraceSpanProcessor
from clawtrace_otel.semconv import attributes as a
from tests.agent_spans import finished_spans, provider, run_agent

Wrap = Callable[[InMemorySpanExporter], Any]
WRAPPERS: list[Wrap] = [
    lambda memory: ClawTraceSpanProcessor(SimpleSpanProcessor(memory)),
    lambda memory: SimpleSpanProcessor(EnrichedSpanExporter(memory)),
    lambda memory: BatchSpanProcessor(EnrichedSpanExporter(memory)),
]


def run_through(wrap: Wrap) -> dict[str, list[ReadableSpan]]:
    """The spans of the agent run by name."""
    memory = InMemorySpanExporter()
    tracer_provider = provider()
    tracer_provider.add_span_processor(wrap(memory))
    run_agent(tracer_provider)
    tracer_provider.force_flush()
    named: dict[str, list[ReadableSpan]] = {}
    for span in memory.get_finished_spans():
        named.setdefault(span.name, []).append(span)
    tracer_provider.shutdown()
    return named


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return {k: v for k, v in (span.attributes or {}).items() if k in a.WRITTEN}


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_llm_spans_get_their_cost_and_its_source(wrap: Wrap) -> None:
    first = run_through(wrap)["chat gpt-5.4"][0]
    assert attributes(first) == {
        a.CLAWTRACE_COST_USD: pytest.approx(1000 * 2.5e-6 + 40 * 15e-6),
        a.CLAWTRACE_COST_SOURCE: "genai-prices",
    }


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_a_repeated_call_names_the_first_one(wrap: Wrap) -> None:
    first, second = run_through(wrap)["execute_tool read_file"]
    assert attributes(first) == {}
    context = first.get_span_context()
    assert context is not None
    assert attributes(second) == {
        a.CLAWTRACE_REPEAT_OF: f"{context.span_id:016x}",
        a.CLAWTRACE_REPEAT_KIND: "equal",
        a.CLAWTRACE_REPEAT_VERDICT: "same",
        a.CLAWTRACE_REPEAT_COUNT: 2,
    }


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_the_retry_of_a_failed_call_is_no_repeat(wrap: Wrap) -> None:
    failed, retry = run_through(wrap)["execute_tool run_tests"]
    context = failed.get_span_context()
    assert context is not None
    assert attributes(retry) == {a.CLAWTRACE_RETRY_OF: f"{context.span_id:016x}"}


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_the_root_gets_the_sums_of_the_trace(wrap: Wrap) -> None:
    named = run_through(wrap)
    (root,) = named["invoke_agent planner"]
    costs = [attributes(span)[a.CLAWTRACE_COST_USD] for span in named["chat gpt-5.4"]]
    assert attributes(root) == {
        a.CLAWTRACE_TRACE_COST_USD: pytest.approx(sum(costs)),
        a.CLAWTRACE_TRACE_LLM_CALLS: 5,
        a.CLAWTRACE_TRACE_TOOL_CALLS: 4,
        a.CLAWTRACE_TRACE_WASTE_USD: 0.0001725,
    }


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_nothing_else_about_a_span_changes(wrap: Wrap) -> None:
    original = finished_spans().get_finished_spans()
    copies = [span for spans in run_through(wrap).values() for span in spans]
    assert {_without_ours(span) for span in copies} == {_without_ours(span) for span in original}


def test_an_attribute_that_the_span_has_is_not_overwritten() -> None:
    memory = InMemorySpanExporter()
    tracer_provider = TracerProvider(shutdown_on_exit=False)
    tracer_provider.add_span_processor(ClawTraceSpanProcessor(SimpleSpanProcessor(memory)))
    with tracer_provider.get_tracer("t").start_as_current_span("chat") as span:
        span.set_attributes(
            {
                a.GEN_AI_OPERATION_NAME: "chat",
                a.GEN_AI_REQUEST_MODEL: "gpt-5.4",
                a.GEN_AI_USAGE_INPUT_TOKENS: 1000,
                a.CLAWTRACE_COST_USD: 7.0,
            }
        )
    (ended,) = memory.get_finished_spans()
    assert attributes(ended)[a.CLAWTRACE_COST_USD] == 7.0


def test_what_the_sdk_dropped_is_still_counted_on_the_copy() -> None:
    memory = InMemorySpanExporter()
    limits = SpanLimits(max_span_attributes=1, max_events=1, max_links=1)
    tracer_provider = TracerProvider(span_limits=limits, shutdown_on_exit=False)
    tracer_provider.add_span_processor(SimpleSpanProcessor(memory))
    links = [Link(SpanContext(1, n, is_remote=False)) for n in (1, 2, 3)]
    span = tracer_provider.get_tracer("t").start_span("s", links=links)
    span.set_attributes({"a": 1, "b": 2})
    span.add_event("one")
    span.add_event("two")
    span.end()
    (original,) = memory.get_finished_spans()
    copy = EnrichedSpan(original, {"x": 1})
    dropped = (original.dropped_attributes, original.dropped_events, original.dropped_links)
    assert dropped == (1, 1, 2)
    assert (copy.dropped_attributes, copy.dropped_events, copy.dropped_links) == dropped


def test_a_span_that_cannot_be_read_is_passed_on_as_it_is() -> None:
    class Unreadable(ReadableSpan):
        @property
        def attributes(self) -> Any:
            msg = "no"
            raise RuntimeError(msg)

    memory = InMemorySpanExporter()
    span = Unreadable("broken", context=SpanContext(1, 2, is_remote=False))
    EnrichedSpanExporter(memory).export([span])
    assert memory.get_finished_spans() == (span,)


def test_one_call_that_two_libraries_saw_has_its_cost_on_one_span() -> None:
    memory = InMemorySpanExporter()
    tracer_provider = TracerProvider(shutdown_on_exit=False)
    tracer_provider.add_span_processor(ClawTraceSpanProcessor(SimpleSpanProcessor(memory)))
    usage: dict[str, str | int] = {
        a.GEN_AI_OPERATION_NAME: "chat",
        a.GEN_AI_REQUEST_MODEL: "gpt-5.4",
        a.GEN_AI_USAGE_INPUT_TOKENS: 1000,
        a.GEN_AI_USAGE_OUTPUT_TOKENS: 10,
    }
    outside, inside = tracer_provider.get_tracer("outside"), tracer_provider.get_tracer("inside")
    with (
        outside.start_as_current_span("outer", attributes=usage),
        inside.start_as_current_span("inner", attributes=usage),
    ):
        pass
    inner, outer = memory.get_finished_spans()
    assert a.CLAWTRACE_COST_USD in attributes(inner)
    assert attributes(outer)[a.CLAWTRACE_COST_UNPRICED_REASON] == "same_call"
    assert attributes(outer)[a.CLAWTRACE_TRACE_COST_USD] == attributes(inner)[a.CLAWTRACE_COST_USD]


def _without_ours(span: ReadableSpan) -> bytes:
    (resource_spans,) = encode_spans(_sequence(span)).resource_spans
    encoded = resource_spans.scope_spans[0].spans[0]
    kept = [kv for kv in encoded.attributes if kv.key not in a.WRITTEN]
    del encoded.attributes[:]
    encoded.attributes.extend(sorted(kept, key=lambda kv: kv.key))
    return resource_spans.SerializeToString()


def _sequence(span: ReadableSpan) -> Sequence[ReadableSpan]:
    return [span]
