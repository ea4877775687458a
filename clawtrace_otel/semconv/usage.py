"""Token counts and costs as spans carry them, into the disjoint buckets of ``Usage``."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from clawtrace_otel.money import from_usd
from clawtrace_otel.semconv.canonical import encodable, text_of
from clawtrace_otel.semconv.step import Usage
from clawtrace_otel.semconv.usage_details import CACHED_BESIDE_INPUT, read_details, read_object

MAX_TOKENS = 1 << 53
"""From here on no call exists; the value is a mistake of its sender."""

MAX_COST_USD = 10**6
"""Likewise."""


class InvalidValueError(ValueError):
    """A value that is no token count or no cost; the message names the field and the value."""


def read_usage(found: Mapping[str, object]) -> Usage | None:
    """The usage of a span from its token fields; ``None`` if it states none.

    ``input_tokens`` includes the cached tokens, unless they add up to more than it: then the sender
    counts them beside the input, whatever its dialect says. ``fresh_tokens`` never includes them,
    and ``visible_output_tokens`` excludes reasoning; they win over the others.

    Raises:
        InvalidValueError: a count is negative, fractional, absurdly large or no number.
    """
    found = {**_details(found), **found}
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


def _details(found: Mapping[str, object]) -> Mapping[str, object]:
    """The counts that the span holds in one object, or in one for each direction."""
    if "usage_details" in found:
        return read_details(found["usage_details"])
    if "input_details" in found or "output_details" in found:
        return read_details(
            {
                "input_token_details": read_object(found.get("input_details")),
                "output_token_details": read_object(found.get("output_details")),
            }
        )
    return {}


def read_cost(found: Mapping[str, object]) -> int | None:
    """A supplied cost in 1e-12 USD. Zero is nobody's price: it means that the sender knew none.

    Raises:
        InvalidValueError: it is negative, absurdly large or no number.
    """
    if text_of(found.get("cost_currency", "USD")).upper() != "USD":
        return None
    amount = _number(found, "cost")
    if amount is None:
        amount = _total(read_object(found.get("cost_details")))
    if amount is None:
        return None
    if not 0 <= amount < MAX_COST_USD:
        msg = f"cost={amount}"
        raise InvalidValueError(msg)
    return from_usd(amount) or None


def _total(costs: Mapping[str, object]) -> Decimal | None:
    """The sum of costs by kind, which may stand among them."""
    if "total" in costs or not costs:
        return _number(costs, "total")
    return sum((_number(costs, kind) or Decimal(0) for kind in costs), Decimal(0))


def _fresh(found: Mapping[str, object], cached: int) -> int | None:
    total, fresh = _tokens(found, "input_tokens"), _tokens(found, "fresh_tokens")
    if total is None or fresh is not None:
        return fresh
    return total if CACHED_BESIDE_INPUT in found or cached > total else total - cached


def _output(found: Mapping[str, object], reasoning: int) -> int | None:
    output = _tokens(found, "output_tokens")
    visible = _tokens(found, "visible_output_tokens")
    return output if visible is None else visible + reasoning


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
