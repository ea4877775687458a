"""What Claude Code and Codex show of the scripted run, on spans and in log records.

Their tools are their own (``tests/fixtures/coding_agents.py``); the rest is the script's.
"""

from collections import Counter
from functools import cache
from pathlib import Path

import msgspec
import pytest

from clawtrace_otel.demo.model_script import Reply
from clawtrace_otel.semconv.log_records import is_homeless, is_record
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.record_places import RecordPlaces
from tests.fixtures import script
from tests.importers.records import read_file

FOLDER = Path(__file__).parents[1] / "fixtures" / "otlp"
CODER, RESEARCHER = script._ROLES["coder"], script._ROLES["researcher"]
CALLS = {
    "claude_code": (*CODER[:4], *RESEARCHER, CODER[4]),
    "claude_code_logs": (*CODER[:4], *RESEARCHER, CODER[4]),
    "codex": (*CODER[:3], CODER[4]),
    "codex_logs": (*CODER[:3], CODER[4]),
}
FILES = sorted(CALLS)
each_file = pytest.mark.parametrize("file", FILES)
with_spans = pytest.mark.parametrize("file", ["claude_code", "codex"])


@cache
def steps_of(file: str) -> list[Step]:
    content = read_file(FOLDER / f"{file}.jsonl")
    assert content.problems == []
    return sorted(map(normalize, content.spans), key=lambda step: step.start_ns)


def spans_of(file: str, kind: str) -> list[Step]:
    return [step for step in steps_of(file) if step.kind == kind and not is_record(step)]


def records_of(file: str, kind: str) -> list[Step]:
    return [step for step in steps_of(file) if step.kind == kind and is_record(step)]


@cache
def card_of(file: str) -> Card:
    places = RecordPlaces()
    traces: dict[str, list[Step]] = {}
    for step in steps_of(file):
        for placed in places.place(step):
            traces.setdefault(placed.trace_id, []).append(placed)
    cards = [card for steps in traces.values() if (card := Compiler().compile(steps))]
    assert len(cards) == 1
    return cards[0]


def _tokens(reply: Reply, *, hour: bool) -> tuple[int, int, int, int, int]:
    one_hour = reply.cache_write_1h_tokens if hour else 0
    return (
        reply.input_tokens,
        reply.cache_read_tokens,
        reply.cache_write_tokens - one_hour,
        one_hour,
        reply.output_tokens,
    )


def _shown(steps: list[Step]) -> list[tuple[int, int, int, int, int]]:
    usages = [step.usage for step in steps if step.usage is not None]
    return [(u.input, u.cache_read, u.cache_write_5m, u.cache_write_1h, u.output) for u in usages]


@with_spans
def test_tokens_on_spans_are_those_that_the_server_reported(file: str) -> None:
    """Claude Code's spans do not say how long a cache write lives; OpenAI's API has none."""
    replies = CALLS[file] if file == "claude_code" else [_unwritten(r) for r in CALLS[file]]
    assert _shown(spans_of(file, "llm")) == [_tokens(reply, hour=False) for reply in replies]


@each_file
def test_tokens_in_records_are_those_that_the_server_reported(file: str) -> None:
    claude = file.startswith("claude")
    replies = CALLS[file] if claude else [_unwritten(reply) for reply in CALLS[file]]
    assert _shown(records_of(file, "llm")) == [_tokens(reply, hour=claude) for reply in replies]


def _unwritten(reply: Reply) -> Reply:
    return msgspec.structs.replace(reply, cache_write_tokens=0, cache_write_1h_tokens=0)


@each_file
def test_the_card_is_that_of_the_run_whatever_it_is_told_by(file: str) -> None:
    total = card_of(file)["total"]
    replies = CALLS[file]
    assert total["llm_calls"] == len(replies)
    assert total["tool_calls"] == sum(len(reply.tool_calls) for reply in replies)
    assert total["tokens"]["input"] == sum(reply.input_tokens for reply in replies)
    assert total["tokens"]["output"] == sum(reply.output_tokens for reply in replies)
    assert total["unpriced_calls"] == 0


@pytest.mark.parametrize("agent", ["claude_code", "codex"])
def test_spans_and_records_together_cost_what_records_alone_do(agent: str) -> None:
    both, records = card_of(agent)["total"], card_of(f"{agent}_logs")["total"]
    assert both["cost_usd"] == records["cost_usd"]
    assert both["tokens"] == records["tokens"]


def test_what_claude_code_says_that_a_request_cost_is_what_its_tokens_cost() -> None:
    pricer = Compiler().pricer
    for step in records_of("claude_code", "llm"):
        price = pricer.price(step)
        assert price.cost == step.supplied
        assert price.computed == pytest.approx(price.cost, rel=1e-6)


def test_a_span_of_claude_code_and_its_record_tell_the_same_request() -> None:
    shown = [step.response_id for step in spans_of("claude_code", "llm")]
    assert [step.response_id for step in records_of("claude_code", "llm")] == shown
    assert len(set(shown)) == len(CALLS["claude_code"])


def test_every_call_of_claude_code_was_seen_by_a_span_and_a_record() -> None:
    lines = card_of("claude_code")["steps"]
    assert {line["merged"] for line in lines if "llm" in line} == {2}
    # A tool call has a span around its execution besides.
    assert {line["merged"] for line in lines if "tool" in line} == {3}


@each_file
def test_tool_calls_have_their_arguments(file: str) -> None:
    lines = [line for line in card_of(file)["steps"] if "tool" in line]
    assert Counter(line["tool"] for line in lines) == (
        {"Bash": 4, "Agent": 1} if file.startswith("claude") else {"exec_command": 3}
    )
    assert all(line["args"] for line in lines)


@pytest.mark.parametrize("file", ["claude_code", "claude_code_logs"])
def test_a_failed_tool_call_says_so_though_its_span_does_not(file: str) -> None:
    failed = [step.get("error") for step in card_of(file)["steps"] if "tool" in step]
    assert failed == [None, None, "Shell command failed", None, None]


def test_the_span_of_a_tool_call_alone_shows_that_its_execution_failed() -> None:
    spans = [step for step in steps_of("claude_code") if not is_record(step)]
    card = Compiler().compile(spans)
    assert card is not None
    errors = [step.get("error") for step in card["steps"] if "tool" in step]
    assert errors == [None, None, "Shell command failed", None, None]
    assert card["total"]["tool_calls"] == 5


@with_spans
def test_the_same_read_is_found_again(file: str) -> None:
    lines = [line for line in card_of(file)["steps"] if "tool" in line]
    first, again = lines[:2]
    assert again["repeat"]["of"] == first["n"]


def test_the_model_of_a_call_of_codex_is_that_of_the_span_around_it() -> None:
    models = {step.request_model for step in spans_of("codex", "llm") if step.usage is None}
    assert models == {"gpt-5"}
    assert {step.request_model for step in spans_of("codex", "llm") if step.usage} == {""}
    assert card_of("codex")["models"] == ["gpt-5"]


def test_the_sum_of_a_turn_of_codex_is_told_and_not_counted() -> None:
    (turn,) = (step for step in steps_of("codex") if step.kind == "workflow" and step.usage)
    replies = CALLS["codex"]
    assert turn.usage is not None
    assert turn.usage.input == sum(reply.input_tokens for reply in replies)
    assert turn.usage.output == sum(reply.output_tokens for reply in replies)


@each_file
def test_records_are_in_the_trace_of_their_spans_or_in_that_of_their_session(file: str) -> None:
    homeless = {step.name for step in steps_of(file) if is_homeless(step)}
    told = {step.name for step in steps_of(file) if is_record(step)}
    if file.endswith("_logs"):
        assert homeless == told
    else:
        # Codex writes the end of a stream outside of any span.
        assert homeless == (set() if file == "claude_code" else {"codex.sse_event"})


def test_a_sub_agent_that_is_only_logged_is_an_agent_of_its_own() -> None:
    (agent,) = (step for step in steps_of("claude_code_logs") if step.kind == "agent")
    assert agent.agent == "researcher"
    inside = [s for s in steps_of("claude_code_logs") if s.parent_id == agent.span_id]
    assert Counter(step.kind for step in inside) == {"llm": 2, "tool": 1}
    (line,) = (line for line in card_of("claude_code_logs")["steps"] if "agent" in line)
    assert (line["agent"], line["llm_calls"], line["tool_calls"]) == ("researcher", 2, 1)


@with_spans
def test_the_session_is_told(file: str) -> None:
    assert len({step.session for step in steps_of(file) if step.kind == "llm"} - {""}) >= 1
    assert card_of(file)["session"]
