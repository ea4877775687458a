"""What Gemini CLI's spans show of the scripted run (``tests/fixtures/agents/gemini_cli.mjs``)."""

from functools import cache

from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.tree import time_order
from tests.fixtures import script
from tests.importers.records import read_file
from tests.semconv.test_dialects import FOLDER

CODER = script._ROLES["coder"]
CALLS = (*CODER[:3], CODER[-1])


@cache
def steps_of(kind: str) -> list[Step]:
    steps = map(normalize, read_file(FOLDER / "gemini_cli.jsonl").spans)
    return sorted((step for step in steps if step.kind == kind), key=time_order)


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
