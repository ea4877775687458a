"""What each instrumentation shows of the scripted run, measured on the captured fixtures.

The expectations come from the script that the model server followed (``tests/fixtures/script.py``);
the tables say which part of it an instrumentation cannot see.
"""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from clawtrace_otel.demo.model_script import Reply
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.shells import read_arguments
from clawtrace_otel.semconv.step import Does, Step
from clawtrace_otel.tracecard.tree import time_order
from tests.importers.records import read_file
from tests.semconv import framework_views, observability_views
from tests.semconv.view import (
    AGENTS,
    ANTHROPIC,
    AROUND_EMBEDDING,
    CHAT_ONLY,
    EMBEDDING,
    HELLO,
    LANGCHAIN,
    NO_USAGE,
    OPENAI,
    REFUSED,
    View,
    make_view,
)

FOLDER = Path(__file__).parents[1] / "fixtures" / "otlp"
CODING_AGENTS = ("claude_code", "codex", "gemini_cli")
"""Their tools are their own, and so are their tests."""

FILES = sorted(p.stem for p in FOLDER.glob("*.jsonl") if not p.stem.startswith(CODING_AGENTS))
TOLD = [file for file in FILES if file not in framework_views.WITHOUT_CONTENT]

_CONTRIB = "opentelemetry.instrumentation."
_GENAI = "opentelemetry.instrumentation.genai."
_OI = "openinference.instrumentation."
_NATIVE = "com.anthropic.sdk.python"


# OpenAI's APIs report no cache writes, Anthropic's no reasoning tokens.
_NO_WRITES = ("cache_write",)
_NO_REASONING = ("reasoning",)
VIEWS = [
    make_view("openai_traceloop", _CONTRIB + "openai.v1", OPENAI, *_NO_WRITES, "ids"),
    make_view("openai_official", _GENAI + "openai", OPENAI, *_NO_WRITES),
    make_view("openai_official_nocontent", _GENAI + "openai", OPENAI, *_NO_WRITES, "content"),
    make_view("openai_openinference", _OI + "openai", OPENAI, *_NO_WRITES),
    make_view("openai_all_three", _CONTRIB + "openai.v1", OPENAI, *_NO_WRITES, "ids"),
    make_view("openai_all_three", _GENAI + "openai", OPENAI, *_NO_WRITES),
    make_view("openai_all_three", _OI + "openai", OPENAI, *_NO_WRITES),
    make_view(
        "openai_v2_older",
        _CONTRIB + "openai_v2",
        CHAT_ONLY,
        *("cache_write", "cache_read", "reasoning", "content", "finish_reason_of_streams"),
    ),
    make_view(
        "openai_traceloop_old",
        _CONTRIB + "openai.v1",
        (*CHAT_ONLY, EMBEDDING),
        *("cache_write", "reasoning", "stream"),
    ),
    make_view("anthropic_native", _NATIVE, ANTHROPIC, *_NO_REASONING),
    make_view("anthropic_native_traceloop", _NATIVE, ANTHROPIC, *_NO_REASONING),
    make_view("anthropic_native_openinference", _NATIVE, ANTHROPIC, *_NO_REASONING),
    make_view("anthropic_native_official", _NATIVE, ANTHROPIC, *_NO_REASONING),
    make_view(
        "anthropic_native_traceloop",
        _CONTRIB + "anthropic",
        ANTHROPIC,
        *("reasoning", "ttl", "stream_output"),
    ),
    make_view("anthropic_native_openinference", _OI + "anthropic", ANTHROPIC, "reasoning", "ttl"),
    make_view("anthropic_native_official", _GENAI + "anthropic", ANTHROPIC, "reasoning", "ttl"),
    make_view("openai_agents_openinference", _OI + "openai_agents", AGENTS, *_NO_WRITES),
    make_view("openai_agents_traceloop", _CONTRIB + "openai_agents", AGENTS, *_NO_WRITES),
    make_view("openai_agents_official", _GENAI + "openai", AGENTS, *_NO_WRITES),
    make_view("langchain_openinference", _OI + "langchain", LANGCHAIN, *_NO_WRITES),
    make_view("langchain_traceloop", _CONTRIB + "langchain", LANGCHAIN, "cache_write", "reasoning"),
    make_view("langchain_official", _GENAI + "langchain", LANGCHAIN, *_NO_WRITES),
    *framework_views.VIEWS,
    *observability_views.VIEWS,
]
each_view = pytest.mark.parametrize("view", VIEWS, ids=str)
each_file = pytest.mark.parametrize("file", FILES)

_PLANNERS = ["planner", "planner"]
_RUNNER = ["anthropic.messages.tool_runner", "planner"]
_TEAM = ["lead", "researcher", "writer"]
AGENT_NAMES = {
    "anthropic_native": _RUNNER,
    "anthropic_native_official": _RUNNER,
    "anthropic_native_openinference": _RUNNER,
    "anthropic_native_traceloop": _RUNNER,
    "langchain_official": _TEAM[:2],
    "langchain_openinference": _TEAM[:2],
    "langchain_traceloop": _TEAM[:2],
    "openai_agents_official": _TEAM,
    "openai_agents_openinference": _TEAM,
    "openai_agents_traceloop": _TEAM,
    "openai_all_three": _PLANNERS,
    "openai_official": _PLANNERS,
    "openai_official_nocontent": _PLANNERS,
    "openai_openinference": _PLANNERS,
    "openai_traceloop": _PLANNERS,
    "openai_traceloop_old": _PLANNERS,
    "openai_v2_older": _PLANNERS,
    **framework_views.AGENT_NAMES,
    **observability_views.AGENT_NAMES,
}


@cache
def steps_of(file: str) -> list[Step]:
    content = read_file(FOLDER / f"{file}.jsonl")
    assert content.problems == []
    return sorted(map(normalize, content.spans), key=time_order)


def calls_of(view: View) -> list[Step]:
    steps = [s for s in steps_of(view.file) if s.kind == "llm" and s.scope == view.scope]
    return [step for step in steps if step.name.startswith(view.span)]


def tools_of(file: str) -> list[Step]:
    return [step for step in steps_of(file) if step.kind == "tool"]


def test_every_fixture_and_every_llm_scope_in_it_has_a_row_in_the_tables() -> None:
    found = {(f, s.scope) for f in FILES for s in steps_of(f) if s.kind == "llm"}
    assert {(view.file, view.scope) for view in VIEWS} == found
    assert sorted(AGENT_NAMES) == FILES


@each_view
def test_each_instrumentation_shows_every_call_once(view: View) -> None:
    assert len(calls_of(view)) == len(view.calls)


def _tokens(view: View, index: int) -> tuple[int, int, int, int, int, int] | None:
    """Input, cache read, written for 5 minutes and for an hour, output, reasoning."""
    reply, blind = view.calls[index], view.blind
    streamed = reply == HELLO
    if reply in (NO_USAGE, REFUSED, AROUND_EMBEDDING) or ("stream" in blind and streamed):
        return None
    hour = 0 if blind & {"ttl", "cache_write"} else reply.cache_write_1h_tokens
    return (
        reply.input_tokens,
        0 if "cache_read" in blind else reply.cache_read_tokens,
        0 if "cache_write" in blind else reply.cache_write_tokens - hour,
        hour,
        reply.output_tokens + (streamed and "stream_output" in blind),
        0 if "reasoning" in blind else reply.reasoning_tokens,
    )


@each_view
def test_tokens_of_each_call_are_those_that_the_server_reported(view: View) -> None:
    shown = [
        (
            step.usage.input,
            step.usage.cache_read,
            step.usage.cache_write_5m,
            step.usage.cache_write_1h,
            step.usage.output,
            step.usage.reasoning,
        )
        if step.usage
        else None
        for step in calls_of(view)
    ]
    assert shown == [_tokens(view, n) for n in range(len(view.calls))]


def _does(view: View, reply: Reply) -> Does:
    if reply.status != 200 or reply in (EMBEDDING, AROUND_EMBEDDING):
        return "other"
    if "finish_reason" in view.blind:
        return "other"
    if reply.tool_calls:
        return "plan_then_tool" if reply.text and "content" not in view.blind else "tool_call"
    unended = "finish_reason_of_streams" in view.blind and reply in (HELLO, NO_USAGE)
    return "other" if unended else "final_reply"


@each_view
def test_the_role_of_each_call_is_told_with_and_without_content(view: View) -> None:
    assert [step.does for step in calls_of(view)] == [_does(view, reply) for reply in view.calls]


@each_view
def test_tool_calls_that_the_model_asked_for_are_read_from_its_answer(view: View) -> None:
    asked = [
        [(call.name, read_arguments(call.arguments).text) for call in reply.tool_calls]
        for reply in view.calls
        if "content" not in view.blind
    ]
    shown = [
        [(call.tool, call.args if call.args_hash else "") for call in step.calls]
        for step in calls_of(view)
        if "content" not in view.blind
    ]
    assert shown == asked


@each_view
def test_ids_of_tool_calls_are_the_servers_unless_the_item_id_is_shown(view: View) -> None:
    given = {call.id for reply in view.calls for call in reply.tool_calls}
    shown = {call.id for step in calls_of(view) for call in step.calls}
    if "content" in view.blind:
        assert shown == set()
    elif "ids" in view.blind:
        assert {call_id for call_id in shown - given if not call_id.startswith("fc_")} == set()
    else:
        assert shown == given


def test_equal_answers_have_equal_hashes_whatever_ids_and_dialect_they_are_in() -> None:
    hashes: dict[Reply, set[str]] = {}
    for view in VIEWS:
        for reply, step in zip(view.calls, calls_of(view), strict=True):
            hashes.setdefault(reply, set()).add(step.output_hash)
    del hashes[NO_USAGE]  # what it says is HELLO's
    told = {reply: found - {""} for reply, found in hashes.items()}
    silent = {REFUSED, EMBEDDING, AROUND_EMBEDDING}
    assert {reply for reply, found in told.items() if not found} == silent
    assert max(len(found) for found in told.values()) == 1


@each_view
def test_only_the_refused_call_failed_and_says_why(view: View) -> None:
    for reply, step in zip(view.calls, calls_of(view), strict=True):
        assert (step.error is not None) == (reply == REFUSED)
        assert step.error is None or "429" in step.error or step.error == "rate_limit_error"


@each_view
def test_provider_model_and_tier_are_told(view: View) -> None:
    provider, model = view.model
    for reply, step in zip(view.calls, calls_of(view), strict=True):
        assert step.provider == ("" if "provider" in view.blind else provider)
        assert (step.model or step.request_model) == (
            "text-embedding-3-small" if reply in (EMBEDDING, AROUND_EMBEDDING) else model
        )
        assert step.tier in ("", "default", "standard")


@each_file
def test_agents_are_found_once_and_wrappers_around_a_run_are_none(file: str) -> None:
    agents = sorted(step.agent for step in steps_of(file) if step.kind == "agent")
    assert agents == AGENT_NAMES[file]


@each_file
def test_tool_calls_are_found_and_a_handoff_is_none(file: str) -> None:
    is_team = "langchain" in file or "agents" in file or file in framework_views.TEAMS
    expected = {"read_file": 3, "research": 1} if is_team else {"read_file": 4}
    expected = observability_views.TOOLS.get(file, expected)
    assert Counter(step.tool for step in tools_of(file)) == expected


@each_file
def test_calls_with_the_same_arguments_and_results_are_equal(file: str) -> None:
    reads = [step for step in tools_of(file) if step.tool == "read_file"]
    told = int(file not in framework_views.WITHOUT_CONTENT)
    assert len({step.args_hash for step in reads} - {""}) == told
    assert len({step.result_hash for step in reads} - {""}) == told


def test_results_are_equal_in_all_dialects() -> None:
    reads = [step for file in TOLD for step in tools_of(file) if step.tool == "read_file"]
    assert {(step.result_hash, step.result_size) for step in reads} == {
        (reads[0].result_hash, len("report.xlsx\nQ1 410\nQ2 395\nQ3 402\nQ4 441\n"))
    }


def test_arguments_are_equal_in_all_dialects_but_the_one_that_loses_their_keys() -> None:
    reads = [
        (file, step.args) for file in TOLD for step in tools_of(file) if step.tool == "read_file"
    ]
    assert {args for file, args in reads if file != "langchain_openinference"} == {
        '{"path":"report.xlsx"}'
    }
    assert {args for file, args in reads if file == "langchain_openinference"} == {"report.xlsx"}


@each_file
def test_a_tool_call_is_joined_by_id_only_with_the_answer_that_asked_for_it(file: str) -> None:
    for trace_id in {step.trace_id for step in steps_of(file)}:
        trace = [step for step in steps_of(file) if step.trace_id == trace_id]
        asked = {call.id: call for step in trace for call in step.calls}
        for tool in (step for step in trace if step.kind == "tool"):
            call = asked.get(tool.call_id)
            if call is not None:
                assert call.tool == tool.tool
                assert call.args == tool.args or tool.args in call.args


@pytest.mark.parametrize("file", ["langchain_openinference", "langchain_traceloop"])
def test_langchains_tool_spans_get_their_call_id_from_the_envelope(file: str) -> None:
    ids = [step.call_id for step in tools_of(file)]
    assert sorted(ids) == ["call_0001", "call_0002", "call_0003", "call_0005"]


def test_the_conversation_is_told_by_every_framework_that_has_one() -> None:
    told = {file for file in FILES for step in steps_of(file) if step.session == "conversation-1"}
    assert told == {
        "langchain_official",
        "langchain_openinference",
        "langchain_traceloop",
        "openai_agents_official",
        *framework_views.CONVERSATIONS,
        *observability_views.CONVERSATIONS,
    }


@pytest.mark.parametrize("file", ["langchain_openinference", "langchain_traceloop"])
def test_spans_of_a_sub_agent_say_so_in_langchain(file: str) -> None:
    kinds = [step.kind for step in steps_of(file) if step.agent == "researcher"]
    assert Counter(kind for kind in kinds if kind in ("llm", "tool")) == {"llm": 2, "tool": 1}
