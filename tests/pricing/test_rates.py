"""The arithmetic of a rate card."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.pricing.rates import RateCard, Rates, rate_from_mtok, rate_to_mtok
from clawtrace_otel.semconv.step import Usage
from tests.pricing.calls import mtok

TOKENS = st.integers(0, 2**53 - 1)
RATES = st.integers(0, 10**24)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    output = draw(TOKENS)
    counts = {
        name: draw(TOKENS) for name in ("fresh", "cache_read", "cache_write_5m", "cache_write_1h")
    }
    return Usage(**counts, output=output, reasoning=draw(st.integers(0, output)))


def test_each_bucket_is_charged_at_its_own_rate() -> None:
    rates = Rates(
        fresh=rate_from_mtok(Decimal(3)),
        cache_read=rate_from_mtok(Decimal("0.3")),
        cache_write_5m=rate_from_mtok(Decimal("3.75")),
        cache_write_1h=rate_from_mtok(Decimal(6)),
        output=rate_from_mtok(Decimal(15)),
        reasoning=rate_from_mtok(Decimal(20)),
        request=rate_from_mtok(Decimal(1_000)),
    )
    usage = Usage(
        fresh=11, cache_read=13, cache_write_5m=17, cache_write_1h=19, output=23, reasoning=5
    )
    assert rates.cost(usage) == (
        mtok("3", 11)
        + mtok("0.3", 13)
        + mtok("3.75", 17)
        + mtok("6", 19)
        + mtok("15", 23 - 5)
        + mtok("20", 5)
        + mtok("1000", 1)
    )


@given(st.builds(Rates, *[RATES] * 7), usages())
def test_a_cost_is_off_by_at_most_half_of_its_last_digit(rates: Rates, usage: Usage) -> None:
    exact = Fraction(
        usage.fresh * rates.fresh
        + usage.cache_read * rates.cache_read
        + usage.cache_write_5m * rates.cache_write_5m
        + usage.cache_write_1h * rates.cache_write_1h
        + (usage.output - usage.reasoning) * rates.output
        + usage.reasoning * rates.reasoning
        + rates.request,
        10**12,
    )
    assert abs(rates.cost(usage) - exact) <= Fraction(1, 2)


@given(RATES)
def test_a_rate_is_shown_as_it_was_given(rate: int) -> None:
    assert rate_from_mtok(rate_to_mtok(rate)) == rate


def test_the_highest_tier_below_the_size_of_the_request_holds_for_all_of_it() -> None:
    base, middle, high = (Rates(fresh=rate) for rate in (1, 2, 3))
    card = RateCard("user", "p", "m", base, tiers=((32_000, middle), (128_000, high)))
    assert [card.rates(n) for n in (0, 32_000, 32_001, 128_000, 128_001)] == [
        base,
        base,
        middle,
        middle,
        high,
    ]
    usage = Usage(fresh=28_000, cache_write_1h=100_001)
    assert card.cost(usage) == high.cost(usage)
