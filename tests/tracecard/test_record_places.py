"""Records without a trace find the trace of their call, whatever comes in first."""

from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.semconv.log_records import session_trace
from clawtrace_otel.semconv.step import Step, Usage
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.record_places import RecordPlaces
from tests.tracecard.traces import START_NS, TRACE_ID

HOME = session_trace("agent", "s1")
USAGE = Usage(fresh=1000, output=10)


def call(n: int, **fields: Any) -> Step:
    """The span of a call."""
    given: dict[str, Any] = {
        "trace_id": TRACE_ID,
        "span_id": f"{n:016x}",
        "parent_id": "f" * 16,
        "kind": "llm",
        "scope": "spans",
        "service": "agent",
        "request_model": "claude-sonnet-4-5",
        "usage": USAGE,
        "start_ns": START_NS + n * 10**9,
        "end_ns": START_NS + n * 10**9 + 5 * 10**8,
        "response_id": f"req_{n}",
    }
    return Step(**{**given, **fields})


def told(n: int, **fields: Any) -> Step:
    """The record of the same call."""
    given = {
        "trace_id": HOME,
        "span_id": f"{n:x}" + "e" * 15,
        "parent_id": "",
        "scope": "claude_code.api_request",
        "session": "s1",
        "supplied": 5_000_000_000,
    }
    return call(n, **{**given, **fields})


def root(**fields: Any) -> Step:
    """The span above all calls."""
    return call(15, **{"span_id": "f" * 16, "parent_id": "", "kind": "workflow", **fields})


def cards_of(steps: Iterable[Step]) -> dict[str, Card]:
    """The cards of all traces that steps end up in."""
    places = RecordPlaces()
    traces: dict[str, list[Step]] = {}
    for step in steps:
        for placed in places.place(step):
            traces.setdefault(placed.trace_id, []).append(placed)
    compiled = {trace: Compiler().compile(found) for trace, found in traces.items()}
    return {trace: card for trace, card in compiled.items() if card is not None}


SPANS = [root(usage=None), call(1), call(2)]
RECORDS = [told(1), told(2)]


@pytest.mark.parametrize("steps", list(permutations([*SPANS[:2], *RECORDS])))
def test_a_record_joins_its_span_in_any_order_and_what_is_left_stays(steps: list[Step]) -> None:
    cards = cards_of(steps)
    assert cards.keys() == {TRACE_ID, HOME}
    assert cards[TRACE_ID]["total"]["llm_calls"] == 1
    assert cards[TRACE_ID]["total"]["cost_usd"] == 0.005
    assert cards[HOME]["total"]["llm_calls"] == 1


@given(st.permutations([*SPANS, *RECORDS, *SPANS, *RECORDS]))
def test_order_and_repeated_delivery_change_nothing(steps: Sequence[Step]) -> None:
    assert cards_of(steps) == cards_of([*SPANS, *RECORDS])
    assert cards_of(steps)[TRACE_ID]["total"]["llm_calls"] == 2
    assert cards_of(steps).keys() == {TRACE_ID}


def test_a_record_of_a_tool_call_joins_by_the_id_of_the_call() -> None:
    span = call(1, kind="tool", tool="Bash", call_id="toolu_1", usage=None)
    record = told(
        2,
        kind="tool",
        tool="Bash",
        call_id="toolu_1",
        usage=None,
        supplied=None,
        scope="claude_code.tool_result",
        error="no such file",
    )
    for steps in ([span, record], [record, span]):
        cards = cards_of([root(usage=None), *steps])
        (step,) = cards[TRACE_ID]["steps"]
        assert (step["tool"], step["error"], step["merged"]) == ("Bash", "no such file", 2)


@pytest.mark.parametrize("first", ["spans", "records"])
def test_records_without_ids_say_nothing_of_a_session_that_has_spans(first: str) -> None:
    spans = [root(session="s1", usage=None), call(1, response_id="")]
    records = [told(1, response_id="", supplied=None, scope="codex.sse_event")]
    steps = [*spans, *records] if first == "spans" else [*records, *spans]
    cards = cards_of(steps)
    assert cards.keys() == {TRACE_ID}
    assert cards[TRACE_ID]["total"]["llm_calls"] == 1


@pytest.mark.parametrize("first", ["spans", "records"])
def test_a_sub_agent_is_not_told_again_by_a_record_where_there_are_spans(first: str) -> None:
    spans = [root(session="s1", usage=None), call(1)]
    fields: dict[str, Any] = {"kind": "agent", "agent": "researcher", "usage": None}
    record = told(2, **fields, response_id="", scope="claude_code.subagent_completed")
    steps = [*spans, record] if first == "spans" else [record, *spans]
    cards = cards_of(steps)
    assert cards.keys() == {TRACE_ID}
    assert not any("agent" in line for line in cards[TRACE_ID]["steps"])


def test_records_without_ids_count_where_their_session_has_no_spans() -> None:
    records = [told(n, response_id="", supplied=None, scope="codex.sse_event") for n in (1, 2)]
    cards = cards_of([*records, *records, root(session="other", usage=None), call(3)])
    assert cards[HOME]["total"]["llm_calls"] == 2
    assert cards[TRACE_ID]["total"]["llm_calls"] == 1


def test_only_so_many_are_remembered() -> None:
    places = RecordPlaces(limit=2)
    for n in range(1, 5):
        list(places.place(call(n)))
    assert [step.trace_id for step in places.place(told(4))] == [TRACE_ID, HOME]
    assert [step.trace_id for step in places.place(told(1))] == [HOME]
