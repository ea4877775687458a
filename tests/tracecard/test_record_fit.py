"""Records that share no id with a span join the one that they fit, whatever comes in first."""

from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.semconv.log_records import session_trace
from clawtrace_otel.semconv.step import Step, Usage
from clawtrace_otel.tracecard import record_fit
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.record_places import RecordPlaces
from clawtrace_otel.tracecard.tree import unique
from tests.tracecard.traces import START_NS

HOME = session_trace("gemini-cli", "s1")
MS = 1_000_000
SECOND = 1000 * MS
TOLD = Usage(fresh=400, cache_read=800, output=112, reasoning=64)


def call(n: int, **fields: Any) -> Step:
    """The span of the n-th call: a trace of its own, two seconds long, every three seconds."""
    given: dict[str, Any] = {
        "trace_id": f"{n:032x}",
        "span_id": f"{n:016x}",
        "kind": "llm",
        "scope": "gemini-cli",
        "service": "gemini-cli",
        "session": "s1",
        "request_model": "gemini-2.5-pro",
        "usage": Usage(fresh=1200, output=48),
        "start_ns": START_NS + 3 * n * SECOND,
        "end_ns": START_NS + (3 * n + 2) * SECOND,
    }
    return Step(**{**given, **fields})


def told(n: int, **fields: Any) -> Step:
    """The record of the same call, written just before the span ended."""
    span = call(n)
    given: dict[str, Any] = {
        "trace_id": HOME,
        "span_id": f"{n:015x}e",
        "scope": "gemini_cli.api_response",
        "usage": TOLD,
        "start_ns": span.start_ns + MS,
        "end_ns": span.end_ns - 3 * MS,
    }
    return call(n, **{**given, **fields})


def placed(steps: Iterable[Step], places: RecordPlaces | None = None) -> list[Step]:
    places = places or RecordPlaces()
    return [made for step in steps for made in places.place(step)]


def cards_of(steps: Iterable[Step]) -> dict[str, Card]:
    """The cards of steps, by trace."""
    traces: dict[str, list[Step]] = {}
    for step in steps:
        traces.setdefault(step.trace_id, []).append(step)
    cards = {trace: Compiler().compile(found) for trace, found in traces.items()}
    return {trace: card for trace, card in cards.items() if card is not None}


def tokens(card: Card) -> tuple[int, int, int, int, int]:
    total = card["total"]
    told = total["tokens"]
    used = (told["input"], told["cache_read"], told["output"], told["reasoning"])
    return total["llm_calls"], *used


FULL = (1, 1200, 800, 112, 64)
BARE = (1, 1200, 0, 48, 0)


@pytest.mark.parametrize("steps", list(permutations([call(1), told(1), call(2)])))
def test_a_call_has_the_tokens_of_its_record(steps: list[Step]) -> None:
    cards = cards_of(placed(steps))
    assert {trace: tokens(card) for trace, card in cards.items()} == {
        call(1).trace_id: FULL,
        call(2).trace_id: BARE,
    }
    assert [line["merged"] for line in cards[call(1).trace_id]["steps"]] == [2]


@settings(max_examples=40, deadline=None)
@given(
    st.permutations([*(call(n) for n in (1, 2, 3)), *(told(n) for n in (1, 2, 3, 1))]),
    st.booleans(),
)
def test_order_and_repeated_delivery_change_nothing(steps: Sequence[Step], bare: bool) -> None:
    """Whether the spans state tokens or not; all calls have the same number of them."""
    if bare:
        steps = [step if step.trace_id == HOME else call_of(step) for step in steps]
    cards = cards_of(placed([*steps, *steps]))
    assert {trace: tokens(card) for trace, card in cards.items()} == {
        call(n).trace_id: FULL for n in (1, 2, 3)
    }


def call_of(step: Step) -> Step:
    """The span, without tokens."""
    return call(int(step.trace_id, 16), usage=None)


@settings(max_examples=100, deadline=None)
@given(
    st.permutations([*(call(n) for n in (1, 2)), *(told(n) for n in (1, 2, 5))]),
    st.integers(0, 5),
    st.booleans(),
)
def test_a_restart_changes_nothing(steps: Sequence[Step], when: int, again: bool) -> None:
    """All that was placed before is told again, in order of traces, as the journal does."""
    before = placed(steps[:when])
    places = RecordPlaces()
    placed(sorted(before, key=lambda step: step.trace_id), places)
    after = placed(steps if again else steps[when:], places)
    cards = cards_of([*before, *after])
    assert {trace: tokens(card) for trace, card in cards.items()} == {
        call(n).trace_id: FULL for n in (1, 2)
    }


def test_records_count_where_their_session_has_no_spans() -> None:
    cards = cards_of(placed([told(1), told(2), told(1), call(3, session="other")]))
    assert tokens(cards[HOME]) == (2, 2400, 1600, 224, 128)
    assert tokens(cards[call(3).trace_id]) == BARE


@pytest.mark.parametrize(
    "fields",
    [
        {"usage": Usage(fresh=1201, output=48)},
        {"usage": Usage(fresh=1200, output=47)},
        {"start_ns": told(1).end_ns + MS, "end_ns": told(1).end_ns + SECOND},
        {"end_ns": told(1).end_ns + record_fit.MAX_APART_NS + MS},
        {"end_ns": 0},
        {"error": "quota", "usage": None},
        {"scope": "another"},
        {"kind": "agent"},
    ],
    ids=lambda fields: " ".join(fields),
)
def test_a_record_that_fits_no_span_of_its_session_counts_nowhere(fields: dict[str, Any]) -> None:
    span = call(1, **fields)
    alone = cards_of(placed([span]))
    for steps in ([span, told(1)], [told(1), span], [told(1), span, told(1), span]):
        assert cards_of(placed(steps)) == alone


@pytest.mark.parametrize("of", ["session", "service"])
def test_a_span_of_another_session_or_service_takes_no_record(of: str) -> None:
    cards = cards_of(placed([told(1), call(1, **{of: "other"})]))
    assert (tokens(cards[HOME]), tokens(cards[call(1).trace_id])) == (FULL, BARE)


@pytest.mark.parametrize("first", ["spans", "records"])
def test_of_calls_that_are_made_together_each_gets_the_record_that_is_nearest(first: str) -> None:
    lengths = {1: 2 * SECOND, 2: SECOND}
    start = START_NS
    spans = [call(n, start_ns=start, end_ns=start + ns) for n, ns in lengths.items()]
    usages = {n: Usage(fresh=1200, output=48 + n, reasoning=n) for n in lengths}
    records = [
        told(n, start_ns=start + MS, end_ns=start + ns - MS, usage=usages[n])
        for n, ns in lengths.items()
    ]
    cards = cards_of(placed([*spans, *records] if first == "spans" else [*records, *spans]))
    assert {trace: tokens(card) for trace, card in cards.items()} == {
        call(n).trace_id: (1, 1200, 0, 48 + n, n) for n in lengths
    }


def test_a_span_gets_one_record_only() -> None:
    twice = told(1, span_id="f" * 16, end_ns=told(1).end_ns + MS)
    for steps in ([call(1), told(1), twice], [told(1), twice, call(1)]):
        cards = cards_of(placed(steps))
        assert {trace: tokens(card) for trace, card in cards.items()} == {call(1).trace_id: FULL}


def test_a_span_that_got_its_record_before_a_restart_gets_no_other() -> None:
    before = placed([call(1), told(1)])
    places = RecordPlaces()
    placed((step for step in before if step.trace_id != HOME), places)
    twice = told(1, span_id="f" * 16, end_ns=told(1).end_ns + MS)
    assert [(step.trace_id, step.usage) for step in placed([twice], places)] == [(HOME, None)]
    assert placed([told(1)], places) == before[1:]


def test_of_a_record_that_was_set_aside_nothing_is_left_once_it_has_moved() -> None:
    made = placed([call(2), told(1), call(1), told(1)])
    (left,) = unique(step for step in made if step.trace_id == HOME)
    assert (left.kind, left.usage, left.set_aside) == ("span", None, None)


def test_only_so_many_spans_of_a_session_wait_for_their_records() -> None:
    places = RecordPlaces()
    placed((call(n) for n in range(record_fit.MAX_UNMATCHED + 1)), places)
    last = record_fit.MAX_UNMATCHED
    assert [step.trace_id for step in placed([told(last)], places)] == [call(last).trace_id, HOME]
    assert [step.trace_id for step in placed([told(0)], places)] == [HOME]
