from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.money import from_usd
from clawtrace_otel.semconv.step import Usage
from clawtrace_otel.semconv.usage import (
    MAX_COST_USD,
    MAX_TOKENS,
    InvalidValueError,
    read_cost,
    read_usage,
)

COUNTS = st.integers(0, 10**7)


@pytest.mark.parametrize("value", [1200, 1200.0, "1200", " 1200 ", "1200.0", "1.2e3"])
def test_a_token_count_may_be_written_as_any_number(value: object) -> None:
    assert read_usage({"input_tokens": value}) == Usage(fresh=1200)


@pytest.mark.parametrize(
    "value",
    [
        *(-1, "-1", 1.5, "1.5", float("nan"), float("inf"), "nan", MAX_TOKENS, "1e30"),
        *("1e999999999999999999", "many", True, [1], {"a": 1}, b"1"),
        pytest.param(10**5000, id="digits"),
    ],
)
@pytest.mark.parametrize(
    "name", ["input_tokens", "output_tokens", "cache_read", "cache_write", "cache_write_1h"]
)
def test_a_value_that_is_no_token_count_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(InvalidValueError, match=f"^{name}="):
        read_usage({"input_tokens": 1, "output_tokens": 1, name: value})


@pytest.mark.parametrize("value", [None, ""])
def test_a_count_that_is_not_there_is_not_zero_usage(value: object) -> None:
    assert read_usage({}) is None
    assert read_usage({"input_tokens": value, "output_tokens": value}) is None
    assert read_usage({"cache_read": 10, "reasoning": 5}) is None
    assert read_usage({"input_tokens": 0}) == Usage()


@settings(deadline=None)
@given(fresh=COUNTS, read=COUNTS, five=COUNTS, hour=COUNTS, output=COUNTS)
def test_buckets_are_disjoint_where_input_includes_the_cached_tokens(
    fresh: int, read: int, five: int, hour: int, output: int
) -> None:
    found = {
        "input_tokens": fresh + read + five + hour,
        "output_tokens": output,
        "cache_read": read,
        "cache_write": five + hour,
        "cache_write_1h": hour,
    }
    assert read_usage(found) == Usage(
        fresh=fresh, cache_read=read, cache_write_5m=five, cache_write_1h=hour, output=output
    )


def test_more_cached_tokens_than_input_mean_that_they_are_counted_beside_it() -> None:
    usage = read_usage({"input_tokens": 7, "cache_read": 1000, "cache_write": 200})
    assert usage == Usage(fresh=7, cache_read=1000, cache_write_5m=200)
    assert usage.input == 1207


@pytest.mark.parametrize(
    ("found", "five", "hour"),
    [
        ({"cache_write": 10}, 10, 0),
        ({"cache_write": 10, "cache_write_1h": 4}, 6, 4),
        ({"cache_write_5m": 6, "cache_write_1h": 4}, 6, 4),
        ({"cache_write": 10, "cache_write_5m": 6, "cache_write_1h": 4}, 6, 4),
        ({"cache_write": 0, "cache_write_5m": 6}, 6, 0),
    ],
)
def test_cache_writes_of_unknown_length_are_those_of_five_minutes(
    found: dict[str, object], five: int, hour: int
) -> None:
    usage = read_usage({"input_tokens": 100, **found})
    assert usage == Usage(fresh=100 - five - hour, cache_write_5m=five, cache_write_1h=hour)


def test_fresh_tokens_and_visible_output_win_over_sums_of_which_one_cannot_know() -> None:
    found = {"input_tokens": 500, "fresh_tokens": 500, "cache_read": 100}
    assert read_usage(found) == Usage(fresh=500, cache_read=100)
    found = {"output_tokens": 56, "visible_output_tokens": 56, "reasoning": 64}
    assert read_usage(found) == Usage(output=120, reasoning=64)


def test_reasoning_is_a_part_of_output_and_never_more() -> None:
    assert read_usage({"output_tokens": 10, "reasoning": 4}) == Usage(output=10, reasoning=4)
    assert read_usage({"output_tokens": 10, "reasoning": 40}) == Usage(output=10, reasoning=10)


@pytest.mark.parametrize("value", [0.0123, "0.0123", " 1.23e-2 "])
def test_a_cost_may_be_written_as_any_number(value: object) -> None:
    assert read_cost({"cost": value}) == from_usd(Decimal("0.0123"))


@pytest.mark.parametrize("value", [None, "", 0, 0.0, "0", "0.00", -0.0, "1e-13"])
def test_no_cost_and_a_cost_of_zero_are_no_price(value: object) -> None:
    assert read_cost({"cost": value}) is None


@pytest.mark.parametrize("currency", ["EUR", "eur", "credits", 5, ["USD"]])
def test_a_cost_in_another_currency_is_no_price(currency: object) -> None:
    assert read_cost({"cost": 1.0, "cost_currency": currency}) is None


@pytest.mark.parametrize("currency", ["USD", "usd"])
def test_a_cost_in_usd_is_one(currency: str) -> None:
    assert read_cost({"cost": 1, "cost_currency": currency}) == from_usd(Decimal(1))


@pytest.mark.parametrize(
    "value", [-0.01, "-1", float("nan"), "NaN", float("inf"), True, "free", [1], MAX_COST_USD]
)
def test_a_value_that_is_no_cost_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError, match=r"^cost="):
        read_cost({"cost": value})
