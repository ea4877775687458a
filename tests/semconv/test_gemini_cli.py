"""What Gemini CLI shows of the scripted run (``tests/fixtures/agents/gemini_cli.mjs``)."""

from functools import cache

import pytest

from clawtrace_otel.demo.model_script import Reply
from clawtrace_otel.semconv.log_records import is_homeless, is_record
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.tree import time_order
from tests.fixtures import script
from tests.importers.compile_files import compile_files
from tests.importers.records import read_file
from tests.semconv.test_dialects import FOLDER

CODER = script._ROLES["coder"]
CALLS = (*CODER[:3], CODER[-1])


FILES = ("gemini_cli", "gemini_cli_nocontent")
each_file = pytest.mark.parametrize("file", FILES)


@cache
def all_steps(file: str) -> list[Step]:
    content = read_file(FOLDER / f"{file}.jsonl")
    assert content.problems == []
    return sorted(map(normalize, content.spans), key=time_order)


def steps_of(kind: str, file: str = "gemini_cli") -> list[Step]:
    """The spans of a kind."""
    return [step for step in all_steps(file) if step.kind == kind and not is_record(step)]


def records_of(file: str) -> list[Step]:
    return [step for step in all_steps(file) if is_record(step)]


@each_file
def test_a_record_tells_all_tokens_that_the_server_reported(file: str) -> None:
    told = [step.usage for step in records_of(file)]
    assert [(u.input, u.cache_read, u.output, u.reasoning) for u in told if u] == [
        (reply.input_tokens, reply.cache_read_tokens, reply.output_tokens, reply.reasoning_tokens)
        for reply in CALLS
    ]


@each_file
def test_a_record_names_neither_its_trace_nor_the_response(file: str) -> None:
    assert all(is_homeless(step) and not step.response_id for step in records_of(file))


@each_file
def test_the_cards_have_all_that_was_used_each_call_once(file: str) -> None:
    cards = compile_files([FOLDER / f"{file}.jsonl"], Compiler()).cards
    lines = [line for card in cards for line in card["steps"] if "llm" in line]
    assert sorted(
        (line["in"], line.get("cached", 0), line["out"], line.get("reasoning", 0), line["merged"])
        for line in lines
    ) == sorted((r.input_tokens, r.cache_read_tokens, *_output(r), 2) for r in CALLS)
    assert sum(card["total"]["tool_calls"] for card in cards) == 3


def _output(reply: Reply) -> tuple[int, int]:
    return reply.output_tokens, reply.reasoning_tokens


def test_the_spans_without_content_state_no_tokens_and_no_arguments() -> None:
    file = "gemini_cli_nocontent"
    assert {step.usage for step in steps_of("llm", file)} == {None}
    assert {step.args for step in steps_of("tool", file)} == {""}
    assert [s.call_id for s in steps_of("tool", file)] == [s.call_id for s in steps_of("tool")]


def test_each_model_call_has_its_tokens_but_neither_cached_ones_nor_thoughts() -> None:
    told = [step.usage for step in steps_of("llm")]
    assert [(u.input, u.output, u.cache_read, u.reasoning) for u in told if u] == [
        (reply.input_tokens, reply.output_tokens - reply.reasoning_tokens, 0, 0) for reply in CALLS
    ]


def test_what_each_answer_does_is_read_from_its_messages() -> None:
    assert [step.does for step in steps_of("llm")] == [
        *("plan_then_tool", "tool_call", "tool_call", "final_reply")
    ]


def test_arguments_and_call_ids_are_those_that_the_model_asked_for() -> None:
    asked = [(call.id, call.tool, call.args) for s in steps_of("llm") for call in s.calls]
    assert [(s.call_id, s.tool, s.args) for s in steps_of("tool")] == asked
    assert [args for *_, args in asked] == [
        '{"command":"cat report.txt"}',
        '{"command":"cat report.txt"}',
        '{"command":"cat nothing.txt"}',
    ]


def test_a_result_is_what_the_model_read() -> None:
    first, second, failed = steps_of("tool")
    assert first.result_hash == second.result_hash != failed.result_hash
    read = "<untrusted_context>\nOutput: Q1 410\nQ2 395\nQ3 402\nQ4 441\nProcess Group PGID: 1000\n"
    assert first.result_size == len(read + "</untrusted_context>")


def test_a_command_that_failed_is_an_error_though_its_status_is_success() -> None:
    errors = [step.error for step in steps_of("tool")]
    assert errors[:2] == [None, None]
    assert errors[2] is not None
    assert "No such file or directory" in errors[2]


def test_every_span_says_its_session() -> None:
    sessions = {step.session for kind in ("llm", "tool") for step in steps_of(kind)}
    assert sessions == {"00000000-0000-0000-0000-000000000001"}


def test_a_sub_agents_call_is_an_agent() -> None:
    """As ``packages/core/src/telemetry/trace.ts`` writes it; the run has none."""
    attributes = {"gen_ai.operation.name": "agent_call", "gen_ai.agent.name": "researcher"}
    span = Span(trace_id="1" * 32, span_id="2" * 16, name="agent_call", attributes=attributes)
    step = normalize(span)
    assert (step.kind, step.agent) == ("agent", "researcher")
