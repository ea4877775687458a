"""Money as integers of 1e-12 USD, so that sums have no drift and no order."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

PER_USD = 10**12
"""Units in one USD."""


def from_usd(amount: Decimal) -> int:
    """``amount`` USD in units of 1e-12 USD, rounded half to even."""
    return int((amount * PER_USD).to_integral_value(ROUND_HALF_EVEN))


def to_usd(units: int | None) -> float | None:
    """Units of 1e-12 USD as USD; ``None``, the unknown, stays ``None``."""
    return None if units is None else units / PER_USD


def to_units(usd: float | None) -> int:
    """USD as they stand on a card in units of 1e-12 USD; the unknown counts 0."""
    return round((usd or 0.0) * PER_USD)


def total(costs: Iterable[int | None]) -> int | None:
    """The sum of the known costs; ``None`` if none is known."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None
