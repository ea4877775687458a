"""Log records of coding agents become spans; the rest is left alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.semconv.log_records import (
    NO_PARENT,
    SOURCES,
    LogRecord,
    is_homeless,
    is_record,
    read_record,
    session_trace,
)
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step, Usage, encode_step
from clawtrace_otel.tracecard.record_places import RecordPlaces

TRACE, SPAN = "a" * 32, "b" * 16
REQUEST = {
    "session.id": "s1",
    "event.name": "api_request",
    "model": "claude-sonnet-4-5",
    "input_tokens": 176,
    "output_tokens": 48,
    "cache_read_tokens": 100,
    "cache_creation_tokens": 1024,
    "cache_creation_5m_tokens": 24,
    "cache_creation_1h_tokens": 1000,
    "cost_usd": 0.007338,
    "duration_ms": "65",
    "request_id": "req_1",
}
COMPLETED = {
    "event.name": "codex.sse_event",
    "event.kind": "response.completed",
    "conversation.id": "c1",
    "event.timestamp": "2026-11-02T10:00:00.250Z",
    "model": "gpt-5",
    "input_token_count": "1800",
    "output_token_count": "120",
    "cached_token_count": 1408,
    "reasoning_token_count": 64,
}
NS = 1_793_613_600 * 10**9  # 2026-11-02T10:00:00Z


def record(attributes: dict[str, Any], **fields: Any) -> LogRecord:
    defaults = {"name": "", "body": "", "trace_id": "", "span_id": "", "time_ns": NS}
    return LogRecord(**{**defaults, "service": "agent", **fields}, attributes=attributes)


def step(attributes: dict[str, Any], **fields: Any) -> Step:
    span = read_record(record(attributes, **fields))
    assert span is not None
    return normalize(span)


def claude(attributes: dict[str, Any] | None = None, **fields: Any) -> Step:
    return step(attributes or REQUEST, **{"body": "claude_code.api_request", **fields})


def test_a_request_of_claude_code_is_a_call_with_its_cost_and_its_cache_writes() -> None:
    made = claude()
    assert (made.kind, made.request_model, made.response_id) == (
        "llm",
        "claude-sonnet-4-5",
        "req_1",
    )
    assert made.supplied == 7_338_000_000
    assert made.usage == Usage(
        fresh=176, cache_read=100, cache_write_5m=24, cache_write_1h=1000, output=48
    )
    assert (made.start_ns, made.end_ns) == (NS - 65_000_000, NS)


def test_a_record_is_in_the_trace_that_it_names_below_the_span_that_it_names() -> None:
    made = claude(trace_id=TRACE, span_id=SPAN)
    assert (made.trace_id, made.parent_id) == (TRACE, SPAN)
    assert not is_homeless(made)
    assert claude(trace_id=TRACE).parent_id == NO_PARENT


def test_a_record_that_names_no_trace_is_in_that_of_its_session() -> None:
    made = claude()
    assert made.trace_id == session_trace("agent", "s1") == claude(time_ns=NS + 9).trace_id
    assert made.parent_id == ""
    assert is_homeless(made)
    assert made.trace_id != claude(service="other").trace_id
    assert made.trace_id != claude({**REQUEST, "session.id": "s2"}).trace_id


def test_a_record_that_names_neither_trace_nor_session_is_left_out() -> None:
    without = {key: value for key, value in REQUEST.items() if key != "session.id"}
    assert read_record(record(without, body="claude_code.api_request")) is None


def test_equal_records_have_equal_ids_and_others_have_others() -> None:
    assert claude().span_id == claude().span_id
    others = {
        claude().span_id,
        claude(time_ns=NS + 1).span_id,
        claude({**REQUEST, "request_id": "req_2"}).span_id,
        claude(trace_id=TRACE).span_id,
    }
    assert len(others) == 4


def test_the_end_of_a_stream_of_codex_is_a_call_and_its_other_events_are_none() -> None:
    made = step(COMPLETED, time_ns=0)
    assert made.usage == Usage(fresh=392, cache_read=1408, output=120, reasoning=64)
    assert (made.kind, made.request_model, made.session) == ("llm", "gpt-5", "c1")
    assert made.end_ns == NS + 250_000_000
    for attributes in (
        {**COMPLETED, "event.kind": "response.created"},
        {key: value for key, value in COMPLETED.items() if key != "input_token_count"},
    ):
        assert read_record(record(attributes)) is None


@pytest.mark.parametrize(
    ("time_ns", "told"), [(2**64 - 1, ""), (0, "9999-12-31T23:59:59Z"), (0, "2500-01-01")]
)
def test_a_record_of_a_time_that_no_clock_shows_can_be_kept_and_moved(
    time_ns: int, told: str
) -> None:
    made = step({**COMPLETED, "event.timestamp": told}, time_ns=time_ns)
    left = [*RecordPlaces().place(made)]
    assert left == [made]
    places = RecordPlaces()
    span = Step(trace_id=TRACE, span_id=SPAN, kind="llm", service="agent", session="c1")
    moved = [step for each in (made, span) for step in places.place(each)]
    assert all(encode_step(each) for each in moved)
    assert len(moved) == 3


def test_a_tool_result_of_codex_has_arguments_and_result() -> None:
    made = step(
        {
            "event.name": "codex.tool_result",
            "conversation.id": "c1",
            "tool_name": "exec_command",
            "call_id": "call_1",
            "arguments": '{"cmd": "ls"}',
            "output": "report.txt",
            "success": "true",
        }
    )
    assert (made.kind, made.tool, made.call_id) == ("tool", "exec_command", "call_1")
    assert (made.args, made.error) == ('{"cmd":"ls"}', None)
    assert made.result_hash


def test_a_failed_tool_call_of_claude_code_says_why() -> None:
    made = step(
        {
            "session.id": "s1",
            "tool_name": "Read",
            "tool_use_id": "toolu_1",
            "success": "false",
            "error": "File does not exist.",
            "tool_input": '{"file_path": "/a"}',
        },
        body="claude_code.tool_result",
    )
    assert (made.tool, made.call_id, made.error) == ("Read", "toolu_1", "File does not exist.")
    assert made.args == '{"file_path":"/a"}'


def test_thinking_tokens_of_gemini_cli_are_output() -> None:
    made = step(
        {
            "event.name": "gemini_cli.api_response",
            "session.id": "g1",
            "model": "gemini-2.5-pro",
            "input_token_count": 12000,
            "output_token_count": 350,
            "cached_content_token_count": 8000,
            "thoughts_token_count": 420,
            "duration_ms": 900,
        }
    )
    assert made.usage == Usage(fresh=4000, cache_read=8000, output=770, reasoning=420)


def test_what_a_sub_agent_did_is_below_the_record_of_it_where_there_are_no_spans() -> None:
    agent = {"session.id": "s1", "agent_id": "x1", "agent_type": "researcher"}
    made = step(agent, body="claude_code.subagent_completed")
    inside = claude({**REQUEST, "agent_id": "x1"})
    assert (made.kind, made.agent, made.parent_id) == ("agent", "researcher", "")
    assert inside.parent_id == made.span_id
    assert claude({**REQUEST, "agent_id": "x2"}).parent_id != made.span_id
    there = record(agent, body="claude_code.subagent_completed", trace_id=TRACE)
    assert read_record(there) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "exception",
        "api_request",  # without the sender's name it may be anyone's
        "claude_code.user_prompt",
        # It repeats all that stands on its span.
        "gen_ai.client.inference.operation.details",
    ],
)
def test_other_records_are_left_alone(name: str) -> None:
    attributes = {**REQUEST, "event.name": name, "gen_ai.usage.input_tokens": 7}
    for fields in ({"name": name}, {"body": name}, {}):
        assert read_record(record(attributes, **fields)) is None


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)


@given(
    st.sampled_from(sorted(SOURCES)),
    st.dictionaries(st.sampled_from([*REQUEST, *COMPLETED, "agent_id", "error"]), VALUES),
    st.integers(0, 1 << 63),
)
def test_any_values_are_read_or_left_out(
    name: str, attributes: dict[str, object], time_ns: int
) -> None:
    span = read_record(record({**attributes, "event.name": name}, time_ns=time_ns))
    if span is None:
        return
    made = normalize(span)
    assert is_record(made)
    assert made.start_ns <= made.end_ns
    encode_step(made)
