"""Which spans show a call whose cost is already on another one."""

from typing import Any

import pytest

from clawtrace_otel.processors.counted_calls import CallIndex, CountedCalls
from clawtrace_otel.semconv.step import Step, Usage
from tests.tracecard.traces import TraceBuilder

USAGE = Usage(fresh=1000, output=10)


@pytest.fixture(name="trace")
def _trace() -> TraceBuilder:
    return TraceBuilder()


def new(*steps: Step) -> list[bool]:
    """Whether each LLM span, in order of arrival, is the first that shows its call."""
    calls, found = CountedCalls(), []
    for step in steps:
        if step.kind == "llm":
            found.append(calls.is_new(step))
        else:
            calls.pass_on(step)
    return found


def nested(trace: TraceBuilder, **inner: Any) -> tuple[Step, Step]:
    """An LLM span of one instrumentation within one of another."""
    outer = trace.llm(scope="outer", usage=USAGE)
    return trace.llm(scope="inner", parent_id=outer.span_id, usage=USAGE, **inner), outer


def test_calls_of_one_instrumentation_are_all_new(trace: TraceBuilder) -> None:
    assert new(trace.llm(), trace.llm(), trace.llm()) == [True, True, True]


def test_the_inner_of_two_nested_spans_is_counted_because_it_ends_first(
    trace: TraceBuilder,
) -> None:
    assert new(*nested(trace)) == [True, False]


def test_an_inner_span_that_comes_in_late_is_not_counted_again(trace: TraceBuilder) -> None:
    inner, outer = nested(trace)
    assert new(outer, inner) == [True, False]


def test_an_inner_span_that_comes_in_late_with_more_detail_is_not_counted_again(
    trace: TraceBuilder,
) -> None:
    outer = trace.llm(scope="outer", usage=USAGE)
    detailed = Usage(fresh=600, cache_read=400, output=10, reasoning=4)
    inner = trace.llm(scope="inner", parent_id=outer.span_id, usage=detailed)
    assert new(outer, inner) == [True, False]


def test_a_third_span_around_both_is_not_counted_either(trace: TraceBuilder) -> None:
    outermost = trace.llm(scope="outermost", usage=USAGE)
    inner, outer = nested(trace)
    outer.parent_id = outermost.span_id
    assert new(inner, outer, outermost) == [True, False, False]


def test_spans_that_are_no_steps_may_stand_between(trace: TraceBuilder) -> None:
    outer = trace.llm(scope="outer", usage=USAGE)
    between = trace.span(parent_id=outer.span_id)
    inner = trace.llm(scope="inner", usage=USAGE, parent_id=between.span_id)
    assert new(inner, between, outer) == [True, False]


def test_a_tool_between_two_llm_spans_makes_them_two_calls(trace: TraceBuilder) -> None:
    """A tool that asks a model is no second view of the call that asked for the tool."""
    outer = trace.llm(scope="outer", usage=USAGE)
    tool = trace.tool("ask", parent_id=outer.span_id)
    inner = trace.llm(scope="inner", usage=USAGE, parent_id=tool.span_id)
    assert new(inner, tool, outer) == [True, True]


def test_siblings_with_one_response_id_are_one_call(trace: TraceBuilder) -> None:
    spans = [trace.llm(scope=scope, response_id="resp_1") for scope in ("one", "two")]
    spans[1].start_ns, spans[1].end_ns = spans[0].start_ns, spans[0].end_ns
    assert new(*spans) == [True, False]


def test_a_response_that_is_fetched_again_later_is_no_sibling(trace: TraceBuilder) -> None:
    """The two do not overlap in time."""
    spans = [trace.llm(scope=scope, response_id="resp_1") for scope in ("one", "two")]
    assert spans[0].end_ns < spans[1].start_ns
    assert new(*spans) == [True, True]


@pytest.mark.parametrize(
    ("response_ids", "is_new"),
    [(("resp_1", "resp_2"), True), (("resp_1", ""), False), (("", ""), False)],
)
def test_siblings_are_two_calls_if_their_response_ids_say_so(
    trace: TraceBuilder, response_ids: tuple[str, str], is_new: bool
) -> None:
    spans = [
        trace.llm(scope=scope, response_id=response_id)
        for scope, response_id in zip(("one", "two"), response_ids, strict=True)
    ]
    spans[1].start_ns, spans[1].end_ns = spans[0].start_ns, spans[0].end_ns
    assert new(*spans) == [True, is_new]


def test_siblings_of_one_library_are_two_calls_though_another_saw_both(trace: TraceBuilder) -> None:
    spans = [trace.llm(scope=scope) for scope in ("one", "one", "two", "two", "two")]
    for span in spans:
        span.start_ns, span.end_ns = spans[0].start_ns, spans[0].end_ns
    assert new(*spans) == [True, True, False, False, True]


def test_what_begins_below_a_span_that_is_over_is_another_call(trace: TraceBuilder) -> None:
    """OpenInference leaves the span of an Anthropic stream to be the current one."""
    leaks = trace.llm(scope="leaks")
    inside = trace.llm(scope="other", parent_id=leaks.span_id)
    inside.start_ns, inside.end_ns = leaks.start_ns, leaks.end_ns
    later = [trace.llm(scope=scope, parent_id=leaks.span_id) for scope in ("other", "leaks")]
    later[1].start_ns, later[1].end_ns = later[0].start_ns, later[0].end_ns
    assert new(inside, leaks, *later) == [True, False, True, False]


def root(trace: str, scope: str, **fields: Any) -> Step:
    """A call that is a trace by itself."""
    call = TraceBuilder().llm(scope=scope, usage=USAGE, **fields)
    call.trace_id, call.parent_id = trace * 32, ""
    return call


def test_one_call_in_two_traces_is_counted_in_the_first() -> None:
    everywhere = CallIndex()
    one, two = root("1", "one"), root("2", "two")
    calls = [CountedCalls(everywhere), CountedCalls(everywhere)]
    assert [calls[0].is_new(one), calls[1].is_new(two)] == [True, False]
    assert [calls[0].is_counted_elsewhere(one), calls[1].is_counted_elsewhere(two)] == [False, True]


def test_calls_of_other_traces_are_forgotten_in_time() -> None:
    everywhere = CallIndex(limit=1)
    spans = [root("1", "one"), root("2", "other", error="429"), root("3", "two")]
    assert [CountedCalls(everywhere).is_new(span) for span in spans] == [True, True, True]


def test_a_span_without_usage_leaves_the_cost_to_its_twin(trace: TraceBuilder) -> None:
    outer = trace.llm(scope="outer", usage=USAGE)
    inner = trace.llm(scope="inner", parent_id=outer.span_id, usage=None)
    assert new(inner, outer) == [True, True]
