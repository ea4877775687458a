"""Cards of agent frameworks against the sums of what the model server answered.

Doubled instrumentation is among them: Strands with two others, Google's ADK with OpenInference.
"""

from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from clawtrace_otel.processors.counted_calls import CountedCalls
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from tests.importers.compile_files import compile_files
from tests.importers.records import read_file
from tests.semconv.framework_views import VIEWS
from tests.semconv.view import AROUND_EMBEDDING, REFUSED, View

FIXTURES = Path(__file__).parents[1] / "fixtures" / "otlp"
BY_FILE = {view.file: view for view in VIEWS}
each_file = pytest.mark.parametrize("file", BY_FILE)


@cache
def cards_of(file: str) -> list[Card]:
    compiled = compile_files([FIXTURES / f"{file}.jsonl"], Compiler())
    assert compiled.problems == []
    return sorted(compiled.cards, key=lambda card: card["started"])


def cached_in(view: View) -> int:
    if "cache_read" in view.blind:
        return 0
    return sum(reply.cache_read_tokens for reply in view.calls)


@each_file
def test_each_call_is_counted_once_and_priced_unless_it_was_refused(file: str) -> None:
    calls = [reply for reply in BY_FILE[file].calls if reply != AROUND_EMBEDDING]
    totals = [card["total"] for card in cards_of(file)]
    assert sum(total["llm_calls"] for total in totals) == len(calls)
    assert sum(total["unpriced_calls"] for total in totals) == calls.count(REFUSED)


@each_file
def test_tokens_of_a_file_are_the_sums_of_the_replies(file: str) -> None:
    view = BY_FILE[file]
    tokens = [card["total"]["tokens"] for card in cards_of(file)]
    assert sum(count["input"] for count in tokens) == sum(r.input_tokens for r in view.calls)
    assert sum(count["output"] for count in tokens) == sum(r.output_tokens for r in view.calls)
    assert sum(count["cache_read"] for count in tokens) == cached_in(view)


@each_file
def test_spans_that_are_sent_on_carry_the_cost_of_a_call_once(file: str) -> None:
    traces: dict[str, CountedCalls] = defaultdict(CountedCalls)
    counted = []
    for step in map(normalize, read_file(FIXTURES / f"{file}.jsonl").spans):
        if step.kind != "llm":
            traces[step.trace_id].pass_on(step)
        elif traces[step.trace_id].is_new(step) and step.usage is not None:
            counted.append(step)
    calls = [reply for reply in BY_FILE[file].calls if reply not in (AROUND_EMBEDDING, REFUSED)]
    assert len(counted) == len(calls)


@each_file
def test_the_session_of_a_run_is_not_that_of_its_sub_agent(file: str) -> None:
    sessions = {card.get("session") for card in cards_of(file)}
    assert sessions == ({None} if file.startswith("vercel_ai_7") else {"conversation-1"})


@pytest.mark.parametrize("file", ["strands", "google_adk_latest", "vercel_ai_4", "vercel_ai_7"])
def test_a_sub_agent_has_the_sums_of_its_two_calls(file: str) -> None:
    steps = cards_of(file)[0]["steps"]
    (agent,) = [s for s in steps if str(s.get("agent", "")).startswith("research")]
    (tool,) = [s for s in steps if s.get("tool") == "research"]
    assert (agent["llm_calls"], agent["tool_calls"], agent["by"]) == (2, 1, tool["n"])
    # 300 + 420 tokens in, 24 + 30 out, at 1.25 and 10 USD a million.
    assert agent["usd"] == pytest.approx((720 * 1.25 + 54 * 10) / 1e6)
