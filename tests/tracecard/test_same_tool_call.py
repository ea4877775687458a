"""Tool calls, and model calls of one instrumentation, that several spans tell of."""

from typing import Any

from clawtrace_otel.semconv.step import Step, Usage
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from tests.tracecard.traces import TraceBuilder


def card_of(steps: list[Step]) -> Card:
    card = Compiler().compile(steps)
    assert card is not None
    return card


def tool(trace: TraceBuilder, call_id: str, **fields: Any) -> Step:
    return trace.tool("read", {"path": "a"}, result=None, call_id=call_id, **fields)


def test_a_span_inside_a_tool_call_with_its_id_tells_what_came_of_it() -> None:
    trace = TraceBuilder()
    outer = tool(trace, "call_1")
    tool(trace, "call_1", parent_id=outer.span_id, error="no such file")
    (line,) = card_of(trace.end())["steps"]
    assert (line["error"], line["merged"]) == ("no such file", 2)


def test_tools_inside_a_tool_call_are_calls_of_their_own() -> None:
    trace = TraceBuilder()
    outer = trace.tool("ask", {"q": 1}, call_id="call_1")
    inside = trace.tool("", None, call_id="call_1", parent_id=outer.span_id)
    for n in (2, 3):
        mine = tool(trace, f"call_{n}", parent_id=inside.span_id)
        tool(trace, f"call_{n}", parent_id=mine.span_id)
    lines = card_of(trace.end())["steps"]
    assert [(line["tool"], line["merged"]) for line in lines] == [
        ("ask", 2),
        ("read", 2),
        ("read", 2),
    ]


def test_siblings_with_one_id_or_the_same_arguments_are_one_tool_call_if_they_overlap() -> None:
    def calls(**fields: Any) -> int:
        trace = TraceBuilder()
        one = tool(trace, "call_1")
        given = {"call_id": "call_1", "scope": "other", "start_ns": one.start_ns + 1}
        tool(trace, **{**given, **fields})
        return card_of(trace.end())["total"]["tool_calls"]

    assert calls() == 1
    assert calls(scope="test") == 2
    assert calls(service="another") == 2
    assert calls(call_id="call_2") == 2
    assert calls(call_id="") == 1
    assert calls(call_id="", tool="write") == 2
    assert calls(start_ns=2 * 10**18, end_ns=2 * 10**18 + 1) == 2


def test_a_record_joins_its_tool_call_wherever_the_clock_put_it() -> None:
    trace = TraceBuilder()
    tool(trace, "call_1")
    tool(trace, "call_1", scope="codex.tool_result", start_ns=1, end_ns=2, error="denied")
    card = card_of(trace.end())
    assert card["total"]["tool_calls"] == 1
    assert card["steps"][0]["error"] == "denied"


def test_what_was_used_may_stand_on_a_span_inside_the_call() -> None:
    trace = TraceBuilder()
    outer = trace.llm(usage=None, request_model="gpt-5.4")
    trace.llm(parent_id=outer.span_id, model="", provider="")
    card = card_of(trace.end())
    (line,) = card["steps"]
    assert (line["llm"], line["in"], line["merged"]) == ("gpt-5.4", 1000, 2)
    assert card["total"]["unpriced_calls"] == 0


def test_two_calls_inside_a_span_that_tells_nothing_are_two() -> None:
    trace = TraceBuilder()
    outer = trace.llm(usage=None)
    for output in (10, 20):
        trace.llm(parent_id=outer.span_id, usage=Usage(fresh=1000, output=output))
    assert card_of(trace.end())["total"]["llm_calls"] == 2


def test_spans_of_anthropics_servers_below_the_sdks_are_the_same_call() -> None:
    """They are delivered by Anthropic, with a service of their own, and later than the rest."""
    trace = TraceBuilder()
    native = "com.anthropic.sdk.python"
    outer = trace.llm(scope=native, model="claude-sonnet-4-5", response_id="msg_1")
    served = trace.llm(
        parent_id=outer.span_id,
        scope="com.anthropic.claude-platform",
        service="claude-platform",
        model="claude-sonnet-4-5",
        response_id="msg_1",
    )
    steps = trace.end()
    before = card_of([step for step in steps if step is not served])
    after = card_of(steps)
    assert after["total"] == before["total"]
    assert after["steps"][0]["merged"] == 2


def test_a_single_agent_beside_calls_of_nobody_is_a_sub_agent() -> None:
    trace = TraceBuilder()
    trace.root.kind = "workflow"
    trace.llm()
    agent = trace.agent_step("researcher")
    trace.llm(parent_id=agent.span_id)
    card = card_of(trace.end())
    assert "agent" not in card["root"]
    assert [line["agent"] for line in card["steps"] if "agent" in line] == ["researcher"]
