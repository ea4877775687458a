"""Numbers as people read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.costcraft.report import words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unknown"),
        (math.inf, "unknown"),
        (math.nan, "unknown"),
        (0.0, "$0"),
        (1e-15, "$0"),
        (1.25e-7, "$0.000000125"),
        (0.0014, "$0.0014"),
        (0.00144999, "$0.00145"),
        (0.5, "$0.50"),
        (0.9999, "$1.00"),
        (4.25, "$4.25"),
        (1234.5, "$1,234.50"),
        (-0.0003, "-$0.0003"),
    ],
)
def test_amounts_have_three_digits_below_a_dollar_and_cents_from_there(
    value: float | None, shown: str
) -> None:
    assert words.usd(value) == shown


@given(st.floats(1e-11, 1e9))
def test_what_is_shown_of_an_amount_is_within_half_a_percent_of_it(value: float) -> None:
    read = float(words.usd(value).removeprefix("$").replace(",", ""))
    assert read == pytest.approx(value, rel=0.0051)


def test_an_interval_has_both_ends_unless_they_are_one() -> None:
    assert words.usd_interval((0.0, 0.5)) == "$0 to $0.50"
    assert words.usd_interval((-0.25, 0.5)) == "-$0.25 to $0.50"
    assert words.usd_interval((0.5, 0.5)) == "$0.50"
    assert words.usd_interval(None) == "unknown"


def test_a_share_has_its_interval() -> None:
    told = words.share(14, 40, "runs", (0.2213, 0.5049))
    assert told == "14 of 40 runs (Wilson 95 % 22..50 %)"
    assert words.share(0, 0, "runs", None) == "0 of 0 runs"


def test_findings_that_differ_in_numbers_and_ids_alone_are_alike() -> None:
    one = words.likeness("no step 7 in trace 0af7651916cd43dd8448eb211c80319c, 1.5%")
    assert one == words.likeness("no step 12 in trace 4bf92f3577b34da6a3ce929d0e0e4736, 20%")
    assert one == "no step … in trace …, …%"


@given(st.text("`ab ", max_size=9))
def test_code_spans_lose_nothing_but_their_signs(text: str) -> None:
    parts = words.code_spans(text)
    assert "".join(part for _, part in parts).replace("`", "") == text.replace("`", "")


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_bar_stays_on_its_scale(one: float, other: float, most: float) -> None:
    low, high = min(one, other), max(one, other)
    start, length = words.bar(low, high, max(most, high))
    assert 0 <= start <= 100
    assert -0.01 <= length <= 100
    assert start + length <= 100.02
