"""An agent sends to the Collector; its card appears, and Jaeger shows what clawtrace found out."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial

import pytest

from clawtrace_otel.demo import scenario
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.tracecard.model import Card
from tests.collector import peers
from tests.demo.test_demo import expected_tokens, expected_usd
from tests.integration import chain, jaeger_api
from tests.integration.agents import run_agent, service_name
from tests.integration.chain import Chain
from tests.integration.jaeger_api import READERS, Shown, search, search_otlp

pytestmark = pytest.mark.timeout(300)  # the first test starts all of them

PROTOCOLS = ("grpc", "http/protobuf")
AGENTS = 2
SPANS = scenario.LLM_CALLS + scenario.TOOL_CALLS + AGENTS

Spans = Mapping[str, Shown]


@pytest.fixture(scope="module", name="running")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The Collector, clawtrace and Jaeger, and an agent that has run over each protocol."""
    folder = tmp_path_factory.mktemp("jaeger")
    with chain.to_jaeger(folder) as running:
        for protocol in PROTOCOLS:
            address = running.collector.grpc if protocol == "grpc" else running.collector.http
            run_agent(folder / service_name(protocol), address, protocol)
        yield running


@pytest.fixture(scope="module", params=PROTOCOLS, name="card")
def _card(running: Chain, request: pytest.FixtureRequest) -> Card:
    """The card of the agent that has sent over a protocol."""
    service = service_name(request.param)
    return peers.until(
        lambda: next((one for one in running.cards() if one["root"]["service"] == service), None),
        chain.SECONDS,
    )


@pytest.fixture(params=READERS, name="spans")
def _spans(running: Chain, card: Card, request: pytest.FixtureRequest) -> Spans:
    """What an API of Jaeger shows of its trace."""
    read = READERS[request.param]
    return jaeger_api.spans(running.jaeger, card["trace_id"], SPANS, read)


def test_the_card_of_an_agent_behind_the_collector_is_right(card: Card) -> None:
    total = card["total"]
    assert card["status"] == "complete"
    assert (total["llm_calls"], total["tool_calls"]) == (scenario.LLM_CALLS, scenario.TOOL_CALLS)
    assert total["tokens"] == expected_tokens()
    assert total["cost_usd"] == pytest.approx(expected_usd(), abs=1e-9)
    (repeat,) = card["redundant"]
    assert (repeat["tool"], repeat["kind"], repeat["verdict"]) == ("read_file", "equal", "same")


def test_jaeger_shows_every_span_below_the_one_that_it_was_made_in(
    card: Card, spans: Spans
) -> None:
    (root,) = (span for span in spans.values() if not span.parent_id)
    assert root.span_id == card["root"]["span"]
    assert {span.parent_id for span in spans.values() if span is not root} <= set(spans)
    assert {span.service for span in spans.values()} == {card["root"]["service"]}


def test_the_costs_on_the_llm_spans_add_up_to_that_on_the_card(card: Card, spans: Spans) -> None:
    calls = _with_operation(spans, "chat")
    assert len(calls) == scenario.LLM_CALLS
    assert {call.attributes[a.CLAWTRACE_COST_SOURCE] for call in calls} == {"genai-prices"}
    costs = [Decimal(repr(call.attributes[a.CLAWTRACE_COST_USD])) for call in calls]
    assert float(sum(costs)) == card["total"]["cost_usd"]


def test_the_root_has_the_sums_of_the_trace(card: Card, spans: Spans) -> None:
    root = spans[card["root"]["span"]].attributes
    total = card["total"]
    assert root[a.CLAWTRACE_TRACE_COST_USD] == total["cost_usd"]
    assert root[a.CLAWTRACE_TRACE_LLM_CALLS] == total["llm_calls"]
    assert root[a.CLAWTRACE_TRACE_TOOL_CALLS] == total["tool_calls"]
    assert root[a.CLAWTRACE_TRACE_WASTE_USD] == total["waste_usd"][0]


def test_the_repeated_call_says_what_it_repeats(spans: Spans) -> None:
    (repeat,) = (one for one in spans.values() if a.CLAWTRACE_REPEAT_OF in one.attributes)
    said = repeat.attributes
    first = spans[str(said[a.CLAWTRACE_REPEAT_OF])]
    for key in (a.GEN_AI_TOOL_NAME, a.GEN_AI_TOOL_CALL_ARGUMENTS, a.GEN_AI_TOOL_CALL_RESULT):
        assert first.attributes[key] == said[key]
    assert said[a.CLAWTRACE_REPEAT_KIND] == "equal"
    assert said[a.CLAWTRACE_REPEAT_VERDICT] == "same"
    assert said[a.CLAWTRACE_REPEAT_COUNT] == 2
    assert isinstance(waste := said[a.CLAWTRACE_WASTE_USD], float)
    assert waste > 0


def test_the_call_that_repairs_a_failed_one_says_so(spans: Spans) -> None:
    (retry,) = (one for one in spans.values() if a.CLAWTRACE_RETRY_OF in one.attributes)
    failed = spans[str(retry.attributes[a.CLAWTRACE_RETRY_OF])]
    assert failed.attributes[a.GEN_AI_TOOL_NAME] == "run_tests"
    assert a.ERROR_TYPE in failed.attributes


def test_spans_that_are_no_calls_and_no_root_get_nothing(card: Card, spans: Spans) -> None:
    (helper,) = (
        span
        for span in _with_operation(spans, "invoke_agent")
        if span.span_id != card["root"]["span"]
    )
    assert [key for key in helper.attributes if key.startswith("clawtrace.")] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (a.CLAWTRACE_REPEAT_VERDICT, "same"),
        (a.CLAWTRACE_REPEAT_KIND, "equal"),
        (a.CLAWTRACE_COST_SOURCE, "genai-prices"),
        (a.CLAWTRACE_TRACE_LLM_CALLS, str(scenario.LLM_CALLS)),
    ],
)
def test_a_search_by_what_clawtrace_found_out_finds_the_trace(
    running: Chain, card: Card, key: str, value: str
) -> None:
    service = card["root"]["service"]
    found = peers.until(lambda: search(running.jaeger, service, **{key: value}), chain.SECONDS)
    assert found == {card["trace_id"]}
    assert search(running.jaeger, service, **{key: "another"}) == set()


def test_a_search_by_service_finds_the_trace_in_either_api(running: Chain, card: Card) -> None:
    service = card["root"]["service"]
    for find in (search, search_otlp):
        found = peers.until(partial(find, running.jaeger, service), chain.SECONDS)
        assert found == {card["trace_id"]}


def _with_operation(spans: Spans, operation: str) -> list[Shown]:
    return [
        span for span in spans.values() if span.attributes.get(a.GEN_AI_OPERATION_NAME) == operation
    ]
