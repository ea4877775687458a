"""Every pair and triple of instrumentations on one SDK: each call is counted once."""

from typing import NamedTuple

import pytest

from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.semconv.step import Step, Usage
from tests.fixtures.combinations import WATCHED
from tests.tracecard.combinations import (
    CALLS,
    FOLDER,
    NAMES,
    TOOL_CALLS,
    Counted,
    cards,
    counted_by_attributes,
    counted_by_cards,
    double_counting,
    forwarded,
    instrumentations,
    sdk,
    steps,
)

each_combination = pytest.mark.parametrize("name", NAMES)

CLAUDE, GPT = ("anthropic", "claude-sonnet-4-5"), ("openai", "gpt-5")


class More(NamedTuple):
    """What the spans that are sent on say over what was done: calls, output tokens; and why."""

    calls: int
    output: int
    why: str


_MISCOUNTED = "the first span of four streams is Traceloop's, which counts a token too many"
_NO_OUTPUT = "spans of two agents in two traces, of which one library tells no output"
_OUTER_LAST = "of a stream, the span that is around both, or knows both, ended last"

SENT_ON: dict[str, More] = {
    "anthropic+traceloop+openinference": More(0, 4, _MISCOUNTED),
    "anthropic+native+openinference+logfire": More(1, 8, _OUTER_LAST),
    "openai+official+traceloop+langfuse": More(1, 8, _OUTER_LAST),
    "langchain+official+langsmith": More(2, 54, _NO_OUTPUT),
    "langchain+official+openinference": More(2, 54, _NO_OUTPUT),
    "langchain+official+openinference+langsmith": More(2, 54, _NO_OUTPUT),
}
"""Where a span has to be sent on before anything tells that another one shows its call. The cards,
which are made later, are right."""

SEEN_BY_ONE = {
    "openai_agents+openinference+official": "official leaves model calls to its OpenAI library",
    "openai_agents+official+traceloop": "official leaves model calls to its OpenAI library",
}


def made(name: str) -> Counted:
    """What the program of a combination did: the calls, their tokens and their price."""
    provider, model = CLAUDE if sdk(name) == "anthropic" else GPT
    calls = [call for call in CALLS[sdk(name)] if call.status == 200]
    prices = [
        Pricer().price(
            Step(
                trace_id="1" * 32,
                span_id="1" * 16,
                provider=provider,
                model=model,
                start_ns=1_793_613_600 * 10**9,
                usage=Usage(fresh=call.input_tokens, output=call.output_tokens),
            )
        )
        for call in calls
    ]
    tokens = sum(call.input_tokens for call in calls), sum(call.output_tokens for call in calls)
    cost = sum(price.cost or 0 for price in prices)
    return Counted(len(CALLS[sdk(name)]), tokens, round(cost / 10**12, 9))


def test_every_pair_and_triple_is_captured() -> None:
    pairs_and_triples = {5: 10 + 10, 4: 6 + 4, 3: 3 + 1}
    assert len(NAMES) == sum(pairs_and_triples[len(each.ways)] for each in WATCHED.values())
    captured = {path.stem for path in (FOLDER / "combinations").iterdir()}
    assert captured == {name.partition("/")[2] for name in NAMES}


@each_combination
def test_each_instrumentation_of_a_combination_was_on(name: str) -> None:
    scopes = {step.scope for step in steps(name)} - {"my_agent"}
    assert len(scopes) == len(instrumentations(name))


@each_combination
def test_a_card_counts_each_call_once_with_its_tokens_and_its_price(name: str) -> None:
    assert counted_by_cards(name) == made(name)


@each_combination
def test_a_card_counts_each_tool_call_once(name: str) -> None:
    counted = sum(card["total"]["tool_calls"] for card in cards(name))
    assert counted == TOOL_CALLS[sdk(name)]


@each_combination
def test_a_step_says_how_many_spans_saw_the_call(name: str) -> None:
    merged = [
        line.get("merged", 1) for card in cards(name) for line in card["steps"] if "llm" in line
    ]
    spans = [step for step in steps(name) if step.kind == "llm"]
    assert sum(merged) == len(spans)
    assert max(merged) <= len(instrumentations(name))
    if name.partition("/")[2] in SEEN_BY_ONE:
        assert set(merged) == {1}
    elif sdk(name) == "openai" or sdk(name) == "langchain":
        assert set(merged) == {len(instrumentations(name))}


@each_combination
def test_a_span_that_is_sent_on_has_the_cost_of_its_call_unless_another_one_has(name: str) -> None:
    done, sent = made(name), counted_by_attributes(name)
    more = SENT_ON.get(name.partition("/")[2], More(0, 0, ""))
    assert sent.calls == done.calls + more.calls
    assert sent.tokens[1] == done.tokens[1] + more.output
    if not more.why:
        assert sent == done


@each_combination
def test_no_two_spans_of_one_library_are_one_call(name: str) -> None:
    """So many calls, at least, are counted as the library that saw the most of them saw."""
    scopes = [step.scope for step, _ in forwarded(name)]
    assert counted_by_cards(name).calls >= max(map(scopes.count, scopes))


def test_double_counting_lists_the_calls_made_and_counted() -> None:
    rows = double_counting()
    assert len(rows) == len(NAMES)
    assert all(counted == made for _, made, counted in rows)
