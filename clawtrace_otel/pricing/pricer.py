"""Which price a call has: supplied by the span, else from the first source that knows its model.

``genai-prices`` takes 0.2 s to import, so that happens with the first call that needs it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Literal

from clawtrace_otel.pricing.litellm_file import LitellmPrices
from clawtrace_otel.pricing.rates import RateCard, Rates
from clawtrace_otel.pricing.user_file import UserPrices
from clawtrace_otel.semconv.step import Step

Reason = Literal["no_usage", "invalid_usage", "no_model", "unknown_model"]
"""Why a call has no price."""

SUPPLIED = "supplied"

_MINUTE_NS = 60_000_000_000
_MAX_SECONDS = 253_402_300_799  # the last second that datetime knows


@dataclass(frozen=True, slots=True)
class Price:
    """What a call cost.

    Attributes:
        cost: 1e-12 USD; ``None`` if unknown.
        source: ``supplied``, ``user``, ``litellm`` or ``genai-prices``; empty if unknown.
        reason: why the cost is unknown; ``None`` if it is known.
        computed: what tokens and rates give beside a supplied cost, in 1e-12 USD.
        rates: those of a request of this size, beside a supplied cost as well; ``None`` if unknown.
    """

    cost: int | None = None
    source: str = ""
    reason: Reason | None = None
    computed: int | None = None
    rates: Rates | None = None


class Pricer:
    """Prices steps.

    Args:
        price_file: the user's price file; see :mod:`clawtrace_otel.pricing.user_file`.
        litellm_file: prices in LiteLLM's format; see :mod:`clawtrace_otel.pricing.litellm_file`.

    Raises:
        PriceError: a file is wrong.
    """

    def __init__(self, price_file: Path | None = None, litellm_file: Path | None = None) -> None:
        self.user = UserPrices(price_file) if price_file else None
        self.litellm = LitellmPrices(litellm_file) if litellm_file else None
        self._card = lru_cache(maxsize=4096)(self._find_card)
        self._card_at = lru_cache(maxsize=4096)(self._find_card_at)

    def warm_up(self) -> None:
        """Load the price data now, rather than with the first call that needs it."""
        self.find_card("", ("gpt-5",), datetime.now(UTC), "")

    def price(self, step: Step) -> Price:
        """The price of an LLM call, or of what an agent span says that its calls used."""
        computed = self._compute(step)
        if step.supplied is not None:
            return Price(
                cost=step.supplied,
                source=SUPPLIED,
                computed=computed.cost,
                rates=computed.rates,
            )
        return computed

    def _compute(self, step: Step) -> Price:
        if step.invalid:
            return Price(reason="invalid_usage")
        if step.usage is None:
            return Price(reason="no_usage")
        if not (step.model or step.request_model):
            return Price(reason="no_model")
        minute = step.start_ns // _MINUTE_NS
        card = self._card_at(step.provider, step.model, step.request_model, minute, step.tier)
        if card is None:
            return Price(reason="unknown_model")
        rates = card.rates(step.usage.input)
        return Price(cost=rates.cost(step.usage), source=card.source, rates=rates)

    def find_card(
        self, provider: str, models: tuple[str, ...], when: datetime, tier: str
    ) -> RateCard | None:
        """The rates of a call; ``None`` if no source knows them.

        Args:
            provider: as the span names it; empty lets the model's name tell.
            models: names of the model, the one that answered before the one that was asked for.
            when: start of the call, in UTC.
            tier: service tier, or ``batch``; empty is the standard.
        """
        from clawtrace_otel.pricing import genai

        # Within a day only off-peak prices change, so a day shares a card unless there are any.
        if any(genai.depends_on_time_of_day(provider, model) for model in models):
            rounded = when.replace(second=0, microsecond=0)
        else:
            rounded = when.replace(hour=0, minute=0, second=0, microsecond=0)
        return self._card(provider, models, rounded, tier)

    def _find_card_at(
        self, provider: str, model: str, request_model: str, minute: int, tier: str
    ) -> RateCard | None:
        models = tuple(name for name in (model, request_model) if name)
        when = datetime.fromtimestamp(min(minute * 60, _MAX_SECONDS), UTC)
        return self.find_card(provider, models, when, tier)

    def _find_card(
        self, provider: str, models: tuple[str, ...], when: datetime, tier: str
    ) -> RateCard | None:
        from clawtrace_otel.pricing import genai

        user, litellm = self.user, self.litellm
        of_user = (user.find_card(provider, name, when.date()) for name in models if user)
        of_litellm = (litellm.find_card(provider, name, tier) for name in models if litellm)
        of_all = (genai.find_card(provider, name, when, tier) for name in models)
        return next((card for card in chain(of_user, of_litellm, of_all) if card), None)
