"""Money has no drift."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.money import PER_USD, from_usd, to_usd, total
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.semconv.step import Usage
from tests.pricing.calls import call

COSTS = st.lists(st.none() | st.integers(0, 10**16))
TOKENS = st.integers(0, 10**6)


@given(COSTS, st.randoms(use_true_random=False))
def test_a_sum_is_the_same_in_any_order_and_any_batches(
    costs: list[int | None], r: random.Random
) -> None:
    expected = total(costs)
    shuffled = r.sample(costs, len(costs))
    cut = r.randint(0, len(costs))
    assert total(shuffled) == expected
    assert total([total(shuffled[:cut]), total(shuffled[cut:])]) == expected


@given(
    st.lists(st.tuples(st.sampled_from(["gpt-5.4", "claude-sonnet-4-5", "?"]), TOKENS, TOKENS)),
    st.randoms(use_true_random=False),
)
def test_prices_of_calls_add_up_in_any_order(
    calls: list[tuple[str, int, int]], r: random.Random
) -> None:
    steps = [call(model=model, usage=Usage(fresh=a, output=b)) for model, a, b in calls]
    pricer = Pricer()
    costs = [pricer.price(step).cost for step in steps]
    again = [pricer.price(step).cost for step in r.sample(steps, len(steps))]
    assert to_usd(total(again)) == to_usd(total(costs))


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=50))
def test_a_sum_is_the_exact_one(units: list[int]) -> None:
    exact = sum(Decimal(unit) / PER_USD for unit in units)
    assert total(units) == from_usd(Decimal(exact))


def test_the_unknown_is_not_zero() -> None:
    assert total([]) is None
    assert total([None, None]) is None
    assert total([None, 0]) == 0
    assert to_usd(None) is None
    assert to_usd(0) == 0.0


@pytest.mark.parametrize(
    ("usd", "units"),
    [
        ("1", PER_USD),
        ("0.000000000001", 1),
        ("0.0000000000005", 0),
        ("0.0000000000015", 2),
        ("0.00000000000049", 0),
        ("123456789.123456789012", 123_456_789_123_456_789_012),
    ],
)
def test_an_amount_is_rounded_half_to_even_at_twelve_digits(usd: str, units: int) -> None:
    assert from_usd(Decimal(usd)) == units


@given(st.integers(0, 10**15))
def test_amounts_up_to_a_thousand_usd_survive_being_a_float(units: int) -> None:
    usd = to_usd(units)
    assert usd is not None
    assert from_usd(Decimal(repr(usd))) == units
