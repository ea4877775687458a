"""Tool calls that call models run sub-agents, also where no span says so."""

from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card, StepLine
from tests.tracecard.traces import TraceBuilder

COMPILER = Compiler()


def steps_of(trace: TraceBuilder) -> list[StepLine]:
    card: Card | None = COMPILER.compile(trace.end())
    assert card is not None
    return card["steps"]


def test_what_a_tool_call_does_with_models_and_tools_is_a_sub_agents() -> None:
    trace = TraceBuilder()
    trace.llm()
    tool = trace.tool("summarise", {"path": "a"})
    trace.llm(parent_id=tool.span_id)
    trace.tool("read_file", {"path": "a"}, parent_id=tool.span_id)
    trace.llm(parent_id=tool.span_id)
    trace.llm()
    asked, ran, agent, *inner, last = steps_of(trace)
    assert (agent["agent"], agent["by"]) == ("summarise", ran["n"])
    assert (agent["llm_calls"], agent["tool_calls"]) == (2, 1)
    assert [step.get("under") for step in inner] == [agent["n"]] * 3
    assert "under" not in asked
    assert "under" not in last


def test_a_sub_agent_has_the_name_that_its_tool_call_gives_it() -> None:
    trace = TraceBuilder()
    tool = trace.tool("Task", {"prompt": "look"}, agent="researcher")
    trace.llm(parent_id=tool.span_id)
    assert [step["agent"] for step in steps_of(trace) if "agent" in step] == ["researcher"]


def test_a_tool_call_of_the_sub_agent_may_be_of_the_same_tool() -> None:
    trace = TraceBuilder()
    tool = trace.tool("search", {"for": "a"})
    trace.llm(parent_id=tool.span_id)
    trace.tool("search", {"for": "b"}, parent_id=tool.span_id)
    _, agent, *inner = steps_of(trace)
    assert [step.get("under") for step in inner] == [agent["n"]] * 2


def test_a_span_that_saw_the_same_tool_call_is_no_part_of_the_sub_agent() -> None:
    trace = TraceBuilder()
    tool = trace.tool("Task", {"prompt": "look"}, call_id="c1")
    trace.tool("execution", None, None, call_id="c1", parent_id=tool.span_id)
    trace.llm(parent_id=tool.span_id)
    ran, agent, call = steps_of(trace)
    assert ran["merged"] == 2
    assert agent["tool_calls"] == 0
    assert call["under"] == agent["n"]


def test_where_an_agent_has_a_span_no_other_is_added() -> None:
    trace = TraceBuilder()
    tool = trace.tool("ask", {"question": "why"})
    agent = trace.agent_step("researcher", parent_id=tool.span_id)
    trace.llm(parent_id=agent.span_id)
    assert [step["agent"] for step in steps_of(trace) if "agent" in step] == ["researcher"]
