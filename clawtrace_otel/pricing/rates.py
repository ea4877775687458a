"""Rate cards: the prices of one model on one day as integers, so that pricing is multiplication."""

from dataclasses import dataclass
from decimal import Decimal

from clawtrace_otel.semconv.step import Usage

PER_MONEY_UNIT = 10**12
"""Rates are counted in 1e-24 USD, money in 1e-12 USD. Published rates have up to 24 decimals a
token (0.041666666666666664 USD a million), so nothing is rounded before a call's sum."""

PER_MTOK = 10**18
"""Rate units a token in one USD a million tokens."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What one token of each bucket costs, and one request, in 1e-24 USD."""

    fresh: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    request: int = 0

    def cost(self, usage: Usage) -> int:
        """The cost of one call in 1e-12 USD, rounded half up once."""
        return (self.units(usage) + PER_MONEY_UNIT // 2) // PER_MONEY_UNIT

    def units(self, usage: Usage) -> int:
        """The cost of one call in 1e-24 USD."""
        return (
            usage.fresh * self.fresh
            + usage.cache_read * self.cache_read
            + usage.cache_write_5m * self.cache_write_5m
            + usage.cache_write_1h * self.cache_write_1h
            + (usage.output - usage.reasoning) * self.output
            + usage.reasoning * self.reasoning
            + self.request
        )


@dataclass(frozen=True, slots=True)
class RateCard:
    """The rates of one model, by the size of the request.

    Attributes:
        source: ``user``, ``litellm`` or ``genai-prices``.
        provider, model: as the source names them.
        base: the rates of a request of at most ``tiers[0][0]`` input tokens.
        tiers: (input tokens above which they hold for the whole request, rates), ascending.
        since: first day of these rates as the source dates them, ISO 8601; empty if undated.
    """

    source: str
    provider: str
    model: str
    base: Rates
    tiers: tuple[tuple[int, Rates], ...] = ()
    since: str = ""

    def cost(self, usage: Usage) -> int:
        """The cost of one call in 1e-12 USD."""
        return self.rates(usage.input).cost(usage)

    def rates(self, input_tokens: int) -> Rates:
        """The rates of a request with that many input tokens, cached ones included."""
        found = self.base
        for above, rates in self.tiers:
            if input_tokens > above:
                found = rates
        return found


def rate_from_mtok(usd: Decimal) -> int:
    """USD a million tokens as a rate a token."""
    return int(usd * PER_MTOK)


def rate_to_mtok(rate: int) -> Decimal:
    """A rate a token as USD a million tokens."""
    return (Decimal(rate) / PER_MTOK).normalize()
