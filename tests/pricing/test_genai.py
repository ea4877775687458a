"""Rate cards against ``genai_prices.calc_price``, over all models of its data."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from clawtrace_otel.money import PER_USD
from clawtrace_otel.pricing import genai
from clawtrace_otel.pricing.names import PROVIDER_ALIASES
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.semconv.step import Usage
from tests.pricing.calls import NOON

TIERS = ("batch", "priority", "flex", "fast", "default")
ONE_OF_EACH = Usage(
    fresh=1000,
    cache_read=1000,
    cache_write_5m=1000,
    cache_write_1h=1000,
    output=1000,
    reasoning=500,
)


def models() -> list[tuple[Provider, ModelInfo]]:
    """All that can be found by their own id."""
    return [
        (provider, info)
        for provider in get_snapshot().providers
        for info in provider.models
        if info is find(provider.id, info.id)
    ]


def find(provider: str, model: str) -> ModelInfo | None:
    try:
        return get_snapshot().find_provider_model(model, None, provider, None)[1]
    except LookupError:
        return None


def price_sets(info: ModelInfo) -> list[ModelPrice]:
    standard = [entry.prices for entry in info.prices] if isinstance(info.prices, list) else []
    variants = [variant.prices for variant in info.price_variants or ()]
    return standard + variants + ([info.prices] if isinstance(info.prices, ModelPrice) else [])


def thresholds(info: ModelInfo) -> list[int]:
    """Sizes of requests at which the price may change."""
    tiered = [v for p in price_sets(info) for v in vars(p).values() if isinstance(v, TieredPrices)]
    return sorted({tier.start for value in tiered for tier in value.tiers} | {200_000})


def moments(info: ModelInfo) -> set[datetime]:
    """Times on both sides of every change of price."""
    found = {NOON}
    entries = info.prices if isinstance(info.prices, list) else []
    for constraint in [e.constraint for e in (*entries, *(info.price_variants or ()))]:
        if isinstance(constraint, StartDateConstraint):
            midnight = datetime.combine(constraint.start_date, time(), UTC)
            found |= {midnight, midnight - timedelta(seconds=1)}
        elif isinstance(constraint, TimeOfDateConstraint):
            for edge in (constraint.start_time, constraint.end_time):
                moment = datetime.combine(NOON.date(), edge.replace(tzinfo=None), UTC)
                found |= {moment, moment - timedelta(seconds=1)}
    return found


def tiers(info: ModelInfo) -> set[str]:
    return {"", *(TIERS if info.price_variants else ())}


def split(r: random.Random, tokens: int) -> tuple[int, int, int, int]:
    a, b, c = sorted(r.choice([0, tokens, r.randint(0, tokens)]) for _ in range(3))
    return a, b - a, c - b, tokens - c


def usages(r: random.Random, info: ModelInfo) -> Iterator[Usage]:
    """One of any size, and one on each side of a threshold."""
    start = r.choice(thresholds(info))
    for tokens in (r.randint(0, 3_000_000), start, start + 1):
        fresh, read, five, hour = split(r, tokens)
        output = r.choice([0, r.randint(0, 200_000)])
        reasoning = r.choice([0, output, r.randint(0, output)])
        yield Usage(fresh, read, five, hour, output, reasoning)


def expected(provider: str, model: str, usage: Usage, when: datetime, tier: str) -> Decimal:
    contexts = {
        "": None,
        "batch": {"processing": "batch"},
        "fast": {"service_tier": "fast", "speed": "fast"},
    }
    return genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input,
            cache_read_tokens=usage.cache_read,
            cache_write_tokens=usage.cache_write,
            cache_write_5m_tokens=usage.cache_write_5m,
            cache_write_1h_tokens=usage.cache_write_1h,
            output_tokens=usage.output,
            output_reasoning_tokens=usage.reasoning,
        ),
        model,
        provider_id=provider,
        genai_request_timestamp=when,
        price_context=contexts.get(tier, {"service_tier": tier}),
    ).total_price


@pytest.mark.slow
def test_every_model_costs_what_genai_prices_says() -> None:
    """At any size, for each tier, on both sides of each date, hour and threshold."""
    r = random.Random(20261121)
    pricer = Pricer()
    compared: Counter[str] = Counter()
    wrong = []
    for provider, info in models():
        for when in sorted(moments(info)):
            for tier in sorted(tiers(info)):
                card = pricer.find_card(provider.id, (info.id,), when, tier)
                if card is None:
                    assert expected(provider.id, info.id, ONE_OF_EACH, when, tier) == 0
                    compared["unpriced"] += 1
                    continue
                for usage in usages(r, info):
                    oracle = expected(provider.id, info.id, usage, when, tier)
                    compared["priced"] += 1
                    compared[tier] += 1
                    if abs(Decimal(card.cost(usage)) / PER_USD - oracle) > Decimal("1e-12"):
                        wrong.append((provider.id, info.id, when, tier, usage))
    assert wrong == []
    assert compared["priced"] > 10_000
    assert min(compared[tier] for tier in TIERS) > 500


def test_the_rate_of_a_bucket_is_the_published_one() -> None:
    card = genai.find_card("anthropic", "claude-sonnet-4-5", NOON, "")
    info = find("anthropic", "claude-sonnet-4-5")
    assert card is not None
    assert info is not None
    price = info.get_prices(NOON)
    for rates, pick in ((card.base, 0), (card.tiers[0][1], 1)):
        for bucket, published in {
            "fresh": price.input_mtok,
            "cache_read": price.cache_read_mtok,
            "cache_write_5m": price.cache_write_mtok,
            "cache_write_1h": price.cache_write_1h_mtok,
            "output": price.output_mtok,
            "reasoning": price.output_mtok,
        }.items():
            assert isinstance(published, TieredPrices)
            usd = published.tiers[0].price if pick else published.base
            assert getattr(rates, bucket) == usd * 10**18


def test_a_request_of_exactly_the_threshold_is_not_over_it() -> None:
    card = genai.find_card("anthropic", "claude-sonnet-4-5", NOON, "")
    assert card is not None
    assert [above for above, _ in card.tiers] == [200_000]
    assert card.rates(200_000) == card.base
    assert card.rates(200_001) == card.tiers[0][1] != card.base


def test_cached_tokens_count_for_the_size_of_a_request() -> None:
    card = genai.find_card("anthropic", "claude-sonnet-4-5", NOON, "")
    assert card is not None
    usage = Usage(fresh=1, cache_read=200_000)
    assert card.cost(usage) == card.tiers[0][1].cost(usage) > card.base.cost(usage)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("", "nobody-knows-this"),
        ("openai", "nobody-knows-this"),
        ("nobody-knows-this", "gpt-5.4"),
        ("anthropic", "gpt-5.4"),
        ("openai", ""),
        ("", "💸" * 50),
    ],
)
def test_an_unknown_model_or_provider_has_no_price(provider: str, model: str) -> None:
    assert genai.find_card(provider, model, NOON, "") is None


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "whisper-1"),
        ("openai", "tts-1"),
        ("mistral", "mistral-ocr-2512"),
        ("groq", "whisper-large-v3"),
    ],
)
def test_a_price_by_the_hour_or_page_does_not_make_tokens_free(provider: str, model: str) -> None:
    assert find(provider, model) is not None
    assert genai.find_card(provider, model, NOON, "") is None


def test_a_model_that_is_listed_without_a_price_is_unknown() -> None:
    empty = [
        (provider.id, info.id)
        for provider, info in models()
        if all(value is None for prices in price_sets(info) for value in vars(prices).values())
    ]
    assert len(empty) > 20
    assert [pair for pair in empty if genai.find_card(*pair, NOON, "")] == []


def test_no_card_charges_nothing_for_input_and_output() -> None:
    usage = Usage(fresh=1000, output=1000)
    cards = [genai.find_card(p.id, info.id, NOON, "") for p, info in models()]
    assert [card for card in cards if card and card.cost(usage) == 0] == []


@pytest.mark.parametrize(
    ("alias", "provider"),
    [pair for pair in PROVIDER_ALIASES.items() if pair[1] != "fireworks"],  # see test_names.py
)
def test_an_alias_of_a_provider_finds_its_models(alias: str, provider: str) -> None:
    own = [info.id for found, info in models() if found.id == provider]
    model = next(model for model in own if genai.find_card(provider, model, NOON, ""))
    card = genai.find_card(alias, model, NOON, "")
    assert card is not None
    assert card == genai.find_card(provider, model, NOON, "")
    assert card.provider == provider


def test_a_dated_card_says_since_when_it_holds() -> None:
    before = genai.find_card("anthropic", "claude-opus-4-6", datetime(2026, 3, 12, tzinfo=UTC), "")
    after = genai.find_card("anthropic", "claude-opus-4-6", datetime(2026, 3, 13, tzinfo=UTC), "")
    assert before is not None
    assert after is not None
    assert (before.since, after.since) == ("", "2026-03-13")


def test_the_day_of_a_price_is_the_day_in_utc() -> None:
    start = datetime(2026, 3, 13, tzinfo=UTC)
    here = start.astimezone(datetime.strptime("-0800", "%z").tzinfo)
    assert here.date() < start.date()
    card = genai.find_card("anthropic", "claude-opus-4-6", here, "")
    assert card is not None
    assert card.since == "2026-03-13"


def test_an_unknown_tier_costs_the_standard_price() -> None:
    cards = [genai.find_card("openai", "gpt-5.4", NOON, tier) for tier in ("", "scale", "priority")]
    assert cards[0] == cards[1] != cards[2]


def test_off_peak_hours_are_priced_to_the_minute() -> None:
    """deepseek-chat has another price from 16:30 to 00:30 UTC."""
    card = {
        text: Pricer().find_card(
            "deepseek", ("deepseek-chat",), datetime.fromisoformat(f"2026-11-20T{text}+00:00"), ""
        )
        for text in ("00:29:59", "00:30:00", "16:29:59", "16:30:00")
    }
    assert card["00:29:59"] == card["16:30:00"]
    assert card["00:30:00"] == card["16:29:59"] != card["16:30:00"]


def test_a_day_shares_a_card_where_hours_do_not_matter() -> None:
    pricer = Pricer()
    morning = pricer.find_card("openai", ("gpt-5.4",), NOON.replace(hour=1), "")
    assert pricer.find_card("openai", ("gpt-5.4",), NOON.replace(hour=23), "") is morning
