"""Which price a call has."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import genai_prices
import pytest

from clawtrace_otel.money import PER_USD, from_usd
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Usage
from clawtrace_otel.span import Span
from tests.pricing.calls import NOON, call, mtok

USAGE = Usage(fresh=1000, output=100)


@pytest.fixture(name="pricer", scope="module")
def _pricer() -> Pricer:
    return Pricer()


@pytest.fixture(name="price_file")
def _price_file(tmp_path: Path) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(
        "prices: 1\nmodels:\n"
        "- {model: gpt-5.4, input: 100, output: 200}\n"
        "- {model: gpt-5.4, provider: azure, from: 2026-11-20, input: 300, output: 400}\n"
    )
    return path


def published(model: str, provider: str | None = None) -> int:
    """What genai-prices charges for USAGE, in 1e-12 USD."""
    usage = genai_prices.Usage(input_tokens=1000, output_tokens=100)
    price = genai_prices.calc_price(
        usage, model, provider_id=provider, genai_request_timestamp=NOON
    )
    return from_usd(price.total_price)


def span_step(**attributes: Any) -> Any:
    """A call as a span brings it."""
    base = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-5.4",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
    }
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    return normalize(Span("0" * 31 + "1", "0" * 15 + "1", attributes={**base, **named}))


def test_a_known_model_has_the_published_price(pricer: Pricer) -> None:
    price = pricer.price(call())
    assert (price.cost, price.source) == (published("gpt-5.4"), "genai-prices")
    assert (price.reason, price.computed) == (None, None)


def test_the_users_price_wins_over_the_published_one(price_file: Path) -> None:
    price = Pricer(price_file).price(call())
    assert (price.cost, price.source) == (mtok("100", 1000) + mtok("200", 100), "user")


def test_what_the_user_does_not_price_has_the_published_price(price_file: Path) -> None:
    price = Pricer(price_file).price(call(model="gpt-4o"))
    assert (price.cost, price.source) == (published("gpt-4o"), "genai-prices")


def test_the_users_price_is_that_of_the_day_of_the_call(price_file: Path) -> None:
    pricer = Pricer(price_file)
    last_second = datetime(2026, 11, 19, 23, 59, 59, tzinfo=UTC)
    old = pricer.price(call(last_second, provider="azure"))
    new = pricer.price(call(datetime(2026, 11, 20, tzinfo=UTC), provider="azure"))
    assert old.cost == mtok("100", 1000) + mtok("200", 100)
    assert new.cost == mtok("300", 1000) + mtok("400", 100)


def test_a_supplied_cost_wins_over_all_and_keeps_the_computed_one(price_file: Path) -> None:
    for pricer, computed in (
        (Pricer(), published("gpt-5.4")),
        (Pricer(price_file), mtok("100", 1000) + mtok("200", 100)),
    ):
        price = pricer.price(call(supplied=42))
        assert (price.cost, price.source, price.computed) == (42, "supplied", computed)
        assert price.reason is None


def test_a_supplied_cost_needs_neither_usage_nor_model(pricer: Pricer) -> None:
    price = pricer.price(call(supplied=42, usage=None, model=""))
    assert (price.cost, price.source, price.computed) == (42, "supplied", None)
    assert price.reason is None


def test_a_span_supplies_its_cost_in_usd(pricer: Pricer) -> None:
    price = pricer.price(span_step(gen_ai__usage__cost=0.25))
    assert (price.cost, price.source) == (PER_USD // 4, "supplied")


def test_a_supplied_zero_is_no_price(pricer: Pricer) -> None:
    step = span_step(gen_ai__usage__cost=0.0)
    assert pricer.price(step).source == "genai-prices"
    unknown = pricer.price(
        span_step(gen_ai__usage__cost=0, gen_ai__request__model="nobody-knows-this")
    )
    assert (unknown.cost, unknown.reason) == (None, "unknown_model")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"usage": None}, "no_usage"),
        ({"usage": None, "model": ""}, "no_usage"),
        ({"usage": None, "invalid": "input_tokens=-1"}, "invalid_usage"),
        ({"invalid": "cost=nan"}, "invalid_usage"),
        ({"model": ""}, "no_model"),
        ({"model": "nobody-knows-this"}, "unknown_model"),
        ({"provider": "nobody-knows-this"}, "unknown_model"),
        ({"model": "whisper-1", "provider": "openai"}, "unknown_model"),
    ],
)
def test_an_unknown_cost_says_why_and_is_not_zero(
    pricer: Pricer, fields: dict[str, Any], reason: str
) -> None:
    price = pricer.price(call(**fields))
    assert (price.cost, price.source, price.reason) == (None, "", reason)


def test_no_tokens_of_a_known_model_cost_nothing(pricer: Pricer) -> None:
    assert pricer.price(call(usage=Usage())).cost == 0


def test_the_same_model_costs_what_its_provider_charges(pricer: Pricer) -> None:
    model = "gpt-oss-120b"
    costs = {
        provider: pricer.price(call(model=model, provider=provider)).cost
        for provider in ("openai", "cerebras", "groq", "together", "ovhcloud")
    }
    known = {provider: cost for provider, cost in costs.items() if cost is not None}
    assert len(set(known.values())) > 1
    assert known == {provider: published(model, provider) for provider in known}


def test_a_model_without_a_provider_is_told_by_its_name(pricer: Pricer) -> None:
    bare = pricer.price(call(model="claude-sonnet-4-5"))
    assert bare.cost == published("claude-sonnet-4-5", "anthropic")


def test_the_model_that_answered_is_charged(pricer: Pricer) -> None:
    price = pricer.price(call(model="gpt-4o-mini", request_model="gpt-5.4"))
    assert price.cost == published("gpt-4o-mini") != published("gpt-5.4")


def test_the_model_that_was_asked_for_is_charged_if_the_answering_one_is_unknown(
    pricer: Pricer,
) -> None:
    price = pricer.price(call(model="deployment-7", request_model="gpt-5.4"))
    assert price.cost == published("gpt-5.4")
    assert pricer.price(call(model="", request_model="gpt-5.4")).cost == published("gpt-5.4")


@pytest.mark.parametrize("tier", ["", "auto", "default", "standard", "standard_only", "scale"])
def test_standard_tiers_cost_the_standard_price(pricer: Pricer, tier: str) -> None:
    assert pricer.price(call(tier=tier)).cost == published("gpt-5.4")


def test_a_batch_costs_half(pricer: Pricer) -> None:
    batch = pricer.price(call(tier="batch", model="claude-sonnet-4-5"))
    assert batch.cost == published("claude-sonnet-4-5") // 2


@pytest.mark.parametrize("start_ns", [0, 1, 2**63, 2**64 - 1])
def test_any_time_that_a_span_can_carry_has_a_price(pricer: Pricer, start_ns: int) -> None:
    cost = pricer.price(call(start_ns=start_ns)).cost
    assert cost is not None
    assert Decimal(cost) > 0
