"""The user's own prices."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from clawtrace_otel.errors import PriceError
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.pricing.user_file import UserPrices
from clawtrace_otel.semconv.step import Usage
from tests.pricing.calls import call, mtok

TODAY = date(2026, 11, 20)
USAGE = Usage(
    fresh=100, cache_read=200, cache_write_5m=300, cache_write_1h=400, output=500, reasoning=50
)

Prices = Callable[[str], UserPrices]


@pytest.fixture(name="prices")
def _prices(tmp_path: Path) -> Prices:
    """The prices of a file with these entries."""

    def read(entries: str) -> UserPrices:
        path = tmp_path / "prices.yaml"
        path.write_text(f"prices: 1\nusd_per: {{EUR: 1.08, KRW: 0.0007}}\nmodels:\n{entries}\n")
        return UserPrices(path)

    return read


def cost(prices: UserPrices, model: str, provider: str = "", day: date = TODAY) -> int | None:
    card = prices.find_card(provider, model, day)
    return card.cost(USAGE) if card else None


def test_an_entry_prices_all_buckets(prices: Prices) -> None:
    entry = "{model: m, input: 1, cache_read: 0.1, cache_write: 1.25, cache_write_1h: 2, output: 5}"
    assert cost(prices(f"- {entry}"), "m") == (
        mtok("1", 100) + mtok("0.1", 200) + mtok("1.25", 300) + mtok("2", 400) + mtok("5", 500)
    )


def test_cached_tokens_cost_what_input_costs_unless_told(prices: Prices) -> None:
    assert cost(prices("- {model: m, input: 0.2, output: 0.8}"), "m") == (
        mtok("0.2", 100 + 200 + 300 + 400) + mtok("0.8", 500)
    )


def test_an_hour_in_the_cache_costs_what_five_minutes_cost_unless_told(prices: Prices) -> None:
    assert cost(prices("- {model: m, input: 1, cache_write: 1.25, output: 5}"), "m") == (
        mtok("1", 100 + 200) + mtok("1.25", 300 + 400) + mtok("5", 500)
    )


def test_amounts_are_exact_decimals(prices: Prices) -> None:
    """0.1 is a tenth, not the float next to it."""
    card = prices("- {model: m, input: 0.1, output: 1e-3}").find_card("", "m", TODAY)
    assert card is not None
    assert (card.base.fresh, card.base.output) == (10**17, 10**15)


@pytest.mark.parametrize(
    ("glob", "model", "matches"),
    [
        ("llama-3.3-*", "llama-3.3-70b", True),
        ("llama-3.3-*", "LLaMA-3.3-70B", True),
        ("LLaMA-*", "llama-3.3-70b", True),
        ("llama-3.3-*", "llama-3.1-70b", False),
        ("llama", "llama-3", False),
        ("gpt-?", "gpt-5", True),
        ("gpt-[45]*", "gpt-4o", True),
        ("*/qwen3", "ollama/qwen3", True),
    ],
)
def test_a_model_is_a_glob_without_case(
    prices: Prices, glob: str, model: str, matches: bool
) -> None:
    found = cost(prices(f"- {{model: '{glob}', input: 1, output: 1}}"), model)
    assert (found is not None) is matches


@pytest.mark.parametrize(
    ("provider", "matches"),
    [("self-hosted", True), ("Self-Hosted-2", True), ("openai", False), ("", False)],
)
def test_a_provider_is_a_glob_too(prices: Prices, provider: str, matches: bool) -> None:
    file = prices("- {model: '*', provider: 'self-*', input: 1, output: 1}")
    assert (cost(file, "m", provider) is not None) is matches


def test_the_last_entry_that_matches_wins(prices: Prices) -> None:
    file = prices(
        "- {model: '*', input: 1, output: 1}\n"
        "- {model: 'big-*', input: 9, output: 9}\n"
        "- {model: 'big-one', input: 4, output: 4}\n"
        "- {model: 'other', input: 5, output: 5}"
    )
    assert cost(file, "big-one") == mtok("4", 1500)
    assert cost(file, "big-two") == mtok("9", 1500)
    assert cost(file, "small") == mtok("1", 1500)


def test_an_entry_begins_with_its_day(prices: Prices) -> None:
    file = prices(
        "- {model: m, from: 2026-01-01, input: 1, output: 1}\n"
        "- {model: m, from: 2026-03-01, input: 2, output: 2}"
    )
    assert cost(file, "m", day=date(2025, 12, 31)) is None
    assert cost(file, "m", day=date(2026, 1, 1)) == mtok("1", 1500)
    assert cost(file, "m", day=date(2026, 2, 28)) == mtok("1", 1500)
    assert cost(file, "m", day=date(2026, 3, 1)) == mtok("2", 1500)
    card = file.find_card("", "m", TODAY)
    assert card is not None
    assert (card.source, card.since) == ("user", "2026-03-01")


def test_another_currency_is_converted(prices: Prices) -> None:
    file = prices("- {model: m, currency: EUR, input: 0.20, output: 0.80}")
    assert cost(file, "m") == mtok("0.216", 1000) + mtok("0.864", 500)


def test_a_free_model_costs_nothing_and_is_not_unknown(prices: Prices, tmp_path: Path) -> None:
    prices("- {model: 'gemma-*', free: true}")
    price = Pricer(tmp_path / "prices.yaml").price(call(model="gemma-3", usage=USAGE))
    assert (price.cost, price.source, price.reason) == (0, "user", None)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "{model: m, input: 1}",
            """$.models[0] ('m') needs "input" and "output", or "free: true""",
        ),
        ("{model: m}", '$.models[0] (\'m\') needs "input" and "output"'),
        ("{input: 1, output: 1}", "missing required field `model` - at `$.models[0]`"),
        ("{model: m, inptu: 1, output: 1}", "unknown field `inptu` - at `$.models[0]`"),
        ("{model: m, input: -1, output: 1}", "$.models[0] ('m') has a negative or absurd amount"),
        ("{model: m, input: 1, output: 1e12}", "$.models[0] ('m') has a negative or absurd amount"),
        ("{model: m, input: .nan, output: 1}", "$.models[0] ('m') has a negative or absurd amount"),
        ("{model: m, input: .inf, output: 1}", "$.models[0] ('m') has a negative or absurd amount"),
        ("{model: m, input: 'snan', output: 1}", "$.models[0] ('m') has a negative or absurd"),
        ("{model: m, input: '1,5', output: 1}", "Invalid decimal string - at `$.models[0].input`"),
        ("{model: m, input: true, output: 1}", "got `bool` - at `$.models[0].input`"),
        ("{model: m, currency: CHF, input: 1, output: 1}", "$.models[0].currency is 'CHF'"),
        ("{model: m, from: soon, input: 1, output: 1}", "at `$.models[0].from`"),
        (
            "{model: m, free: true, input: 1, output: 1}",
            "$.models[0] ('m') is free and has amounts",
        ),
        ("{model: 5, input: 1, output: 1}", "Expected `str`, got `int` - at `$.models[0].model`"),
    ],
)
def test_a_wrong_entry_is_told_with_file_and_path(
    prices: Prices, tmp_path: Path, entry: str, message: str
) -> None:
    with pytest.raises(PriceError) as error:
        prices(f"- {entry}")
    assert str(tmp_path / "prices.yaml") in str(error.value)
    assert message in str(error.value)


def test_the_entry_that_is_wrong_is_told_by_number(prices: Prices) -> None:
    with pytest.raises(PriceError, match=r"\$\.models\[1\] \('n'\)"):
        prices("- {model: m, free: true}\n- {model: n, input: 1}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "missing required field `prices`"),
        ("[]", "missing required field `prices`"),
        ("- 1", "Expected `object`, got `array`"),
        ("prices: 2\nmodels: []", "$.prices is 2; this version reads 1"),
        ("prices: 1\nmodel: []", "unknown field `model`"),
        ("prices: 1\nmodels: {}", "at `$.models`"),
        ("prices: 1\nusd_per: {EUR: -1}\nmodels: []", "$.usd_per.EUR is -1"),
        ("prices: 1\nusd_per: {EUR: 0}\nmodels: []", "$.usd_per.EUR is 0"),
        ("prices: 1\nusd_per: {EUR: .nan}\nmodels: []", "$.usd_per.EUR is NaN"),
        ("prices: 1\nusd_per: {EUR: .inf}\nmodels: []", "$.usd_per.EUR is Infinity"),
        ("a: b: c", "mapping values are not allowed"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(PriceError) as error:
        UserPrices(path)
    assert str(path) in str(error.value)
    assert message in str(error.value)


@pytest.mark.parametrize("value", ["from: 2026-02-30, input: 1", f"input: {'9' * 5000}"])
def test_a_value_that_yaml_cannot_make_is_told(prices: Prices, value: str) -> None:
    with pytest.raises(PriceError):
        prices(f"- {{model: m, {value}, output: 1}}")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    with pytest.raises(PriceError, match="cannot read"):
        UserPrices(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(PriceError, match="cannot read"):
        UserPrices(path)
