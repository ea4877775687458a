"""Rate cards from the ``genai-prices`` data.

Its ``calc_price`` takes 25 to 135 microseconds; here it is asked once for each model, day and tier,
with one bucket filled at a time, and what it answers are the rates. So whatever it knows of falling
back from one unit to another holds here too. ``tests/pricing`` compares the two over all its data.
"""

from datetime import UTC, datetime
from decimal import Context, Decimal
from functools import lru_cache

from genai_prices import Usage, __version__
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from clawtrace_otel.pricing.names import spellings
from clawtrace_otel.pricing.rates import RateCard, Rates, rate_from_mtok

SOURCE = "genai-prices"

_MILLION = 1_000_000
_EXACT = Context(prec=60)

STANDARD_TIERS = frozenset({"", "auto", "default", "standard", "standard_only"})

_CONTEXTS = {
    "batch": {"processing": "batch"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}
"""Tiers with keys of their own. To OpenAI ``fast`` is a service tier, to Anthropic a speed."""

_BUCKETS = {
    "fresh": (),
    "cache_read": ("cache_read_tokens",),
    "cache_write_5m": ("cache_write_tokens", "cache_write_5m_tokens"),
    "cache_write_1h": ("cache_write_tokens", "cache_write_1h_tokens"),
}
"""Bucket of input -> the usage keys of genai-prices that count it, beside ``input_tokens``."""


VERSION: str = __version__
"""The version of the price data."""


def find_card(provider: str, model: str, when: datetime, tier: str) -> RateCard | None:
    """The rates of ``model`` at ``when``; ``None`` if it is unknown or has no price for tokens.

    Args:
        provider: as the span names it; empty lets the model's name tell.
        model: as the span names it.
        when: start of the call, with time zone.
        tier: service tier, or ``batch``; empty is the standard.
    """
    found = _find_model(provider, model)
    if found is None:
        return None
    provider_info, info = found
    own = any(info is other for other in provider_info.models)
    price = info.get_prices(when.astimezone(UTC), _context(tier) if own else None)
    card = _card(provider_info.id, info.id, price, _since(info, when))
    # Speech is priced by the hour and OCR by the page; that does not make their tokens free.
    is_priced = any(rates != Rates() for rates in (card.base, *(rates for _, rates in card.tiers)))
    return card if is_priced else None


@lru_cache(maxsize=4096)
def depends_on_time_of_day(provider: str, model: str) -> bool:
    """Whether the price of a model changes within a day (off-peak rates)."""
    found = _find_model(provider, model)
    prices = found[1].prices if found else ()
    return isinstance(prices, list) and any(
        isinstance(entry.constraint, TimeOfDateConstraint) for entry in prices
    )


@lru_cache(maxsize=4096)
def _find_model(provider: str, model: str) -> tuple[Provider, ModelInfo] | None:
    for seller, name in spellings(provider, model):
        try:
            return get_snapshot().find_provider_model(name, None, seller or None, None)
        except LookupError:
            continue
    return None


def _context(tier: str) -> dict[str, str] | None:
    if tier in STANDARD_TIERS:
        return None
    return _CONTEXTS.get(tier) or {"service_tier": tier}


def _card(provider: str, model: str, price: ModelPrice, since: str) -> RateCard:
    starts = _tier_starts(price)
    tops = [*starts, (starts[-1] if starts else 0) + _MILLION]
    rates = [_probe(price, top) for top in tops]
    return RateCard(
        source=SOURCE,
        provider=provider,
        model=model,
        base=rates[0],
        tiers=tuple(zip(starts, rates[1:], strict=True)),
        since=since,
    )


def _tier_starts(price: ModelPrice) -> list[int]:
    tiered = [value for value in price.__dict__.values() if isinstance(value, TieredPrices)]
    return sorted({tier.start for prices in tiered for tier in prices.tiers if tier.start > 0})


def _probe(price: ModelPrice, tokens: int) -> Rates:
    """The rates that hold for a request of ``tokens`` input tokens."""
    request = _ask(price, input_tokens=0)
    inputs = {
        bucket: _ask(price, input_tokens=tokens, **dict.fromkeys(keys, tokens)) - request
        for bucket, keys in _BUCKETS.items()
    }
    output = _ask(price, input_tokens=tokens, output_tokens=_MILLION)
    reasoning = _ask(
        price,
        input_tokens=tokens,
        output_tokens=_MILLION,
        output_reasoning_tokens=_MILLION,
    )
    base = inputs["fresh"] + request
    return Rates(
        **{name: _rate(cost, tokens) for name, cost in inputs.items()},
        output=_rate(output - base, _MILLION),
        reasoning=_rate(reasoning - base, _MILLION),
        request=rate_from_mtok(request * _MILLION),
    )


def _ask(price: ModelPrice, **counts: int) -> Decimal:
    total: Decimal = price.calc_price(Usage(**counts))["total_price"]
    return total


def _rate(cost: Decimal, tokens: int) -> int:
    return rate_from_mtok(_EXACT.divide(cost * _MILLION, Decimal(tokens)))


def _since(info: ModelInfo, when: datetime) -> str:
    if not isinstance(info.prices, list):
        return ""
    dates = [
        entry.constraint.start_date
        for entry in info.prices
        if isinstance(entry.constraint, StartDateConstraint) and entry.constraint.active(when)
    ]
    return max(dates).isoformat() if dates else ""
