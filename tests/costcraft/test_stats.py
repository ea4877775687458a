"""Intervals and tests, against published figures and against simple arithmetic."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.costcraft.stats import (
    mcnemar,
    mean_interval,
    median_interval,
    median_ratio_interval,
    paired_difference,
    ratio_interval,
    ratio_of_totals,
    wilson,
)

_COSTS = st.lists(st.floats(0.01, 100), min_size=2, max_size=12)


def test_wilson_of_81_in_263_is_the_published_interval() -> None:
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_wilson_of_none_in_twenty_is_the_published_interval() -> None:
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)  # the same table


def test_a_share_of_nothing_has_no_interval() -> None:
    assert wilson(0, 0) is None


def test_mcnemar_is_the_binomial_of_the_discordant_pairs() -> None:
    # Two-sided: (C(6,0) + C(6,6)) / 2**6.
    assert mcnemar(0, 6) == pytest.approx(2 / 64)
    assert mcnemar(6, 0) == pytest.approx(2 / 64)


def test_without_discordant_pairs_nothing_is_shown() -> None:
    assert mcnemar(0, 0) == 1.0


def test_the_difference_of_paired_shares_is_the_published_interval() -> None:
    # Newcombe 1998, "... based on paired data", table II: 36, 12, 2 and 0 pairs, method 10. His
    # difference is the first share less the second.
    assert paired_difference(36, 12, 2, 0) == pytest.approx((-0.3404, -0.0569), abs=5e-5)


@settings(max_examples=30, deadline=None)
@given(*[st.integers(0, 40)] * 4)
def test_the_difference_of_paired_shares_lies_in_its_interval(
    both: int, only_first: int, only_second: int, neither: int
) -> None:
    pairs = both + only_first + only_second + neither
    found = paired_difference(both, only_first, only_second, neither)
    if found is None:
        assert pairs == 0
        return
    difference = (only_second - only_first) / pairs
    assert -1 - 1e-9 <= found[0] <= difference + 1e-9
    assert difference - 1e-9 <= found[1] <= 1 + 1e-9
    mirrored = paired_difference(both, only_second, only_first, neither)
    assert mirrored == pytest.approx((-found[1], -found[0]))


def test_pairs_that_all_agree_show_no_more_than_their_number_allows() -> None:
    few, many = paired_difference(3, 0, 0, 0), paired_difference(300, 0, 0, 0)
    assert few is not None
    assert many is not None
    assert few[0] < -0.5
    assert many[0] > -0.02


def test_one_value_has_no_interval() -> None:
    assert mean_interval([1.0]) is None
    assert median_interval([1.0]) is None
    assert ratio_interval([1.0], [2.0]) is None


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert mean_interval([3.0, 3.0, 3.0]) == (3.0, 3.0)
    assert median_interval([3.0, 3.0, 3.0]) == (3.0, 3.0)


def test_a_ratio_over_zero_is_unknown() -> None:
    assert ratio_of_totals([1.0, 1.0], [0.0, 1.0]) is None
    assert ratio_interval([1.0, 1.0], [0.0, 1.0]) is None
    assert median_ratio_interval([1.0, 1.0], [0.0, 1.0]) is None


def test_values_that_make_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="3 and 2 values make no pairs"):
        ratio_interval([1.0, 2.0, 3.0], [1.0, 2.0])


def test_the_bootstrap_covers_a_mean_about_as_often_as_it_says() -> None:
    import numpy as np

    random = np.random.default_rng(1)
    found = [mean_interval(list(random.normal(5, 2, 40))) for _ in range(100)]
    covered = sum(1 for each in found if each and each[0] <= 5 <= each[1])
    assert 87 <= covered <= 100


@settings(max_examples=15, deadline=None)
@given(_COSTS, st.floats(0.1, 10))
def test_pairs_that_all_differ_by_one_factor_have_that_ratio_exactly(
    costs: list[float], factor: float
) -> None:
    other = [cost * factor for cost in costs]
    for interval in (ratio_interval(other, costs), median_ratio_interval(other, costs)):
        assert interval == pytest.approx((factor, factor))


@settings(max_examples=15, deadline=None)
@given(_COSTS)
def test_the_same_values_give_the_same_interval(costs: list[float]) -> None:
    assert mean_interval(costs) == mean_interval(list(costs))
    interval = mean_interval(costs)
    assert interval is not None
    assert min(costs) - 1e-9 <= interval[0] <= interval[1] <= max(costs) + 1e-9
