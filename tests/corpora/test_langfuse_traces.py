"""Ten frameworks as Langfuse recorded them, against what it made of them itself.

Where an instrumentation's dialect is one of ours (OpenInference, the official conventions), tokens
must be Langfuse's. Elsewhere nothing may be invented. Langfuse fills gaps by counting tokens
itself, and counts a call again where a second span tells of it; both show in ``LANGFUSE_COUNTS``.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

import pytest

from clawtrace_otel.importers.compile_files import compile_traces
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import check_card
from tests.corpora.folder import CORPORA, reads_corpora
from tests.corpora.langfuse import Observation, read_observations

pytestmark = reads_corpora

FOLDER = CORPORA / "langfuse-framework-traces"


@dataclass(frozen=True)
class Trace:
    """What is in a file.

    Attributes:
        usage: input and output tokens in the attributes of its spans; ``None`` if there are none.
    """

    name: str
    spans: int
    llm: int
    tools: int
    usage: tuple[int, int] | None


TRACES = [
    Trace("agno-2025-06-11", 6, 2, 1, None),  # OpenInference, before it counted Agno's tokens
    Trace("claude-agent-2025-12-22", 7, 4, 2, None),  # LangSmith: tokens in another field
    Trace("crewai-2025-07-11", 6, 1, 0, (190, 164)),
    Trace("google-adk-2025-08-28", 5, 2, 1, (67, 9)),
    Trace("langgraph-python-2025-08-22", 9, 0, 0, None),  # Langfuse's own SDK: no attributes
    Trace("llamaindex-2025-06-05", 2, 1, 0, (13, 81)),
    Trace("microsoft-agent-2025-12-17", 4, 2, 1, (293, 106)),
    Trace("openai-agents-2025-09-30", 5, 2, 1, (140, 44)),
    Trace("pydantic-ai-tools-2025-12-04", 12, 4, 3, (1315, 209)),
    Trace("vercel-aisdk-2025-11-17", 3, 0, 0, None),  # the AI SDK's own names
]
PRICED = [trace for trace in TRACES if trace.usage]
each_trace = pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.name)
each_priced = pytest.mark.parametrize("trace", PRICED, ids=lambda trace: trace.name)


@cache
def observations(trace: Trace) -> list[Observation]:
    return read_observations(FOLDER / f"{trace.name}.trace.json")


def steps_of(trace: Trace) -> list[Step]:
    return [normalize(observation.span) for observation in observations(trace)]


def calls_of(trace: Trace) -> list[tuple[Step, Observation]]:
    both = zip(steps_of(trace), observations(trace), strict=True)
    return [(step, observation) for step, observation in both if step.kind == "llm"]


def card_of(trace: Trace) -> Card | None:
    steps = steps_of(trace)
    cards = list(compile_traces({steps[0].trace_id: steps}, {}, Compiler()))
    assert len(cards) <= 1
    return check_card(cards[0], trace.name) if cards else None


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
def test_a_trace_has_a_valid_card_if_it_has_any_call_that_we_know(trace: Trace) -> None:
    card = card_of(trace)
    if not trace.llm:
        assert card is None
        return
    assert card is not None
    total = card["total"]
    assert (total["llm_calls"], total["tool_calls"]) == (trace.llm, trace.tools)
    assert total["unpriced_calls"] == (0 if trace.usage else trace.llm)


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
    card = card_of(trace)
    assert card is not None
    tokens = card["total"]["tokens"]
    assert (tokens["input"], tokens["output"]) == trace.usage


@each_priced
def test_the_computed_cost_of_each_call_is_langfuses(trace: Trace) -> None:
    """All agree: the models' list prices have not changed since. Langfuse's floats are cut."""
    pricer = Pricer()
    for step, observation in calls_of(trace):
        price = pricer.price(step)
        computed = price.cost if price.computed is None else price.computed
        assert computed is not None
        assert computed / 1e12 == pytest.approx(observation.cost["total"], abs=2e-12)


@each_priced
def test_the_cost_of_a_card_is_the_sum_of_its_calls(trace: Trace) -> None:
    card = card_of(trace)
    assert card is not None
    langfuse = sum(observation.cost["total"] for _, observation in calls_of(trace))
    assert card["total"]["cost_usd"] == pytest.approx(langfuse, abs=1e-11)


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
