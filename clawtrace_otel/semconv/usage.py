"""Token counts and costs as spans carry them, into the disjoint buckets of ``Usage``."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from clawtrace_otel.money import from_usd
from clawtrace_otel.semconv.canonical import encodable, text_of
from clawtrace_otel.semconv.step import Usage
from clawtrace_otel.semconv.usage_details import read_details

MAX_TOKENS = 1 << 53
"""From here on no call exists; the value is a mistake of its sender."""

MAX_COST_USD = 10**6
"""Likewise."""


class InvalidValueError(ValueError):
    """A value that is no token count or no cost; the message names the field and the value."""


def read_usage(found: Mapping[str, object]) -> Usage | None:
    """The usage of a span from its token fields; ``None`` if it states none.

    ``input_tokens`` includes the cached tokens, unless they add up to more than it: then the sender
    counts them beside the input, whatever its dialect says. ``fresh_tokens`` never includes them.
    ``visible_output_tokens`` excludes reasoning.

    Raises:
        InvalidValueError: a count is negative, fractional, absurdly large or no number.
    """
    if "usage_details" in found:
        found = {**read_details(found["usage_details"]), **found}
    read = _tokens(found, "cache_read") or 0
    write_5m, write_1h = _cache_writes(found)
    fresh = _fresh(found, read + write_5m + write_1h)
    reasoning = _tokens(found, "reasoning") or 0
    output = _output(found, reasoning)
    if fresh is None and output is None:
        return None
    return Usage(
        fresh=fresh or 0,
        cache_read=read,
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
        output=output or 0,
        reasoning=min(reasoning, output or 0),
    )


def read_cost(found: Mapping[str, object]) -> int | None:
    """A supplied cost in 1e-12 USD. Zero is nobody's price: it means that the sender knew none.

    Raises:
        InvalidValueError: it is negative, absurdly large or no number.
    """
    if text_of(found.get("cost_currency", "USD")).upper() != "USD":
        return None
    amount = _number(found, "cost")
    if amount is None:
        return None
    if not 0 <= amount < MAX_COST_USD:
        raise _invalid(found, "cost")
    return from_usd(amount) or None


def _fresh(found: Mapping[str, object], cached: int) -> int | None:
    total = _tokens(found, "input_tokens")
    if total is None:
        return _tokens(found, "fresh_tokens")
    return total - cached if cached <= total else total


def _output(found: Mapping[str, object], reasoning: int) -> int | None:
    output = _tokens(found, "output_tokens")
    visible = _tokens(found, "visible_output_tokens")
    return output if output is not None or visible is None else visible + reasoning


def _cache_writes(found: Mapping[str, object]) -> tuple[int, int]:
    """Cache writes of 5 minutes and of 1 hour; a write of unknown length is one of 5 minutes."""
    total = _tokens(found, "cache_write")
    five = _tokens(found, "cache_write_5m") or 0
    hour = _tokens(found, "cache_write_1h") or 0
    if total is None:
        return five, hour
    return max(total - hour, five), hour


def _tokens(found: Mapping[str, object], name: str) -> int | None:
    """A token count: an int, an integral float, or either as text."""
    number = _number(found, name)
    if number is None:
        return None
    if not 0 <= number < MAX_TOKENS or number != number.to_integral_value():
        raise _invalid(found, name)
    return int(number)


def _number(found: Mapping[str, object], name: str) -> Decimal | None:
    value = found.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _invalid(found, name)
    try:
        number = Decimal(str(value).strip())
    except (InvalidOperation, ValueError):  # ValueError: an int of thousands of digits
        raise _invalid(found, name) from None
    if not number.is_finite():
        raise _invalid(found, name)
    return number


def _invalid(found: Mapping[str, object], name: str) -> InvalidValueError:
    return InvalidValueError(f"{name}={encodable(text_of(found[name])[:40])}")
