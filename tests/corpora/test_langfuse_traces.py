"""Ten frameworks as Langfuse recorded them, against what it made of them itself.

Where an instrumentation's dialect is one of ours, tokens must be Langfuse's. Elsewhere nothing may
be invented. Langfuse fills gaps by counting tokens itself, and counts a call again where a second
span tells of it; both show in ``LANGFUSE_COUNTS``.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from clawtrace_otel.importers.formats import langfuse
from clawtrace_otel.importers.importer import Problem, Record, Told
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import check_card
from tests.corpora.folder import CORPORA, reads_corpora
from tests.importers.compile_files import compile_files

pytestmark = reads_corpora

FOLDER = CORPORA / "langfuse-framework-traces"


@dataclass(frozen=True)
class Trace:
    """What is in a file.

    Attributes:
        llm: spans of LLM calls.
        usage: input and output tokens that the spans tell; ``None`` if they tell none.
        calls: LLM calls, where several spans saw one.
    """

    name: str
    spans: int
    llm: int
    tools: int
    usage: tuple[int, int] | None
    calls: int = 0

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.trace.json"


@dataclass(frozen=True)
class Observation:
    """A span, and what Langfuse makes of it.

    Attributes:
        usage: token counts by kind; "input" is without those of other kinds.
        cost: USD by kind.
    """

    span: Span
    usage: Mapping[str, int]
    cost: Mapping[str, float]


TRACES = [
    # OpenInference before it counted Agno's tokens, within each span one of Langfuse's own SDK.
    Trace("agno-2025-06-11", 6, 4, 1, (826, 245), calls=2),
    Trace("claude-agent-2025-12-22", 7, 4, 2, None),  # LangSmith: tokens in another field
    Trace("crewai-2025-07-11", 6, 1, 0, (190, 164)),
    Trace("google-adk-2025-08-28", 5, 2, 1, (67, 9)),
    # Langfuse's SDK, whose callback did not yet say which of its spans are tools.
    Trace("langgraph-python-2025-08-22", 9, 2, 1, (168, 66)),
    Trace("llamaindex-2025-06-05", 2, 1, 0, (13, 81)),
    Trace("microsoft-agent-2025-12-17", 4, 2, 1, (293, 106)),
    Trace("openai-agents-2025-09-30", 5, 2, 1, (140, 44)),
    Trace("pydantic-ai-tools-2025-12-04", 12, 4, 3, (1315, 209)),
    Trace("vercel-aisdk-2025-11-17", 3, 1, 1, (62, 85)),
]
PRICED = [trace for trace in TRACES if trace.usage]
LISTED = [trace for trace in PRICED if not trace.name.startswith("langgraph")]
"""Traces to which Langfuse applied list prices. In that of LangGraph its project had its own."""

each_trace = pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.name)
each_priced = pytest.mark.parametrize("trace", PRICED, ids=lambda trace: trace.name)
each_listed = pytest.mark.parametrize("trace", LISTED, ids=lambda trace: trace.name)


@cache
def records(trace: Trace) -> list[Record]:
    return list(langfuse.read([trace.path]))


def observations(trace: Trace) -> list[Observation]:
    raw = json.loads(trace.path.read_bytes())["observations"]
    spans = [record for record in records(trace) if isinstance(record, Span)]
    return [
        Observation(span, value["usageDetails"], value["costDetails"])
        for span, value in zip(spans, raw, strict=True)
    ]


def steps_of(trace: Trace) -> list[Step]:
    return [normalize(observation.span) for observation in observations(trace)]


def calls_of(trace: Trace) -> list[tuple[Step, Observation]]:
    """The LLM spans that tell tokens."""
    both = zip(steps_of(trace), observations(trace), strict=True)
    return [(step, observation) for step, observation in both if step.kind == "llm" and step.usage]


def card_of(trace: Trace) -> Card:
    done = compile_files([trace.path], Compiler())
    assert done.problems == []
    (card,) = done.cards
    return check_card(card, trace.name)


def test_all_ten_frameworks_have_a_row() -> None:
    files = {path.name.removesuffix(".trace.json") for path in FOLDER.glob("*.json")}
    assert files == {trace.name for trace in TRACES}


@each_trace
def test_every_observation_is_a_span_of_one_trace(trace: Trace) -> None:
    spans = [observation.span for observation in observations(trace)]
    assert len(spans) == trace.spans
    assert len({span.trace_id for span in spans}) == 1
    for span in spans:
        assert re.fullmatch(r"[0-9a-f]{32}", span.trace_id)
        assert re.fullmatch(r"[0-9a-f]{16}", span.span_id)
        assert 0 < span.start_ns <= span.end_ns


@each_trace
def test_llm_and_tool_calls_are_found(trace: Trace) -> None:
    kinds = Counter(step.kind for step in steps_of(trace))
    assert (kinds["llm"], kinds["tool"]) == (trace.llm, trace.tools)


@each_trace
def test_the_card_has_each_call_once(trace: Trace) -> None:
    total = card_of(trace)["total"]
    calls = trace.calls or trace.llm
    assert (total["llm_calls"], total["tool_calls"]) == (calls, trace.tools)
    assert total["unpriced_calls"] == (0 if trace.usage else calls)


@each_trace
def test_nothing_is_wrong_with_the_files(trace: Trace) -> None:
    assert [record for record in records(trace) if isinstance(record, Problem)] == []


@each_trace
def test_values_that_langfuse_wrote_as_text_are_read_as_numbers(trace: Trace) -> None:
    assert {step.invalid for step in steps_of(trace)} == {""}


@each_priced
def test_tokens_of_each_call_are_langfuses(trace: Trace) -> None:
    for step, observation in calls_of(trace):
        assert step.usage is not None
        assert step.usage.input == observation.usage["input"]
        assert step.usage.output == observation.usage["output"]


@each_priced
def test_the_card_counts_every_token_once_whatever_agents_add_up(trace: Trace) -> None:
    tokens = card_of(trace)["total"]["tokens"]
    assert (tokens["input"], tokens["output"]) == trace.usage


@each_listed
def test_the_computed_cost_of_each_call_is_langfuses(trace: Trace) -> None:
    """All agree: the models' list prices have not changed since. Langfuse's floats are cut."""
    pricer = Pricer()
    for step, observation in calls_of(trace):
        price = pricer.price(step)
        computed = price.cost if price.computed is None else price.computed
        assert computed is not None
        assert computed / 1e12 == pytest.approx(observation.cost["total"], abs=2e-12)


@each_listed
def test_the_cost_of_a_card_is_the_sum_of_its_calls(trace: Trace) -> None:
    total = sum(observation.cost["total"] for _, observation in calls_of(trace))
    assert card_of(trace)["total"]["cost_usd"] == pytest.approx(total, abs=1e-11)


def test_pydantic_ais_own_costs_are_taken_and_agree_with_the_computed_ones() -> None:
    trace = next(trace for trace in TRACES if trace.name.startswith("pydantic"))
    pricer = Pricer()
    prices = [pricer.price(step) for step, _ in calls_of(trace)]
    assert {price.source for price in prices} == {"supplied"}
    assert [price.cost for price in prices] == [price.computed for price in prices]


LANGFUSE_COUNTS = {
    # The model's calls again in tokens that Langfuse estimated for the agent span around them.
    "microsoft-agent-2025-12-17": (293 + 44, 106 + 180),
    # Estimated for `OpenAIChat.invoke`, which tells none, beside those of Langfuse's own SDK.
    "agno-2025-06-11": (542 + 1568 + 163 + 663, 235 + 423 + 20 + 225),
    # Estimated for the span around the call, beside the call's own.
    "vercel-aisdk-2025-11-17": (62 + 14, 85 + 43),
}


@each_trace
def test_langfuse_counts_more_where_a_second_span_tells_of_a_call(trace: Trace) -> None:
    counted = [observation.usage for observation in observations(trace)]
    total = (
        sum(usage.get("input", 0) for usage in counted),
        sum(usage.get("output", 0) for usage in counted),
    )
    if trace.name in LANGFUSE_COUNTS:
        assert total == LANGFUSE_COUNTS[trace.name]
    elif trace.usage:
        assert total == trace.usage


def test_the_agent_of_openai_agents_is_named_by_its_graph_node() -> None:
    trace = next(trace for trace in TRACES if trace.name.startswith("openai-agents"))
    steps = steps_of(trace)
    assert [step.agent for step in steps if step.kind == "agent"] == ["Hello world"]


def test_the_provider_is_googles_though_the_framework_names_itself_first() -> None:
    trace = next(trace for trace in TRACES if trace.name.startswith("google-adk"))
    assert {step.provider for step, _ in calls_of(trace)} == {"google"}


def test_only_costs_that_the_sender_gave_are_supplied() -> None:
    """Langfuse's own SDK gave Agno's; the others' are Langfuse's, computed from list prices."""
    pricer = Pricer()
    sources = {
        trace.name.partition("-20")[0]: {pricer.price(step).source for step, _ in calls_of(trace)}
        for trace in PRICED
    }
    supplied = {name for name, found in sources.items() if found == {"supplied"}}
    assert supplied == {"agno", "pydantic-ai-tools"}
    assert set().union(*(sources[name] for name in sources.keys() - supplied)) == {"genai-prices"}


@each_trace
def test_scores_are_evaluations(trace: Trace) -> None:
    raw = json.loads(trace.path.read_bytes())["trace"]["scores"]
    told = [record.evaluation for record in records(trace) if isinstance(record, Told)]
    assert [(e.name, e.score) for e in told] == [(score["name"], score["value"]) for score in raw]
    outcome = card_of(trace).get("outcome")
    assert (outcome is None) == (raw == [])
    if outcome is not None:
        assert outcome["passed"] is None


def test_arguments_and_results_that_langfuse_moved_are_put_back() -> None:
    trace = next(trace for trace in TRACES if trace.name.startswith("vercel"))
    (tool,) = [step for step in steps_of(trace) if step.kind == "tool"]
    assert tool.args == '{"location":"San Francisco"}'
    assert tool.result_hash


def test_pydantic_ais_agents_have_the_sums_of_their_calls_and_not_their_own_again() -> None:
    trace = next(trace for trace in TRACES if trace.name.startswith("pydantic"))
    card = card_of(trace)
    agents = [step for step in card["steps"] if "agent" in step]
    assert [(step["agent"], step["in"], step["out"], step["tool_calls"]) for step in agents] == [
        ("joke_agent", 265 + 417, 73 + 53, 3),
        ("joke_agent", 502, 14, 0),
        ("evaluator_agent", 131, 69, 0),
    ]
    assert all("aggregate" not in step for step in agents)
    tools = [step for step in card["steps"] if "tool" in step]
    assert {(step["args"], step["by"]) for step in tools} == {('{"topic":"programming"}', 2)}


def test_the_tool_of_langgraph_is_asked_for_by_the_first_call() -> None:
    trace = next(trace for trace in TRACES if trace.name.startswith("langgraph"))
    asked, tool, answered = card_of(trace)["steps"]
    assert (asked["in"], asked["does"]) == (60, "tool_call")
    assert (tool["tool"], tool["args"], tool["by"]) == ("Web-Search", '{"query":"example"}', 1)
    assert (answered["in"], answered["does"]) == (108, "final_reply")
