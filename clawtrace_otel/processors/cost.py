"""The cost of an LLM call as span attributes."""

from clawtrace_otel.money import PER_USD
from clawtrace_otel.otlp.values import Scalar
from clawtrace_otel.pricing.pricer import Price
from clawtrace_otel.semconv import attributes as a

SAME_CALL = "same_call"
"""The reason of a span that saw a call whose cost is already on another span."""


def cost_attributes(price: Price) -> dict[str, Scalar]:
    """``clawtrace.cost.*``: the cost and its source, or why there is none."""
    if price.cost is None:
        return {a.CLAWTRACE_COST_UNPRICED_REASON: price.reason or ""}
    return {
        a.CLAWTRACE_COST_USD: price.cost / PER_USD,
        a.CLAWTRACE_COST_SOURCE: price.source,
    }
