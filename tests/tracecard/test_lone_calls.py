"""One LLM call in two traces."""

import msgspec
import pytest

from clawtrace_otel.semconv.step import Step, Usage
from clawtrace_otel.tracecard.lone_calls import LoneCalls
from tests.tracecard.traces import START_NS


def call(trace: int, scope: str, **fields: object) -> Step:
    step = Step(
        trace_id=f"{trace:032x}",
        span_id=f"{trace:016x}",
        kind="llm",
        scope=scope,
        model="gpt-5.4",
        usage=Usage(fresh=100, output=10),
        start_ns=START_NS + trace,
        end_ns=START_NS + 1000 - trace,
    )
    return msgspec.structs.replace(step, **fields)


def joined(*steps: Step) -> list[list[int]]:
    calls = LoneCalls()
    for step in steps:
        calls.add(step)
    return [[int(t, 16) for t in calls.traces(step.trace_id)] for step in steps]


def test_two_scopes_with_the_same_response_id_are_one_call_of_the_earlier_trace() -> None:
    one, two = call(1, "one", response_id="r"), call(2, "two", response_id="r")
    assert joined(two, one) == [[1, 2], [1, 2]]


def test_counts_may_differ_where_the_response_id_is_the_same() -> None:
    one = call(1, "one", response_id="r", usage=Usage(fresh=100, output=9))
    assert joined(one, call(2, "two", response_id="r")) == [[1, 2], [1, 2]]


def test_where_one_knows_no_response_id_everything_else_has_to_agree() -> None:
    one = call(1, "one", response_id="r")
    assert joined(one, call(2, "two")) == [[1, 2], [1, 2]]


@pytest.mark.parametrize(
    "fields",
    [
        {"scope": "one"},
        {"response_id": "other"},
        {"usage": Usage(fresh=101, output=10)},
        {"model": "gpt-5"},
        {"service": "other"},
        {"error": "429"},
        {"start_ns": START_NS + 5000, "end_ns": START_NS + 6000},
        {"parent_id": "f" * 16},
    ],
)
def test_calls_that_differ_in_any_of_that_are_two(fields: dict[str, object]) -> None:
    one = call(1, "one", response_id="r")
    other = call(2, **{"scope": "two", **fields})  # type: ignore[arg-type]
    assert joined(one, other) == [[1], [2]]


def test_three_libraries_are_joined_through_the_one_that_both_others_match() -> None:
    native = call(1, "native", response_id="r")
    counts_more = call(2, "more", response_id="r", usage=Usage(fresh=100, output=11))
    without_id = call(3, "none")
    assert joined(native, counts_more, without_id) == [[1, 2, 3]] * 3


def test_a_trace_with_several_roots_is_no_lone_call() -> None:
    one, other = call(1, "one", response_id="r"), call(2, "two", response_id="r")
    assert joined(one, call(1, "one", span_id="a" * 16), other) == [[1], [1], [2]]


def test_a_call_that_is_delivered_again_is_one() -> None:
    one, two = call(1, "one", response_id="r"), call(2, "two", response_id="r")
    assert joined(one, two, one) == [[1, 2]] * 3


def test_the_oldest_calls_are_forgotten() -> None:
    calls = LoneCalls(limit=10)
    for n in range(1, 100):
        calls.add(call(n, "one", response_id="r" if n < 3 else str(n)))
    assert len(calls._traces) == 10
    assert len(calls._by_key) <= 11


def joined_traces(*steps: Step) -> list[list[int]]:
    """For each trace, in order, those that are one with it."""
    calls = LoneCalls()
    for step in steps:
        calls.add(step)
    traces = sorted({step.trace_id for step in steps})
    return [[int(t, 16) for t in calls.traces(trace)] for trace in traces]


def below_a_plain_root(scope: str) -> tuple[Step, Step]:
    """A call of trace 1 in a span of a library that says nothing of the call."""
    root = call(1, scope, span_id="a" * 16, kind="span", usage=None)
    return root, call(1, "inner", parent_id=root.span_id)


def test_a_call_below_a_plain_root_is_the_call_that_the_roots_library_shows_elsewhere() -> None:
    root, inner = below_a_plain_root("outer")
    for steps in ((root, inner), (inner, root)):
        assert joined_traces(*steps, call(2, "outer")) == [[1, 2], [1, 2]]


def test_a_call_below_any_other_plain_root_is_a_call_of_its_own() -> None:
    assert joined_traces(*below_a_plain_root("http"), call(2, "outer")) == [[1], [2]]


def run(trace: int, scope: str, start: int, end: int, **fields: object) -> Step:
    times = {"start_ns": START_NS + start * 10**6, "end_ns": START_NS + end * 10**6}
    return call(trace, scope, **{"kind": "agent", "agent": "A", "usage": None, **times, **fields})


def test_roots_of_two_libraries_that_began_and_ended_together_are_one_run() -> None:
    one, two = run(1, "one", 0, 900), run(2, "two", 3, 905, kind="workflow", agent="a")
    assert joined_traces(one, two) == [[1, 2], [1, 2]]


@pytest.mark.parametrize(
    "fields",
    [
        {"scope": "one"},
        {"agent": "other"},
        {"service": "other"},
        {"start_ns": START_NS + 100 * 10**6},
        {"end_ns": START_NS + 800 * 10**6},
    ],
)
def test_runs_that_differ_in_any_of_that_are_two(fields: dict[str, object]) -> None:
    other = run(2, **{"scope": "two", "start": 0, "end": 900, **fields})  # type: ignore[arg-type]
    assert joined_traces(run(1, "one", 0, 900), other) == [[1], [2]]


def test_runs_at_once_stay_as_many_as_each_library_saw() -> None:
    runs = [run(n, scope, n, 900 + n) for n, scope in enumerate(("x", "y", "x", "y"), 1)]
    assert joined_traces(*runs) == [[1, 2], [1, 2], [3, 4], [3, 4]]
