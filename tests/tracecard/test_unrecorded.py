"""Agents that say that their calls left no record: unpriced, and no call is invented for them."""

import pytest

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step, Usage
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card, StepLine
from clawtrace_otel.tracecard.read import check_card
from tests.tracecard.traces import TRACE_ID, TraceBuilder

UNPRICED = [{"model": "unknown", "reason": "no_usage", "calls": 1}]


def card_of(steps: list[Step]) -> Card:
    card = Compiler().compile(steps)
    assert card is not None
    check_card(dict(card), "")
    return card


def agent_in(card: Card) -> StepLine:
    (line,) = [step for step in card["steps"] if "agent" in step]
    return line


@pytest.mark.parametrize(
    ("value", "unrecorded"), [(True, True), (False, False), ("true", False), (1, False)]
)
def test_the_mark_is_a_boolean_on_an_agent_span(value: object, unrecorded: bool) -> None:
    said = {a.GEN_AI_OPERATION_NAME: "invoke_agent", a.CLAWTRACE_CALLS_UNRECORDED: value}
    assert normalize(Span(TRACE_ID, "1" * 16, attributes=said)).unrecorded is unrecorded
    tool = {**said, a.GEN_AI_OPERATION_NAME: "execute_tool"}
    assert normalize(Span(TRACE_ID, "1" * 16, attributes=tool)).unrecorded is False


def test_a_sub_agent_without_a_record_is_unpriced_and_no_call() -> None:
    trace = TraceBuilder()
    trace.llm()
    agent = trace.agent_step("researcher", unrecorded=True)
    trace.tool("read", {"path": "a"}, parent_id=agent.span_id)
    card = card_of(trace.end())
    line = agent_in(card)
    assert (line["usd"], line["unpriced"], line["llm_calls"]) == (None, "no_usage", 0)
    assert "aggregate" not in line
    assert "share" not in line
    assert (card["total"]["llm_calls"], card["total"]["unpriced_calls"]) == (1, 1)
    assert card["total"]["cost_usd"]
    assert card["unpriced"] == UNPRICED


def test_a_main_agent_without_a_record_is_counted_and_no_step() -> None:
    trace = TraceBuilder()
    trace.root.unrecorded = True
    trace.tool("read", {"path": "a"})
    card = card_of(trace.end())
    assert [step.get("tool") for step in card["steps"]] == ["read"]
    assert card["root"]["agent"] == "planner"
    assert card["total"]["cost_usd"] is None
    assert (card["total"]["llm_calls"], card["total"]["unpriced_calls"]) == (0, 1)
    assert card["unpriced"] == UNPRICED


def test_what_is_known_of_an_agent_stands_beside_what_is_not() -> None:
    trace = TraceBuilder()
    agent = trace.agent_step("researcher", unrecorded=True)
    trace.llm(parent_id=agent.span_id)
    trace.tool("read", {"path": "a"}, parent_id=agent.span_id)
    card = card_of(trace.end())
    line = agent_in(card)
    assert line["usd"] == card["total"]["cost_usd"]
    assert (line["unpriced"], line["llm_calls"]) == ("no_usage", 1)
    assert card["total"]["unpriced_calls"] == 1
    (tool,) = [step for step in card["steps"] if "tool" in step]
    assert "by" not in tool  # a call without a record may have asked for it


def test_an_agent_that_states_what_its_calls_used_is_priced_by_that() -> None:
    trace = TraceBuilder()
    used = {"usage": Usage(fresh=1000, output=10), "model": "gpt-5.4", "provider": "openai"}
    trace.agent_step("researcher", unrecorded=True, **used)
    trace.tool("read", {"path": "a"})
    card = card_of(trace.end())
    line = agent_in(card)
    assert line["aggregate"] is True
    assert line["usd"] == card["total"]["cost_usd"] == (1000 * 2.5 + 10 * 15) / 1e6
    assert card["total"]["unpriced_calls"] == 0


def test_without_the_mark_an_agent_that_called_no_model_is_not_unpriced() -> None:
    trace = TraceBuilder()
    trace.agent_step("researcher")
    trace.tool("read", {"path": "a"})
    card = card_of(trace.end())
    assert "unpriced" not in agent_in(card)
    assert card["total"]["unpriced_calls"] == 0
