"""The spending limit: before a call its worst case is reserved, after it what it did use is booked.

The worst case of a prompt is a token a byte, which no tokenizer exceeds, at the dearest rate of
input; of an answer, all the tokens that it is allowed. So calls in flight together cannot exceed
the limit, unless an endpoint ignores the bound of an answer, or bills attempts that failed.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from clawtrace_otel.costcraft.llm.failures import LimitReachedError
from clawtrace_otel.costcraft.llm.options import LlmOptions
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.money import PER_USD
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.pricing.rates import RateCard
from clawtrace_otel.semconv.step import Usage

_OVERHEAD_TOKENS = 256
"""Of the tokens that a chat template puts around messages, and of a schema that is made text."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What is reserved for a call: 1e-12 USD, and tokens."""

    cost: int
    tokens: int


class Spending:
    """What was spent and is reserved. Used by the tasks of one event loop.

    Args:
        options: the limits, the model and the price files.

    Raises:
        CostCraftError: ``max_usd`` is given, but no price is known for the model.
        PriceError: a price file is wrong.
    """

    def __init__(self, options: LlmOptions) -> None:
        self.pricer = Pricer(
            Path(options.prices) if options.prices else None,
            Path(options.litellm_prices) if options.litellm_prices else None,
        )
        self.card = self.pricer.find_card(options.provider, (options.model,), datetime.now(UTC), "")
        if self.card is None and options.max_usd is not None and options.max_tokens is None:
            msg = (
                f"no price is known for the model {options.model!r}, so that a limit of "
                f"{options.max_usd:g} USD cannot be kept; give its price in a price file, or a "
                "limit of tokens instead (--max-tokens)"
            )
            raise CostCraftError(msg)
        self._max_cost = None if options.max_usd is None else int(options.max_usd * PER_USD)
        self._max_tokens = options.max_tokens
        self._options = options
        self._settled = asyncio.Condition()
        self._cost = self._tokens = 0
        self._held: list[Hold] = []
        self._is_over = False

    async def reserve(self, prompt_bytes: int) -> Hold:
        """Reserve the worst case of a call; waits while calls in flight may leave enough.

        Raises:
            LimitReachedError: not even without them is there enough, for this call or one before.
        """
        hold = self._worst_case(prompt_bytes)
        async with self._settled:
            while not self._is_over and not self._fits([*self._held, hold]):
                if not self._fits([hold]) or not self._held:
                    self._is_over = True
                    self._settled.notify_all()
                    break
                await self._settled.wait()
            if self._is_over:
                raise LimitReachedError(self._say())
            self._held.append(hold)
        return hold

    async def settle(self, hold: Hold, cost: int | None, tokens: int | None) -> None:
        """Book what a call used; the unknown is booked as the worst case."""
        async with self._settled:
            self._held.remove(hold)
            self._cost += hold.cost if cost is None else cost
            self._tokens += hold.tokens if tokens is None else tokens
            self._settled.notify_all()

    def _fits(self, holds: list[Hold]) -> bool:
        cost = self._cost + sum(hold.cost for hold in holds)
        tokens = self._tokens + sum(hold.tokens for hold in holds)
        return (self._max_cost is None or cost <= self._max_cost) and (
            self._max_tokens is None or tokens <= self._max_tokens
        )

    def _worst_case(self, prompt_bytes: int) -> Hold:
        tokens, output = prompt_bytes + _OVERHEAD_TOKENS, self._options.max_output_tokens
        return Hold(_dearest(self.card, tokens, output) if self.card else 0, tokens + output)

    def _say(self) -> str:
        limits = []
        if self._max_cost is not None and self.card is not None:
            limits.append(f"{self._cost / PER_USD:.4f} of {self._options.max_usd:g} USD")
        if self._max_tokens is not None:
            limits.append(f"{self._tokens:,} of {self._max_tokens:,} tokens")
        return f"the limit is reached: {', '.join(limits)} are spent, the next call may take more"


def _dearest(card: RateCard, tokens: int, output: int) -> int:
    """The most that a call of this size can cost, in 1e-12 USD."""
    return max(
        rates.cost(usage)
        for rates in (card.base, *(rates for _, rates in card.tiers))
        for usage in (
            Usage(fresh=tokens, output=output),
            Usage(cache_write_5m=tokens, output=output),
            Usage(fresh=tokens, output=output, reasoning=output),
            Usage(cache_write_5m=tokens, output=output, reasoning=output),
        )
    )
