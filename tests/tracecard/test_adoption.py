"""Spans that hang in the wrong place come to where they belong."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from clawtrace_otel.importers.compile_group import read
from clawtrace_otel.importers.formats.otlp_file import IMPORTER
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.tree import build_tree
from tests.importers.compile_files import cards_of
from tests.tracecard.prices import compiled, line
from tests.tracecard.traces import START_NS, TraceBuilder, traces

FIXTURES = Path(__file__).parents[1] / "fixtures" / "otlp"
MS = 1_000_000


def lasting(step: Step, start: int, end: int) -> Step:
    """A step that lasts from one millisecond to another."""
    step.start_ns, step.end_ns = START_NS + start * MS, START_NS + end * MS
    return step


def parents(steps: list[Step]) -> dict[str, str]:
    """Each span's id and that of the span it hangs below, in the end."""
    tree = build_tree(steps)
    return {n.step.span_id: n.parent.step.span_id if n.parent else "" for n in tree.nodes}


@pytest.mark.parametrize(
    "name",
    [
        "openai_agents_traceloop",  # the agent is beside its tool, under the workflow
        "langchain_traceloop",  # its calls are below a sibling of it
        "openai_agents_official",  # it is below its tool
        "google_adk",
        "pydantic_ai",
        "strands",
    ],
)
def test_the_sub_agent_of_every_library_is_below_its_tool_and_has_its_calls(name: str) -> None:
    """A real run: the tool ``research`` runs an agent of two LLM calls and one tool call."""
    cards = cards_of(read(IMPORTER, [FIXTURES / f"{name}.jsonl"]), Compiler(max_bytes=10**6))
    card = next(card for card in cards if any(s.get("tool") == "research" for s in card["steps"]))
    tool = next(step for step in card["steps"] if step.get("tool") == "research")
    agent = next(step for step in card["steps"] if step.get("by") == tool["n"] and "agent" in step)
    assert (agent["llm_calls"], agent["tool_calls"]) == (2, 1)
    below = [step for step in card["steps"] if step.get("under") == agent["n"]]
    assert sorted("llm" in step for step in below) == [False, True, True]
    assert agent.get("under") == tool.get("under")


def test_agents_after_a_handoff_stay_beside_one_another() -> None:
    path = FIXTURES / "openai_agents_traceloop.jsonl"
    (card,) = cards_of(read(IMPORTER, [path]), Compiler(max_bytes=10**6))
    top = [step for step in card["steps"] if "agent" in step and "under" not in step]
    assert [step["agent"] for step in top] == ["lead", "writer"]


def beside(*tools: str, agent: str = "researcher") -> tuple[TraceBuilder, list[Step], Step]:
    """A lead with tools that run at once, and an agent beside the lead within their time."""
    trace = TraceBuilder()
    trace.root.kind = "workflow"
    lead = lasting(trace.agent_step("lead"), 1, 90)
    trace.llm(parent_id=lead.span_id)
    started = [lasting(trace.tool(t, parent_id=lead.span_id), 10, 50) for t in tools]
    found = lasting(trace.agent_step(agent), 20, 40)
    trace.llm(parent_id=found.span_id)
    return trace, started, found


def test_an_agent_beside_the_one_tool_that_runs_meanwhile_is_that_tools() -> None:
    trace, (tool,), agent = beside("research")
    assert parents(trace.end())[agent.span_id] == tool.span_id


@pytest.mark.parametrize("tool", ["ask_researcher", "Researcher", "ResearcherTool", "research"])
def test_of_several_tools_that_run_meanwhile_the_one_with_the_agents_name_is_chosen(
    tool: str,
) -> None:
    trace, (_, named, _), agent = beside("read_file", tool, "search")
    assert parents(trace.end())[agent.span_id] == named.span_id


@pytest.mark.parametrize("tools", [("read_file", "search"), ("research", "researcher"), ("x", "")])
def test_an_agent_stays_where_it_is_if_several_tools_may_have_run_it(
    tools: tuple[str, ...],
) -> None:
    trace, _, agent = beside(*tools)
    assert parents(trace.end())[agent.span_id] == trace.root.span_id


def test_an_agent_without_a_name_is_no_named_tools() -> None:
    trace, _, agent = beside("research", "search", agent="")
    assert parents(trace.end())[agent.span_id] == trace.root.span_id


@pytest.mark.parametrize("why", ["outlasts", "scope", "children", "elsewhere"])
def test_a_tool_that_cannot_have_run_an_agent_does_not_get_it(why: str) -> None:
    trace, (tool,), agent = beside("research")
    if why == "outlasts":
        lasting(agent, 20, 51)
    elif why == "scope":
        agent.scope = "another"
    elif why == "children":
        trace.span(parent_id=tool.span_id)
    else:
        agent.parent_id = trace.span().span_id
    assert parents(trace.end())[agent.span_id] == agent.parent_id


def test_two_agents_in_turn_are_each_their_own_tools() -> None:
    trace = TraceBuilder()
    trace.root.kind = "workflow"
    lead = lasting(trace.agent_step("lead"), 1, 90)
    pairs = []
    for start in (10, 40):
        tool = lasting(trace.tool("research", parent_id=lead.span_id), start, start + 20)
        pairs.append((tool, lasting(trace.agent_step("researcher"), start + 5, start + 15)))
    found = parents(trace.end())
    assert [found[agent.span_id] for _, agent in pairs] == [tool.span_id for tool, _ in pairs]


def calls_below_a_sibling(count: int) -> TraceBuilder:
    """As Traceloop's LangChain does it, one agent after another, all of one name."""
    trace = TraceBuilder()
    for n in range(count):
        start = 10 * n + 1
        tool = lasting(trace.tool("research", {"n": n}), start, start + 9)
        lasting(trace.agent_step("researcher", parent_id=tool.span_id), start, start + 9)
        task = lasting(trace.span(name="execute_task researcher"), start, start + 9)
        call = trace.llm(parent_id=task.span_id, agent="researcher")
        lasting(call, start + 1, start + 2)
    lasting(trace.root, 0, 10 * count + 10)
    return trace


@pytest.mark.parametrize("count", [1, 3, 200])
def test_calls_below_a_sibling_of_their_agent_become_its_own(count: int) -> None:
    card = compiled(calls_below_a_sibling(count).steps)
    agents = [step for step in card["steps"] if "agent" in step]
    assert [agent["llm_calls"] for agent in agents] == [1] * count
    calls = [step["under"] for step in card["steps"] if "llm" in step]
    assert calls == [agent["n"] for agent in agents]


def test_a_call_stays_with_its_agent_although_it_names_another_that_ran_earlier() -> None:
    trace = TraceBuilder()
    lasting(trace.agent_step("researcher"), 1, 5)
    call = lasting(trace.llm(agent="researcher"), 6, 7)
    assert parents(trace.end())[call.span_id] == trace.root.span_id


def other_trace(step: Step, **fields: object) -> Step:
    return msgspec.structs.replace(step, trace_id="e" * 32, **fields)


def with_a_remote_agent(**root: object) -> tuple[list[Step], Step, Step]:
    """Steps of a trace and of an agent that has one of its own; the tool that called it; it."""
    trace = TraceBuilder()
    trace.llm()
    tool = lasting(trace.tool("research", session="conv"), 10, 50)
    lasting(trace.root, 0, 90)
    remote = lasting(TraceBuilder(agent="researcher").root, 20, 40)
    remote = other_trace(remote, span_id="e" * 16, **root)
    call = lasting(trace.llm(), 25, 30)
    call = other_trace(call, span_id="d" * 16, parent_id=remote.span_id)
    trace.steps.pop()
    return [*trace.steps, remote, call], tool, remote


def test_a_trace_that_links_to_a_call_hangs_below_it() -> None:
    steps, tool, _ = with_a_remote_agent()
    steps[-2].links = ((tool.trace_id, tool.span_id),)
    card = compiled(steps)
    assert (line(card, 3)["agent"], line(card, 3)["by"]) == ("researcher", 2)
    assert line(card, 4)["under"] == 3
    assert card["root"]["agent"] == "planner"


def test_a_trace_of_the_same_conversation_hangs_below_the_call_that_waits_for_it() -> None:
    steps, _, _ = with_a_remote_agent(session="conv")
    assert line(compiled(steps), 3)["by"] == 2


def test_a_call_that_waits_has_its_agent_also_while_the_root_of_its_trace_is_not_there() -> None:
    (_, *steps), _, _ = with_a_remote_agent(session="conv")
    card = compiled(steps)
    assert line(card, 3)["by"] == 2
    assert (card["status"], card["trace_id"]) == ("open", steps[0].trace_id)


def test_the_session_of_a_joined_run_is_that_of_the_trace_at_the_top() -> None:
    steps, tool, _ = with_a_remote_agent(session="inner")
    steps[-2].links = ((tool.trace_id, tool.span_id),)
    steps[0].session = "outer"
    assert compiled(steps)["session"] == "outer"


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(traces())
def test_no_span_is_lost_doubled_or_above_itself_whatever_the_trace(steps: list[Step]) -> None:
    tree = build_tree(steps)
    ids = Counter(step.span_id for step in steps)
    # A tool call that calls models gets an agent that no span shows.
    added = {node.step.span_id for node in tree.nodes if node.step not in steps}
    assert all(node.step.kind == "agent" for node in tree.nodes if node.step.span_id in added)
    ids.update(added)
    assert Counter(node.step.span_id for node in tree.nodes) == ids
    assert Counter(node.step.span_id for node in tree.downward) == ids
    seen = set()
    for node in tree.downward:
        assert node.parent is None or node.parent in seen
        assert all(child.parent is node for child in node.children)
        seen.add(node)
    assert sum(len(node.children) for node in tree.nodes) == sum(n.parent is not None for n in seen)
