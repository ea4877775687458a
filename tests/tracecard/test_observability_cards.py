"""Cards of Pydantic AI, Logfire, Langfuse and LangSmith: every call once, whoever saw it."""

from functools import cache
from pathlib import Path

import pytest

from clawtrace_otel.demo.model_script import Reply
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from tests.importers.compile_files import compile_files
from tests.semconv.observability_views import VIEWS
from tests.semconv.view import EMBEDDING, HELLO, LANGCHAIN, LOOP, NO_USAGE, REFUSED

FIXTURES = Path(__file__).parents[1] / "fixtures" / "otlp"

CALLS = {view.file: view.calls for view in reversed(VIEWS)}
CALLS["logfire"] = CALLS["logfire"] + (*LOOP, HELLO)
CALLS["logfire_openinference"] = CALLS["logfire"]
TEAMS = [file for file, calls in CALLS.items() if calls[: len(LANGCHAIN)] == LANGCHAIN]
each_file = pytest.mark.parametrize("file", CALLS)
each_team = pytest.mark.parametrize("file", TEAMS)


@cache
def cards_of(file: str) -> list[Card]:
    compiled = compile_files([FIXTURES / f"{file}.jsonl"], Compiler())
    assert compiled.problems == []
    return sorted(compiled.cards, key=lambda card: card["trace_id"])


def sums(calls: tuple[Reply, ...]) -> tuple[int, int]:
    told = [call for call in calls if call not in (NO_USAGE, REFUSED)]
    return sum(call.input_tokens for call in told), sum(call.output_tokens for call in told)


@each_file
def test_every_call_is_counted_once_whatever_agents_add_up_and_libraries_see(file: str) -> None:
    totals = [card["total"] for card in cards_of(file)]
    assert sum(total["llm_calls"] for total in totals) == len(CALLS[file])
    tokens = [total["tokens"] for total in totals]
    counted = sum(each["input"] for each in tokens), sum(each["output"] for each in tokens)
    assert counted == sums(CALLS[file])
    # The price of an embedding is not found by the model alone, and Langfuse names no provider.
    unpriced = (NO_USAGE, REFUSED, EMBEDDING) if file == "langfuse" else (NO_USAGE, REFUSED)
    unknown = sum(call in unpriced for call in CALLS[file])
    assert sum(total["unpriced_calls"] for total in totals) == unknown


@pytest.mark.parametrize(
    "file", ["pydantic_ai_official", "langfuse_openinference", "logfire_openinference"]
)
def test_a_call_that_two_libraries_saw_says_so(file: str) -> None:
    alone = {"langfuse_openinference": len(LOOP), "logfire_openinference": len(LOOP) + 1}
    steps = [step for card in cards_of(file) for step in card["steps"] if "llm" in step]
    merged = [step["merged"] for step in steps if "merged" in step]
    assert merged == [2] * (len(CALLS[file]) - alone.get(file, 0))


@each_team
def test_a_sub_agent_is_under_the_tool_that_ran_it_with_the_sums_of_its_calls(file: str) -> None:
    steps = {step["n"]: step for step in cards_of(file)[0]["steps"]}
    (researcher,) = [step for step in steps.values() if step.get("agent") == "researcher"]
    assert steps[researcher["by"]]["tool"] == "research"
    below = [step for step in steps.values() if step.get("under") == researcher["n"]]
    inner = sum(step["in"] for step in below if "llm" in step)
    assert (researcher["llm_calls"], researcher["tool_calls"]) == (2, 1)
    assert inner == researcher["in"] == 300 + 420


@each_team
def test_a_team_costs_what_its_calls_cost(file: str) -> None:
    """gpt-5: 1.25, 0.125 and 10 USD for a million tokens of input, of cached input, of output."""
    read = sum(call.cache_read_tokens for call in LANGCHAIN)
    total, output = sums(LANGCHAIN)
    usd = ((total - read) * 1.25 + read * 0.125 + output * 10) / 1e6
    assert cards_of(file)[0]["total"]["cost_usd"] == pytest.approx(usd, abs=1e-12)


@each_team
def test_the_second_read_is_a_repeat_of_the_first(file: str) -> None:
    (group,) = cards_of(file)[0]["redundant"]
    assert (group["tool"], group["steps"], group["verdict"]) == ("read_file", [2, 4, 9], "same")


@pytest.mark.parametrize("told", [True, False])
def test_what_a_run_adds_up_is_priced_only_if_no_call_below_tells_its_usage(told: bool) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    run = {
        a.GEN_AI_OPERATION_NAME: "invoke_agent",
        a.GEN_AI_AGENT_NAME: "lead",
        a.PYDANTIC_MODEL_NAME: "gpt-5",
        a.PYDANTIC_RUN_INPUT: 1000,
        a.PYDANTIC_RUN_OUTPUT: 100,
    }
    call: dict[str, object] = {a.GEN_AI_OPERATION_NAME: "chat", a.GEN_AI_REQUEST_MODEL: "gpt-5"}
    if told:
        call |= {a.GEN_AI_USAGE_INPUT_TOKENS: 700, a.GEN_AI_USAGE_OUTPUT_TOKENS: 50}
    spans = [
        Span(trace_id, "1" * 16, "", "invoke_agent lead", 10, 90, attributes=run),
        Span(trace_id, "2" * 16, "1" * 16, "chat gpt-5", 20, 80, attributes=call),
    ]
    card = Compiler().compile([normalize(span) for span in spans])
    assert card is not None
    assert card["total"]["tokens"]["input"] == (700 if told else 1000)
