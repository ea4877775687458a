"""Token counts and costs as spans carry them, into the disjoint buckets of ``Usage``."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from clawtrace_otel.money import from_usd
from clawtrace_otel.semconv.step import Usage

MAX_TOKENS = 1 << 53
"""Above this no call exists; the value is a mistake of its sender."""


class InvalidValueError(ValueError):
    """A value that is no token count or no cost."""


def read_tokens(value: object) -> int | None:
    """A token count: an int, an integral float, or digits in a string. ``None`` stays ``None``.

    Raises:
        InvalidValueError: negative, fractional, absurdly large or no number.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidValueError
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise InvalidValueError from None
    if not number.is_finite() or number != number.to_integral_value():
        raise InvalidValueError
    if not 0 <= number < MAX_TOKENS:
        raise InvalidValueError
    return int(number)


def read_usage(found: Mapping[str, object]) -> Usage | None:
    """The usage of a span from its token fields; ``None`` if it states none.

    Input includes the cached tokens, unless they add up to more than it: then the sender counts
    them beside the input, whatever its dialect says.

    Raises:
        InvalidValueError: see :func:`read_tokens`.
    """
    total, output = read_tokens(found.get("input_tokens")), read_tokens(found.get("output_tokens"))
    if total is None and output is None:
        return None
    total, output = total or 0, output or 0
    read = read_tokens(found.get("cache_read")) or 0
    write_5m, write_1h = _cache_writes(found)
    cached = read + write_5m + write_1h
    return Usage(
        fresh=total - cached if cached <= total else total,
        cache_read=read,
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
        output=output,
        reasoning=min(read_tokens(found.get("reasoning")) or 0, output),
    )


def read_cost(found: Mapping[str, object]) -> int | None:
    """A supplied cost in 1e-12 USD. Zero is nobody's price: it means that the sender knew none.

    Raises:
        InvalidValueError: negative or no number.
    """
    value = found.get("cost")
    if value is None or str(found.get("cost_currency") or "USD").upper() != "USD":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidValueError
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise InvalidValueError from None
    if not amount.is_finite() or not 0 <= amount < 10**9:
        raise InvalidValueError
    return from_usd(amount) or None


def _cache_writes(found: Mapping[str, object]) -> tuple[int, int]:
    """Cache writes of 5 minutes and of 1 hour; a write of unknown length is one of 5 minutes."""
    total = read_tokens(found.get("cache_write"))
    five = read_tokens(found.get("cache_write_5m")) or 0
    hour = read_tokens(found.get("cache_write_1h")) or 0
    if total is None:
        return five, hour
    return max(total - hour, five), hour
