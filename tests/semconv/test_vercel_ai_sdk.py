"""What the tables say of the AI SDK where its fixtures do not show it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step, Usage
from clawtrace_otel.span import Span

COUNTS = st.integers(0, 10**6)


def call(**attributes: object) -> Step:
    told = {f"ai.{key.replace('_', '.')}": value for key, value in attributes.items()}
    told["ai.operationId"] = "ai.generateText.doGenerate"
    return normalize(Span("1" * 32, "2" * 16, name="ai.generateText.doGenerate", attributes=told))


@given(fresh=COUNTS, read=COUNTS, five=COUNTS, hour=COUNTS)
@settings(max_examples=100)
def test_versions_5_and_6_tell_the_same_of_a_call_to_anthropic(
    fresh: int, read: int, five: int, hour: int
) -> None:
    usage = {
        "input_tokens": fresh,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": five + hour,
        "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour},
    }
    metadata = json.dumps({"anthropic": {"usage": usage}})
    version_5 = call(usage_promptTokens=fresh, response_providerMetadata=metadata)
    version_6 = call(
        usage_inputTokens=fresh + read + five + hour,
        usage_inputTokenDetails_noCacheTokens=fresh,
        usage_inputTokenDetails_cacheReadTokens=read,
        usage_inputTokenDetails_cacheWriteTokens=five + hour,
        response_providerMetadata=metadata,
    )
    assert version_5.usage == version_6.usage
    assert version_5.usage == Usage(
        fresh=fresh, cache_read=read, cache_write_5m=five, cache_write_1h=hour
    )


@given(fresh=COUNTS, read=COUNTS, written=COUNTS)
@settings(max_examples=100)
def test_version_4_never_takes_anthropics_cached_tokens_out_of_the_input(
    fresh: int, read: int, written: int
) -> None:
    cached = {"cacheReadInputTokens": read, "cacheCreationInputTokens": written}
    metadata = json.dumps({"anthropic": cached})
    step = call(usage_promptTokens=fresh, response_providerMetadata=metadata)
    assert step.usage == Usage(fresh=fresh, cache_read=read, cache_write_5m=written)


@pytest.mark.parametrize(
    ("written", "provider"),
    [
        ("openai.chat", "openai"),
        ("openai.responses", "openai"),
        ("anthropic.messages", "anthropic"),
        ("google.generative-ai", "google"),
        ("openai.textEmbedding", "openai"),
        ("amazon-bedrock", "amazon-bedrock"),
        ("gateway", ""),
        ("gcp.gemini", "gcp.gemini"),
        ("azure.ai.openai", "azure.ai.openai"),
    ],
)
def test_a_provider_is_named_without_its_api(written: str, provider: str) -> None:
    assert call(model_provider=written).provider == provider


@pytest.mark.parametrize("operation", ["generateText", "streamText", "generateObject"])
def test_a_call_of_the_sdk_is_an_agent_if_it_has_a_name(operation: str) -> None:
    attributes: dict[str, object] = {"ai.operationId": f"ai.{operation}"}
    attributes |= {"ai.usage.inputTokens": 5, "ai.usage.outputTokens": 5}
    without = normalize(Span("1" * 32, "2" * 16, name="x", attributes=attributes))
    attributes["ai.telemetry.functionId"] = "lead"
    named = normalize(Span("1" * 32, "2" * 16, name="x", attributes=attributes))
    assert (without.kind, named.kind, named.agent) == ("workflow", "agent", "lead")
    assert without.usage is named.usage is None
