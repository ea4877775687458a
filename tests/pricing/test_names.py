"""Names of models and providers as spans state them, against the data of genai-prices."""

import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.pricing import genai
from clawtrace_otel.pricing.names import PROVIDER_ALIASES, spellings
from tests.pricing.calls import NOON

CONVENTION = {
    "anthropic": "claude-sonnet-4-5",
    "aws.bedrock": "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "azure.ai.inference": "gpt-4o",
    "azure.ai.openai": "gpt-4o",
    "cohere": "command-r-plus",
    "deepseek": "deepseek-chat",
    "gcp.gemini": "gemini-2.5-pro",
    "gcp.gen_ai": "gemini-2.5-pro",
    "gcp.vertex_ai": "gemini-2.5-pro",
    "groq": "llama-3.3-70b-versatile",
    "mistral_ai": "mistral-large-latest",
    "openai": "gpt-5.4",
    "perplexity": "sonar",
    "x_ai": "grok-4",
}
"""Every well-known value but IBM's of ``gen_ai.provider.name``, with a model that it sells."""

SAME = [
    # provider of the span, its model, provider and model of the price
    ("", "models/gemini-2.5-pro", "google", "gemini-2.5-pro"),
    ("gcp.gemini", "models/gemini-2.5-pro", "google", "gemini-2.5-pro"),
    ("", "openai/gpt-5", "openai", "gpt-5"),
    ("openai", "openai/gpt-5", "openai", "gpt-5"),
    ("openai", "anthropic/claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
    ("litellm", "azure/gpt-4o", "azure", "gpt-4o"),
    ("", "azure/gpt-4o", "azure", "gpt-4o"),
    ("", "xai/grok-4", "x-ai", "grok-4"),
    ("", "gemini/gemini-2.5-pro", "google", "gemini-2.5-pro"),
    ("", "vertex_ai/gemini-2.5-pro", "google", "gemini-2.5-pro"),
    ("google", "publishers/google/models/gemini-2.5-pro", "google", "gemini-2.5-pro"),
    (
        "gcp.vertex_ai",
        "projects/p/locations/us-central1/publishers/anthropic/models/claude-sonnet-4-5@20250929",
        "google",
        "claude-sonnet-4-5",
    ),
    ("", "accounts/fireworks/models/deepseek-v3p2", "fireworks", "deepseek-v3p2"),
    ("", "fireworks_ai/accounts/fireworks/models/deepseek-v3p2", "fireworks", "deepseek-v3p2"),
    ("", "openrouter/openai/gpt-5", "openrouter", "openai/gpt-5"),
]
BEDROCK = "anthropic.claude-sonnet-4-5-20250929-v1:0"
ON_BEDROCK = [
    ("", f"us.{BEDROCK}", "regional"),
    ("", f"eu.{BEDROCK}", "regional"),
    ("aws.bedrock", f"ca.{BEDROCK}", "regional"),
    ("anthropic", f"us.{BEDROCK}", "regional"),
    ("", BEDROCK, "regional"),
    ("aws.bedrock", BEDROCK.removesuffix("-v1:0"), "regional"),
    ("", f"bedrock/{BEDROCK}", "regional"),
    ("", f"bedrock/converse/us-east-1/{BEDROCK}", "regional"),
    ("", f"global.{BEDROCK}", "global"),
    ("", f"bedrock/global.{BEDROCK}", "global"),
    (
        "aws.bedrock",
        f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{BEDROCK}",
        "regional",
    ),
]
UNKNOWN = [
    # Fine-tuned models have prices of their own, which the data has of some bases only.
    ("openai", "ft:gpt-4.1:org::id"),
    ("", "ft:gpt-4.1-2025-04-14:org:suffix:id"),
    ("azure", "ft:gpt-4.1:org::id"),
    ("", "azure/ft:gpt-4.1:org::id"),
    # Other regions, other prices.
    ("", "azure/eu/gpt-4o"),
    ("", "azure/us/o4-mini"),
    ("", f"bedrock/us-gov-west-1/{BEDROCK}"),
    ("", "bedrock/eu-west-2/meta.llama3-70b-instruct-v1:0"),
    # Somebody's own deployments.
    ("", "accounts/somebody/models/deepseek-v3p2"),
    ("aws.bedrock", "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc"),
    # Another seller.
    ("groq", "openai/gpt-5"),
    ("openrouter", "nobody/gpt-5"),
    ("self-hosted", "openai/gpt-5"),
]


@pytest.mark.parametrize(("provider", "model"), CONVENTION.items())
def test_every_provider_of_the_conventions_has_prices(provider: str, model: str) -> None:
    card = genai.find_card(provider, model, NOON, "")
    assert card is not None
    ours = PROVIDER_ALIASES.get(provider, provider)
    assert card.provider == ours


def test_another_sellers_price_is_no_price() -> None:
    """genai-prices has none of IBM's; what the same model costs elsewhere says nothing of it."""
    assert genai.find_card("ibm.watsonx.ai", "mistral-large", NOON, "") is None


def test_every_alias_is_a_provider_of_the_data() -> None:
    known = {provider.id for provider in get_snapshot().providers}
    assert set(PROVIDER_ALIASES.values()) <= known
    assert set(PROVIDER_ALIASES).isdisjoint(known)


@pytest.mark.parametrize(("provider", "model", "seller", "plain"), SAME)
def test_a_prefix_changes_nothing_but_the_name(
    provider: str, model: str, seller: str, plain: str
) -> None:
    card = genai.find_card(provider, model, NOON, "")
    assert card is not None
    assert card.provider == seller
    name = f"accounts/fireworks/models/{plain}" if seller == "fireworks" else plain
    assert card == genai.find_card(seller, name, NOON, "")


@pytest.mark.parametrize(("provider", "model", "kind"), ON_BEDROCK)
def test_a_model_of_bedrock_has_the_price_of_bedrock_for_its_kind_of_region(
    provider: str, model: str, kind: str
) -> None:
    card = genai.find_card(provider, model, NOON, "")
    assert card is not None
    assert (card.provider, card.model) == ("aws", f"{kind}.{BEDROCK}")


@pytest.mark.parametrize(("provider", "model"), UNKNOWN)
def test_a_name_that_may_have_another_price_is_unknown(provider: str, model: str) -> None:
    assert genai.find_card(provider, model, NOON, "") is None


def test_a_fine_tuned_model_costs_what_the_data_says_of_fine_tuned_ones() -> None:
    tuned = genai.find_card("openai", "ft:gpt-4o-2024-08-06:org::id", NOON, "")
    plain = genai.find_card("openai", "gpt-4o-2024-08-06", NOON, "")
    assert tuned is not None
    assert plain is not None
    assert tuned.model.startswith("ft:")
    assert tuned.base.output > plain.base.output


def test_the_name_itself_is_looked_up_first() -> None:
    card = genai.find_card("openrouter", "openai/gpt-5", NOON, "")
    assert card is not None
    assert (card.provider, card.model) == ("openrouter", "openai/gpt-5")


@given(
    st.sampled_from(["", "openai", "aws", "nobody", *PROVIDER_ALIASES]),
    st.text("abf:./-_v10@", max_size=40)
    | st.lists(
        st.sampled_from(
            ["models/", "openai/", "bedrock/", "us.", "anthropic.", "ft:", "-v1:0", "x", "azure/"]
        ),
        max_size=8,
    ).map("".join),
)
@settings(max_examples=300)
def test_spellings_begin_with_the_name_and_never_take_ft_off(provider: str, model: str) -> None:
    found = spellings(provider, model)
    assert found[0][1] == model
    assert len(set(found)) == len(found) <= 5
    assert all(model.endswith(name) or name in model for _, name in found)
    assert all(name.count("ft:") == model.count("ft:") for _, name in found)
