"""Prices in LiteLLM's format."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clawtrace_otel.cli import main
from clawtrace_otel.errors import PriceError
from clawtrace_otel.pricing.litellm_file import LitellmPrices
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.pricing.rates import RateCard
from clawtrace_otel.semconv.step import Usage
from tests.pricing.calls import call, mtok

USAGE = Usage(
    fresh=100, cache_read=200, cache_write_5m=300, cache_write_1h=400, output=500, reasoning=50
)
PLAIN = {"input_cost_per_token": 1e-06, "output_cost_per_token": 5e-06}

Write = Callable[[Any], Path]


@pytest.fixture(name="write")
def _write(tmp_path: Path) -> Write:
    def write(content: object) -> Path:
        path = tmp_path / "litellm.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture(name="card")
def _card(write: Write) -> Callable[..., RateCard]:
    """The card of a file's only entry."""

    def make(tier: str = "", **entry: object) -> RateCard:
        found = LitellmPrices(write({"m": {**PLAIN, **entry}})).find_card("", "m", tier)
        assert found is not None
        return found

    return make


Make = Callable[..., RateCard]


def test_an_entry_prices_all_buckets(card: Make) -> None:
    found = card(
        cache_read_input_token_cost=1e-07,
        cache_creation_input_token_cost=1.25e-06,
        cache_creation_input_token_cost_above_1hr=2e-06,
        output_cost_per_reasoning_token=7e-06,
        input_cost_per_request=0.001,
    )
    assert found.cost(USAGE) == (
        mtok("1", 100) + mtok("0.1", 200) + mtok("1.25", 300) + mtok("2", 400)
    ) + (mtok("5", 450) + mtok("7", 50) + 10**9)


def test_what_is_left_out_costs_what_input_and_output_cost(card: Make) -> None:
    assert card().cost(USAGE) == mtok("1", 1000) + mtok("5", 500)
    written = card(cache_creation_input_token_cost=2e-06)
    assert written.cost(USAGE) == mtok("1", 300) + mtok("2", 700) + mtok("5", 500)


def test_rates_are_exact_decimals(card: Make) -> None:
    assert card(input_cost_per_token=1.1e-07).base.fresh == 110_000_000_000_000_000


def test_text_is_a_rate_too(card: Make) -> None:
    assert card(input_cost_per_token="3e-7").base.fresh == 3 * 10**17


@pytest.mark.parametrize("size", [128, 200, 272])
def test_a_larger_request_has_its_own_rates(card: Make, size: int) -> None:
    found = card(
        **{
            f"input_cost_per_token_above_{size}k_tokens": 2e-06,
            f"output_cost_per_token_above_{size}k_tokens": 8e-06,
            f"cache_read_input_token_cost_above_{size}k_tokens": 2e-07,
        },
        cache_read_input_token_cost=1e-07,
    )
    at = Usage(fresh=size * 1000 - 500, cache_read=500, output=100)
    above = Usage(fresh=size * 1000 - 500, cache_read=501, output=100)
    assert found.cost(at) == mtok("1", at.fresh) + mtok("0.1", 500) + mtok("5", 100)
    assert found.cost(above) == mtok("2", at.fresh) + mtok("0.2", 501) + mtok("8", 100)


def test_xai_charges_more_from_the_threshold_on(card: Make) -> None:
    tiered = {"input_cost_per_token_above_200k_tokens": 2e-06}
    assert card(litellm_provider="xai", **tiered).rates(200_000).fresh == 2 * 10**18
    assert card(litellm_provider="openai", **tiered).rates(200_000).fresh == 10**18


def test_a_service_tier_has_its_own_rates_where_there_are_any(card: Make) -> None:
    entry = {
        "input_cost_per_token_priority": 2e-06,
        "output_cost_per_token_priority": 1e-05,
        "input_cost_per_token_flex": 5e-07,
        "input_cost_per_token_batches": 4e-07,
        "input_cost_per_token_above_200k_tokens": 3e-06,
        "input_cost_per_token_above_200k_tokens_priority": 6e-06,
    }
    fresh = {t: card(t, **entry).base.fresh for t in ("", "priority", "flex", "batch", "fast")}
    rates = {"": 1.0, "priority": 2.0, "flex": 0.5, "batch": 0.4, "fast": 2.0}
    assert fresh == {tier: int(rate * 10**18) for tier, rate in rates.items()}
    assert card("flex", **entry).base.output == card(**entry).base.output
    assert card("priority", **entry).rates(200_001).fresh == 6 * 10**18
    assert card("flex", **entry).rates(200_001).fresh == 3 * 10**18
    assert card("batch", **entry).rates(200_001).fresh == 4 * 10**17
    assert card("nobody-knows-this", **entry) == card(**entry)


def test_a_list_of_tiers_is_read(card: Make) -> None:
    found = card(
        input_cost_per_token=None,
        tiered_pricing=[
            {"range": [32000, 128000.0], "input_cost_per_token": 3e-06},
            {"range": [0, 32000.0], "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
        ],
    )
    assert found.rates(32_000).cost(Usage(fresh=1, output=1)) == mtok("1", 1) + mtok("2", 1)
    assert found.rates(32_001).cost(Usage(cache_read=1, output=1)) == mtok("3", 1) + mtok("5", 1)


@pytest.mark.parametrize(
    "entry",
    [
        {"mode": "image_generation", "output_cost_per_image": 0.04},
        {"mode": "chat", "input_cost_per_token": 1e-06},
        {"mode": "chat", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
        {**PLAIN, "off_peak_pricing": {"windows": []}},
        {"tiered_pricing": [{"max_results_range": [0, 25], "input_cost_per_query": 0.005}]},
    ],
)
def test_what_is_not_priced_by_tokens_is_unknown(write: Write, entry: object) -> None:
    assert LitellmPrices(write({"m": entry})).find_card("", "m", "") is None


def test_an_embedding_needs_no_price_for_output(write: Write) -> None:
    prices = LitellmPrices(write({"m": {"mode": "embedding", "input_cost_per_token": 2e-08}}))
    card = prices.find_card("", "m", "")
    assert card is not None
    assert card.cost(Usage(fresh=1_000_000)) == mtok("0.02", 1_000_000)


KEYS = {
    "gpt-5": "openai",
    "azure/gpt-5": "azure",
    "gemini/gemini-2.5-pro": "gemini",
    "vertex_ai/claude-x": "vertex_ai-anthropic_models",
    "anthropic.claude-x-v1:0": "bedrock_converse",
    "bedrock/eu-west-2/meta.llama3": "bedrock",
    "together_ai/meta-llama/Llama-3": "together_ai",
    "mine": None,
}


@pytest.mark.parametrize(
    ("provider", "model", "key"),
    [
        ("", "gpt-5", "gpt-5"),
        ("openai", "gpt-5", "gpt-5"),
        ("azure.ai.openai", "gpt-5", "azure/gpt-5"),
        ("", "azure/gpt-5", "azure/gpt-5"),
        ("", "openai/gpt-5", "gpt-5"),
        ("", "GPT-5", "gpt-5"),
        ("gcp.gemini", "models/gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("gcp.vertex_ai", "claude-x", "vertex_ai/claude-x"),
        ("aws.bedrock", "us.anthropic.claude-x-v1:0", "anthropic.claude-x-v1:0"),
        ("", "bedrock/eu-west-2/meta.llama3", "bedrock/eu-west-2/meta.llama3"),
        ("together", "meta-llama/Llama-3", "together_ai/meta-llama/Llama-3"),
        ("self-hosted", "mine", "mine"),
        ("anthropic", "gpt-5", None),
        ("self-hosted", "gpt-5", None),
        ("", "gpt-5-mini", None),
        ("openai", "ft:gpt-5:org::id", None),
    ],
)
def test_a_model_is_found_under_the_key_that_litellm_gives_it(
    write: Write, provider: str, model: str, key: str | None
) -> None:
    entries = {
        name: {**PLAIN, **({"litellm_provider": seller} if seller else {})}
        for name, seller in KEYS.items()
    }
    card = LitellmPrices(write(entries)).find_card(provider, model, "")
    assert (card.model if card else None) == key


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot read {path}: "),
        ('{"m": {"max_tokens": 1e99999999999999999999}}', "cannot read {path}: "),
        (
            '{"m": {"tiered_pricing": [{"range": ["9e999999", 1], "input_cost_per_token": 1e-6}]}}',
            "{path}: $[\"m\"].tiered_pricing[0].range is '9e999999', not a number",
        ),
        ("[]", "{path} is no JSON object of models"),
        ('{"m": 3}', '{path}: $["m"] is no object'),
        (
            '{"m": {"input_cost_per_token": "cheap"}}',
            "{path}: $[\"m\"].input_cost_per_token is 'cheap', not a number",
        ),
        (
            '{"m": {"input_cost_per_token": true}}',
            "{path}: $[\"m\"].input_cost_per_token is 'True', not a number",
        ),
        (
            '{"m": {"output_cost_per_token_batches": -1e-6}}',
            '{path}: $["m"].output_cost_per_token_batches is -0.000001; a token costs',
        ),
        (
            '{"m": {"cache_read_input_token_cost": 2.5}}',
            '{path}: $["m"].cache_read_input_token_cost is 2.5; a token costs',
        ),
        (
            '{"m": {"tiered_pricing": [{"input_cost_per_token": 1e-6}]}}',
            "{path}: $[\"m\"].tiered_pricing[0].range is 'None', not a list",
        ),
        ('{"m": {"input_cost_per_token": NaN}}', "input_cost_per_token is 'nan', not a number"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_key(write: Write, content: str, message: str) -> None:
    path = write(content)
    with pytest.raises(PriceError) as error:
        LitellmPrices(path)
    assert message.format(path=path) in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match=r"cannot read .*none\.json"):
        LitellmPrices(tmp_path / "none.json")


def test_the_sample_that_explains_the_keys_is_passed_over(write: Write) -> None:
    sample = {"input_cost_per_token": "USD", "litellm_provider": "one of …"}
    assert LitellmPrices(write({"sample_spec": sample})).find_card("", "sample_spec", "") is None


def test_the_users_prices_come_before_litellms_and_those_before_genai_prices(
    write: Write, tmp_path: Path
) -> None:
    litellm = write({"gpt-5.4": PLAIN, "gpt-5.4-mini": PLAIN})
    own = tmp_path / "prices.yaml"
    own.write_text("prices: 1\nmodels: [{model: gpt-5.4, input: 7, output: 7}]\n")
    pricer = Pricer(own, litellm)
    sources = [pricer.price(call(model=m)).source for m in ("gpt-5.4", "gpt-5.4-mini", "gpt-5")]
    assert sources == ["user", "litellm", "genai-prices"]


def test_the_file_in_the_documentation_is_valid(write: Write) -> None:
    text = (Path(__file__).parents[2] / "docs" / "prices.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```json\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    card = LitellmPrices(write(example)).find_card("azure.ai.openai", "gpt-4o", "batch")
    assert card is not None
    assert card.base.fresh == 1_375_000_000_000_000_000


def test_the_command_line_shows_the_rates_and_whose_they_are(write: Write) -> None:
    path = write({"gpt-5.4": PLAIN})
    shown = CliRunner().invoke(
        main, ["prices", "show", "gpt-5.4", "--litellm-prices", str(path), "--json"]
    )
    assert shown.exit_code == 0
    told = json.loads(shown.output)
    assert (told["source"], told["version"]) == ("litellm", str(path))
    assert told["usd_per_mtok"][0]["output"] == 5.0
