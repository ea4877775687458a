"""Which calls repeat an earlier one, and what that brought."""

from collections.abc import Callable
from typing import Any

import pytest

from clawtrace_otel.processors.redundancy import Finding, RedundancyIndex, Repeat, Retry
from clawtrace_otel.processors.tool_effects import ToolEffects
from clawtrace_otel.semconv.step import Step, Usage
from tests.tracecard.traces import TraceBuilder

ARGS = {"path": "report.xlsx"}
LONG = {"path": "/home/user/projects/reports/2026/quarter-3/report.xlsx", "sheet": 1}
NEAR = {"path": "/home/user/projects/reports/2026/quarter-3/report.xlsx", "sheet": 2}


@pytest.fixture(name="trace")
def _trace() -> TraceBuilder:
    return TraceBuilder()


def observe(*steps: Step, index: RedundancyIndex | None = None) -> list[Finding | None]:
    """What is found of each step, in order."""
    index = index or RedundancyIndex(ToolEffects())
    return [index.observe(step) for step in steps]


def last(*steps: Step, **effects: Any) -> Finding | None:
    """What is found of the last step."""
    return observe(*steps, index=RedundancyIndex(ToolEffects(**effects)))[-1]


def repeat(of: Step, verdict: Any = "same", kind: Any = "equal", count: int = 2) -> Repeat:
    return Repeat(of.span_id, kind, verdict, count)


class TestEqualCalls:
    def test_the_first_call_repeats_nothing(self, trace: TraceBuilder) -> None:
        assert last(trace.tool("read", ARGS)) is None

    def test_a_call_with_equal_arguments_and_result_is_the_same(self, trace: TraceBuilder) -> None:
        a, b = (trace.tool("read", ARGS, "text") for _ in range(2))
        assert last(a, b) == repeat(a)

    def test_the_order_of_keys_and_shells_do_not_matter(self, trace: TraceBuilder) -> None:
        a = trace.tool("read", '{"a": 1, "b": 2}')
        b = trace.tool("read", {"input": '{"b": 2, "a": 1}'})
        assert last(a, b) == repeat(a)

    def test_another_tool_or_other_arguments_are_no_repeat(self, trace: TraceBuilder) -> None:
        a = trace.tool("read", ARGS)
        assert last(a, trace.tool("stat", ARGS)) is None
        assert last(a, trace.tool("read", {"path": "something else"})) is None

    @pytest.mark.parametrize("nothing", [None, "", {}, "{}", "null", {"args": [], "kwargs": {}}])
    def test_calls_without_arguments_are_never_evidence(
        self, trace: TraceBuilder, nothing: object
    ) -> None:
        assert observe(*(trace.tool("now", nothing) for _ in range(3))) == [None] * 3

    def test_a_step_that_is_delivered_twice_does_not_repeat_itself(
        self, trace: TraceBuilder
    ) -> None:
        a, b = (trace.tool("read", ARGS) for _ in range(2))
        assert last(a, a) is None
        assert last(a, a, b) == repeat(a)

    def test_a_repeat_that_is_delivered_twice_is_counted_once(self, trace: TraceBuilder) -> None:
        a, b, c = (trace.tool("read", ARGS) for _ in range(3))
        assert last(a, b, b, c) == repeat(a, count=3)


class TestVerdicts:
    def test_another_result_is_a_change(self, trace: TraceBuilder) -> None:
        """Polling and progress are no waste."""
        a, b = (trace.tool("status", ARGS, result) for result in ("running", "done"))
        assert last(a, b) == repeat(a, "changed")

    @pytest.mark.parametrize("results", [("x", None), (None, "x"), (None, None)])
    def test_a_result_that_was_not_captured_leaves_it_unverified(
        self, trace: TraceBuilder, results: tuple[str | None, str | None]
    ) -> None:
        a, b = (trace.tool("read", ARGS, result) for result in results)
        assert last(a, b) == repeat(a, "unverified")

    def test_a_tool_of_which_nothing_is_known_may_have_changed_state(
        self, trace: TraceBuilder
    ) -> None:
        a = trace.tool("read", ARGS)
        between, b = trace.tool("do", {"x": 1}), trace.tool("read", ARGS)
        assert last(a, between, b) == repeat(a, "unverified")

    def test_also_one_that_was_called_without_arguments(self, trace: TraceBuilder) -> None:
        a, between, b = trace.tool("read", ARGS), trace.tool("do"), trace.tool("read", ARGS)
        assert last(a, between, b) == repeat(a, "unverified")

    def test_a_changed_result_stays_a_change_whatever_was_in_between(
        self, trace: TraceBuilder
    ) -> None:
        a = trace.tool("read", ARGS, "1")
        between, b = trace.tool("do", {"x": 1}), trace.tool("read", ARGS, "2")
        assert last(a, between, b) == repeat(a, "changed")

    def test_llm_calls_in_between_change_no_state(self, trace: TraceBuilder) -> None:
        a, between, b = trace.tool("read", ARGS), trace.llm(), trace.tool("read", ARGS)
        assert last(a, between, b) == repeat(a)

    def test_a_tool_that_changes_state_before_the_first_call_does_not_matter(
        self, trace: TraceBuilder
    ) -> None:
        before = trace.tool("do", {"x": 1})
        a, b = (trace.tool("read", ARGS) for _ in range(2))
        assert last(before, a, b) == repeat(a)


class TestWhatIsKnownOfTools:
    """Three sources say that a tool in between only reads; then the verdict is ``same``."""

    def test_the_span(self, trace: TraceBuilder) -> None:
        a = trace.tool("read", ARGS)
        between, b = trace.tool("look", {"x": 1}, read_only=True), trace.tool("read", ARGS)
        assert last(a, between, b) == repeat(a)

    def test_the_settings(self, trace: TraceBuilder) -> None:
        a, between, b = self._calls(trace)
        assert last(a, between, b, read_only=["lo*"]) == repeat(a)

    def test_the_definitions_that_a_model_was_given(self, trace: TraceBuilder) -> None:
        llm = trace.llm(read_only_tools=("look",))
        a, between, b = self._calls(trace)
        assert last(llm, a, between, b) == repeat(a)

    def test_the_hint_may_come_between_the_calls(self, trace: TraceBuilder) -> None:
        a, b = (trace.tool("read", ARGS) for _ in range(2))
        llm, between = trace.llm(read_only_tools=("look",)), trace.tool("look", {"x": 1})
        assert last(a, llm, between, b) == repeat(a)

    def test_the_span_wins_over_settings_and_hint(self, trace: TraceBuilder) -> None:
        llm = trace.llm(read_only_tools=("look",))
        a = trace.tool("read", ARGS)
        between, b = trace.tool("look", {"x": 1}, read_only=False), trace.tool("read", ARGS)
        assert last(llm, a, between, b, read_only=["look"]) == repeat(a, "unverified")

    def test_state_changing_wins_over_read_only_and_hint(self, trace: TraceBuilder) -> None:
        llm = trace.llm(read_only_tools=("look",))
        a, between, b = self._calls(trace)
        found = last(llm, a, between, b, read_only=["look"], state_changing=["look"])
        assert found == repeat(a, "unverified")

    @pytest.mark.parametrize("by_setting", [True, False])
    def test_a_call_that_is_known_to_change_state_is_never_the_same(
        self, trace: TraceBuilder, by_setting: bool
    ) -> None:
        """Two payments with one receipt are two payments."""
        says = None if by_setting else False
        a, b = (trace.tool("pay", ARGS, "ok", read_only=says) for _ in range(2))
        effects = {"state_changing": ["pay"]} if by_setting else {}
        assert last(a, b, **effects) == repeat(a, "unverified")

    def _calls(self, trace: TraceBuilder) -> tuple[Step, Step, Step]:
        return trace.tool("read", ARGS), trace.tool("look", {"x": 1}), trace.tool("read", ARGS)


class TestRuns:
    def test_a_repeat_names_the_first_of_a_run_of_equal_results(self, trace: TraceBuilder) -> None:
        calls = [trace.tool("read", ARGS) for _ in range(4)]
        assert observe(*calls) == [None, *(repeat(calls[0], count=n) for n in (2, 3, 4))]

    def test_a_change_names_the_call_before_and_begins_a_run(self, trace: TraceBuilder) -> None:
        calls = [trace.tool("read", ARGS, result) for result in "1222"]
        assert observe(*calls) == [
            None,
            repeat(calls[0], "changed"),
            repeat(calls[1], count=3),
            repeat(calls[1], count=4),
        ]

    def test_what_is_unverified_names_the_call_before_and_begins_a_run(
        self, trace: TraceBuilder
    ) -> None:
        a, do, b, c = (
            trace.tool("read", ARGS),
            trace.tool("do", {"x": 1}),
            trace.tool("read", ARGS),
            trace.tool("read", ARGS),
        )
        assert observe(a, do, b, c)[2:] == [repeat(a, "unverified"), repeat(b, count=3)]


class TestRetries:
    def test_a_call_that_repeats_a_failed_one_is_a_retry(self, trace: TraceBuilder) -> None:
        a, b = trace.tool("run", ARGS, error="boom"), trace.tool("run", ARGS)
        assert last(a, b) == Retry(a.span_id)

    def test_each_of_several_failures_is_retried_by_the_next(self, trace: TraceBuilder) -> None:
        calls = [trace.tool("run", ARGS, error="boom") for _ in range(3)]
        assert observe(*calls) == [None, Retry(calls[0].span_id), Retry(calls[1].span_id)]

    def test_what_repeats_a_retry_that_went_well_is_a_repeat(self, trace: TraceBuilder) -> None:
        a, b, c = (
            trace.tool("run", ARGS, error="boom"),
            trace.tool("run", ARGS),
            trace.tool("run", ARGS),
        )
        found = observe(a, b, c)
        assert found[1] == Retry(a.span_id)
        assert isinstance(found[2], Repeat)
        assert (found[2].of, found[2].verdict) == (b.span_id, "same")

    def test_a_failed_repeat_is_a_change(self, trace: TraceBuilder) -> None:
        a, b = trace.tool("run", ARGS), trace.tool("run", ARGS, "stack trace", error="boom")
        assert last(a, b) == repeat(a, "changed")

    def test_a_near_call_after_a_failed_one_is_a_retry_of_it(self, trace: TraceBuilder) -> None:
        a, b = trace.tool("run", LONG, error="boom"), trace.tool("run", NEAR)
        assert last(a, b) == Retry(a.span_id)

    def test_after_a_failure_a_call_without_arguments_is_that_call_again(
        self, trace: TraceBuilder
    ) -> None:
        calls = [
            trace.tool("run_tests", {}, error="boom"),
            trace.tool("run_tests", {}, error="boom"),
            trace.tool("run_tests", {}),
            trace.tool("run_tests", {}),
        ]
        retries = [Retry(calls[0].span_id), Retry(calls[1].span_id)]
        assert observe(*calls) == [None, *retries, None]

    def test_a_call_whose_arguments_are_not_known_is_no_retry(self, trace: TraceBuilder) -> None:
        a, b = trace.tool("run_tests", None, error="boom"), trace.tool("run_tests", None)
        assert last(a, b) is None

    def test_a_call_without_arguments_is_no_retry_of_one_with_arguments(
        self, trace: TraceBuilder
    ) -> None:
        a, b = trace.tool("run_tests", ARGS, error="boom"), trace.tool("run_tests", {})
        assert last(a, b) is None


class TestNearCalls:
    def test_similar_arguments_are_near(self, trace: TraceBuilder) -> None:
        a, b = trace.tool("read", LONG), trace.tool("read", NEAR)
        assert last(a, b) == repeat(a, kind="near")

    def test_the_verdict_needs_the_result_as_for_equal_ones(self, trace: TraceBuilder) -> None:
        a = trace.tool("read", LONG, "1")
        assert last(a, trace.tool("read", NEAR, "2")) == repeat(a, "changed", "near")
        assert last(a, trace.tool("read", NEAR, None)) == repeat(a, "unverified", "near")

    def test_another_tool_is_never_near(self, trace: TraceBuilder) -> None:
        assert last(trace.tool("read", LONG), trace.tool("stat", NEAR)) is None

    def test_arguments_below_the_threshold_are_not_near(self, trace: TraceBuilder) -> None:
        a, b = trace.tool("read", LONG), trace.tool("read", NEAR)
        index = RedundancyIndex(ToolEffects(), near_threshold=0.999)
        assert observe(a, b, index=index) == [None, None]

    def test_an_equal_call_wins_over_a_near_one(self, trace: TraceBuilder) -> None:
        a, b = trace.tool("read", LONG, "1"), trace.tool("read", NEAR, "2")
        c = trace.tool("read", NEAR, "2")
        assert last(a, b, c) == repeat(b, count=3)

    def test_beyond_the_budget_nothing_is_near_and_that_is_counted(
        self, trace: TraceBuilder
    ) -> None:
        index = RedundancyIndex(ToolEffects(), near_budget=1)
        calls = [trace.tool("read", {**LONG, "sheet": n}) for n in range(4)]
        assert observe(*calls, index=index) == [None, repeat(calls[0], kind="near"), None, None]
        assert index.near_skipped == 2

    def test_equal_calls_are_found_beyond_the_budget(self, trace: TraceBuilder) -> None:
        index = RedundancyIndex(ToolEffects(), near_budget=0)
        a, b, c = (trace.tool("read", args) for args in (LONG, NEAR, NEAR))
        assert observe(a, b, c, index=index) == [None, None, repeat(b)]


class TestLlmCalls:
    def test_equal_requests_with_equal_answers_are_the_same(self, trace: TraceBuilder) -> None:
        a, b = (trace.llm(request_hash="r", output_hash="o") for _ in range(2))
        assert last(a, b) == repeat(a)

    def test_another_answer_is_a_change(self, trace: TraceBuilder) -> None:
        a, b = (trace.llm(request_hash="r", output_hash=o) for o in "op")
        assert last(a, b) == repeat(a, "changed")

    def test_another_request_is_no_repeat(self, trace: TraceBuilder) -> None:
        assert last(trace.llm(request_hash="r"), trace.llm(request_hash="s")) is None

    def test_equal_messages_in_a_longer_conversation_are_no_repeat(
        self, trace: TraceBuilder
    ) -> None:
        """Some APIs send only what is new: the number of input tokens tells."""
        a, b = (trace.llm(request_hash="r", usage=Usage(fresh=n)) for n in (1000, 1200))
        assert last(a, b) is None

    def test_how_much_of_the_input_was_cached_does_not_matter(self, trace: TraceBuilder) -> None:
        usages = Usage(fresh=1000), Usage(fresh=200, cache_read=800)
        a, b = (trace.llm(request_hash="r", output_hash="o", usage=usage) for usage in usages)
        assert last(a, b) == repeat(a)

    def test_requests_that_were_not_captured_are_never_evidence(self, trace: TraceBuilder) -> None:
        assert observe(*(trace.llm(output_hash="o") for _ in range(3))) == [None] * 3

    def test_tools_in_between_do_not_matter(self, trace: TraceBuilder) -> None:
        a, b = (trace.llm(request_hash="r", output_hash="o") for _ in range(2))
        assert last(a, trace.tool("do", {"x": 1}), b) == repeat(a)

    def test_a_failed_request_is_retried(self, trace: TraceBuilder) -> None:
        a = trace.llm(request_hash="r", error="429", usage=None)
        assert last(a, trace.llm(request_hash="r")) == Retry(a.span_id)

    def test_a_failed_request_that_was_counted_is_retried(self, trace: TraceBuilder) -> None:
        a = trace.llm(request_hash="r", error="stream broke off")
        assert last(a, trace.llm(request_hash="r")) == Retry(a.span_id)


class TestAgents:
    @pytest.mark.parametrize("args", [(LONG, LONG), (LONG, NEAR)])
    def test_a_call_of_another_agent_is_marked(
        self, trace: TraceBuilder, args: tuple[object, object]
    ) -> None:
        index = RedundancyIndex(ToolEffects())
        a, b, c = (trace.tool("read", given) for given in (args[0], args[1], args[1]))
        index.observe(a, "planner")
        across, within = index.observe(b, "researcher"), index.observe(c, "researcher")
        assert isinstance(across, Repeat)
        assert isinstance(within, Repeat)
        assert (across.of, across.other_agent) == (a.span_id, True)
        assert within.other_agent is False


@pytest.mark.parametrize(
    "make",
    [
        lambda trace: [trace.tool("read", {"n": n}) for n in range(200)],
        lambda trace: [trace.tool("now") for _ in range(200)],
        lambda trace: [trace.llm() for _ in range(200)],
    ],
    ids=["distinct", "without-arguments", "not-captured"],
)
def test_nothing_is_said_of_calls_that_cannot_be_told_to_be_repeats(
    trace: TraceBuilder, make: Callable[[TraceBuilder], list[Step]]
) -> None:
    """Short arguments that differ in a digit are under the threshold."""
    assert set(observe(*make(trace))) == {None}
