"""LiteLLM's proxy between an application and a model: a call is counted once, at its own price.

The spans are built as BerriAI/litellm writes them (see ``tests/fixtures/README.md``).
"""

from typing import Any

import pytest

from clawtrace_otel.semconv.normalize import kind_of, normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from tests.tracecard.traces import START_NS, TRACE_ID

TOKENS = {
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
    "gen_ai.response.id": "chatcmpl-1",
}
CLIENT = {
    **TOKENS,
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "fast",
}
V2 = {
    **TOKENS,
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "fast",
    "gen_ai.usage.cache_read.input_tokens": 400,
    "litellm.provider.model": "gpt-5",
    "litellm.cost.total": 0.00125,
    "litellm.cost.input": 0.00025,
    "litellm.call_id": "b6d1",
}
V1 = {
    "llm.request.type": "acompletion",
    "gen_ai.operation.name": "acompletion",
    "gen_ai.system": "openai",
    "gen_ai.request.model": "gpt-5",
    "gen_ai.response.model": "fast",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.usage.prompt_tokens": 1000,
    "gen_ai.usage.completion_tokens": 100,
    "gen_ai.usage.total_tokens": 1100,
    "gen_ai.cost.total_cost": 0.00125,
    "gen_ai.cost.input_cost": 0.00025,
}
RAW = {"llm.openai.messages": "[]", "llm.openai.model": "gpt-5", "llm.openai.usage": "{}"}


def step(n: int, parent: int, name: str, attributes: dict[str, Any], app: bool = False) -> Step:
    return normalize(
        Span(
            trace_id=TRACE_ID,
            span_id=f"{n:016x}",
            parent_id=f"{parent:016x}" if parent else "",
            name=name,
            start_ns=START_NS + n * 10**6,
            end_ns=START_NS + (100 - n) * 10**6,
            attributes=attributes,
            scope="opentelemetry.instrumentation.genai.openai" if app else "litellm",
            service="app" if app else "litellm-proxy",
        )
    )


def card_of(*steps: Step) -> Card:
    card = Compiler().compile(steps)
    assert card is not None
    return card


AGENT = step(1, 0, "invoke_agent planner", {"gen_ai.operation.name": "invoke_agent"}, app=True)
ASKED = step(2, 1, "chat fast", CLIENT, app=True)


def test_the_call_of_an_application_and_of_the_proxy_behind_it_is_one_call() -> None:
    served = step(3, 2, "POST /v1/chat/completions", {"http.route": "/v1/chat/completions"})
    called = step(4, 3, "chat fast", V2)
    card = card_of(AGENT, ASKED, served, called)
    assert card["total"]["llm_calls"] == 1
    assert card["total"]["cost_usd"] == 0.00125
    (line,) = card["steps"]
    assert (line["source"], line["merged"], line["cached"]) == ("supplied", 2, 400)
    assert card["models"] == ["gpt-5"]


@pytest.mark.parametrize("holder", ["litellm_request", "Received Proxy Server Request"])
def test_the_older_instrumentation_puts_a_call_on_its_own_span_or_on_the_request(
    holder: str,
) -> None:
    called = step(3, 2, holder, V1)
    raw = step(4, 3, "raw_gen_ai_request", RAW)
    card = card_of(AGENT, ASKED, called, raw)
    assert card["total"]["llm_calls"] == 1
    assert card["total"]["cost_usd"] == 0.00125
    assert card["total"]["unpriced_calls"] == 0


def test_a_request_that_repeats_the_call_below_it_is_counted_once() -> None:
    """As versions before 1.80 wrote it."""
    card = card_of(
        step(1, 0, "Received Proxy Server Request", V1),
        step(2, 1, "litellm_request", V1),
        step(3, 2, "raw_gen_ai_request", RAW),
    )
    assert (card["total"]["llm_calls"], card["total"]["cost_usd"]) == (1, 0.00125)


def test_a_second_try_of_the_proxy_is_a_part_of_the_call_that_asked_for_it() -> None:
    failed = step(3, 2, "chat fast", {**CLIENT, "error.type": "RateLimitError"} | _no_tokens())
    called = step(4, 2, "chat fast", V2)
    card = card_of(AGENT, ASKED, failed, called)
    assert card["total"]["cost_usd"] == 0.00125


def _no_tokens() -> dict[str, None]:
    return dict.fromkeys(TOKENS)


@pytest.mark.parametrize(
    ("call_type", "kind"),
    [
        ("completion", "llm"),
        ("acompletion", "llm"),
        ("aembedding", "llm"),
        ("aresponses", "llm"),
        ("anthropic_messages", "llm"),
        ("litellm.moderation", "span"),
        ("create_file", "span"),
    ],
)
@pytest.mark.parametrize("key", ["gen_ai.operation.name", "llm.request.type"])
def test_functions_of_the_library_that_call_a_model_are_calls(
    key: str, call_type: str, kind: str
) -> None:
    assert kind_of(Span("", "", attributes={key: call_type})) == kind


def test_sentrys_names_of_cached_and_reasoning_tokens_are_read() -> None:
    called = step(
        1,
        0,
        "chat gpt-5",
        {
            **CLIENT,
            "gen_ai.usage.input_tokens.cached": 400,
            "gen_ai.usage.output_tokens.reasoning": 60,
        },
    )
    assert called.usage is not None
    assert (called.usage.input, called.usage.cache_read, called.usage.reasoning) == (1000, 400, 60)
