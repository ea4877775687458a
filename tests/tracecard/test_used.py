"""How much of what a sub-agent answered the agent above used."""

from typing import Any

import pytest

from clawtrace_otel.semconv.words import words_of
from clawtrace_otel.tracecard.used import MAX_LATER
from tests.tracecard.prices import ROUND, compiled, line
from tests.tracecard.traces import TraceBuilder

ANSWER = "revenue grew strongly 2026"


def said(text: str) -> dict[str, Any]:
    return {"words": words_of([text])}


def researched(answer: str = ANSWER, task: str = "look into it") -> TraceBuilder:
    """A planner that had a researcher answer; the agent is step 3."""
    trace = TraceBuilder()
    trace.llm(model=ROUND, **said("I shall ask"))
    tool = trace.tool("research", {"task": task}, **said(task))
    agent = trace.agent_step("researcher", parent_id=tool.span_id)
    trace.llm(model=ROUND, parent_id=agent.span_id, **said("searching for words"))
    trace.llm(model=ROUND, parent_id=agent.span_id, does="final_reply", **said(answer))
    return trace


def used(trace: TraceBuilder) -> float | None:
    return line(compiled(trace.end()), 3).get("output_used")


@pytest.mark.parametrize(
    ("reply", "share"),
    [("The revenue grew.", 0.5), (ANSWER, 1.0), ("Nothing was found.", 0.0)],
)
def test_it_is_the_part_of_its_words_that_the_agent_above_said_later(
    reply: str, share: float
) -> None:
    trace = researched()
    trace.llm(model=ROUND, **said(reply))
    assert used(trace) == share


def test_arguments_of_the_agent_above_count_as_well() -> None:
    trace = researched()
    trace.tool("write_report", {"text": "..."}, **said("revenue grew"))
    assert used(trace) == 0.5


def test_words_of_its_task_tell_nothing() -> None:
    trace = researched(task="revenue 2026")
    trace.llm(model=ROUND, **said("revenue 2026 grew"))
    assert used(trace) == 0.5


def test_what_was_said_before_it_answered_or_by_another_agent_does_not_count() -> None:
    trace = researched()
    other = trace.agent_step("writer")
    trace.llm(model=ROUND, parent_id=other.span_id, **said(ANSWER))
    trace.llm(model=ROUND, **said("done here"))
    trace.steps[1].words = words_of([ANSWER])
    assert used(trace) == 0.0


@pytest.mark.parametrize("why", ["nothing later", "no content", "no reply", "no tool"])
def test_nothing_is_said_where_nothing_can_be_compared(why: str) -> None:
    trace = researched(answer="" if why == "no content" else ANSWER)
    if why == "no reply":
        trace.steps[-1].does = "tool_call"
    if why == "no tool":
        trace.steps[3].parent_id = trace.root.span_id
    if why != "nothing later":
        trace.llm(model=ROUND, **said(ANSWER))
    assert used(trace) is None


def test_only_the_last_answers_of_the_agent_above_are_looked_at() -> None:
    trace = researched()
    trace.llm(model=ROUND, **said(ANSWER))
    for _ in range(MAX_LATER):
        trace.llm(model=ROUND, **said("something else"))
    assert used(trace) == 0.0
