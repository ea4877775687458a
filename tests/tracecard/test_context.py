"""What results take and cost in a prompt that grows.

Rates here are plain numbers a token: 10, from a cache 1, written 12 (1 h: 20), answered 50.
"""

import itertools
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.pricing.rates import PER_MONEY_UNIT, PER_MTOK, Rates
from clawtrace_otel.semconv.step import Usage
from clawtrace_otel.tracecard.context import (
    OVERHEAD,
    Charge,
    Prompt,
    Reading,
    make_charge,
    share_out,
)

RATES = Rates(fresh=10, cache_read=1, cache_write_5m=12, cache_write_1h=20, output=50, reasoning=50)


def read(
    prompt: Prompt,
    usage: Usage,
    sizes: Sequence[int] = (),
    wasted: Sequence[bool] | None = None,
    known: int = 0,
) -> tuple[list[Reading], int]:
    """One call: the readings of the results that are new, and the cost of the wasted ones."""
    given_wasted = wasted if wasted is not None else [False] * len(sizes)
    readings = prompt.grow(usage.input, sizes, given_wasted, known)
    cost = prompt.charge(Charge(usage, RATES), len(readings))
    prompt.go_on(usage.input, usage.output - usage.reasoning, prompt.calls + 1)
    return readings, cost


def first_two(second: Usage) -> tuple[Prompt, Reading]:
    """A call of 1,000 tokens that answers 50, and a second one that reads a result of 400 bytes."""
    prompt = Prompt()
    read(prompt, Usage(fresh=1000, output=50))
    (reading,), _ = read(prompt, second, [400])
    return prompt, reading


@pytest.mark.parametrize(
    ("second", "cost"),
    [
        (Usage(fresh=1150), 100 * 10),
        (Usage(cache_read=1000, fresh=150), 100 * 10),
        (Usage(cache_read=1000, cache_write_5m=150), 100 * 12),
        (Usage(cache_read=1000, cache_write_1h=150), 100 * 20),
        # 100 read, then 1,000 written for 1 h, then 50 for 5 minutes: the result begins at 1,050.
        (Usage(cache_read=100, cache_write_1h=1000, cache_write_5m=50), 50 * 20 + 50 * 12),
    ],
)
def test_a_result_takes_what_the_prompt_grew_by_and_costs_the_rate_of_its_place(
    second: Usage, cost: int
) -> None:
    prompt, reading = first_two(second)
    prompt.end()
    assert (reading.tokens, reading.first, reading.total) == (100, cost, cost)


@pytest.mark.parametrize(
    ("third", "cost"),
    [
        (Usage(cache_read=1150, fresh=50), 100 * 1),  # all of it from the cache
        (Usage(cache_read=1100, fresh=100), 50 * 1 + 50 * 10),  # cached up to its middle
        (Usage(fresh=1200), 100 * 10),  # the cache was missed
        (Usage(cache_read=1000, cache_write_5m=200), 100 * 12),
    ],
)
def test_each_later_call_charges_the_result_again_at_the_rate_of_its_place_there(
    third: Usage, cost: int
) -> None:
    prompt, reading = first_two(Usage(fresh=1150, output=50))
    read(prompt, third)
    prompt.end()
    assert (reading.first, reading.total) == (1000, 1000 + cost)


def test_reasoning_is_no_part_of_the_next_prompt() -> None:
    prompt = Prompt()
    read(prompt, Usage(fresh=1000, output=80, reasoning=30))
    (reading,), _ = read(prompt, Usage(fresh=1150), [400])
    assert reading.tokens == 100


def test_results_of_one_turn_lie_behind_one_another() -> None:
    """Cached up to where the second of them begins."""
    prompt = Prompt()
    read(prompt, Usage(fresh=1000, output=50))
    (one, two), _ = read(prompt, Usage(cache_read=1075, fresh=75), [100, 300])
    assert (one.tokens, one.first) == (25, 25 * 1)
    assert (two.tokens, two.first) == (75, 75 * 10)


def test_what_the_prompt_grew_by_and_the_result_cannot_hold_stays_in_the_base() -> None:
    """36 bytes hold at most 36 tokens, and 64 for what is around them; a reminder follows."""
    prompt = Prompt()
    read(prompt, Usage(fresh=1000, output=50))
    (reading,), _ = read(prompt, Usage(cache_read=1150, fresh=2000), [36])
    # It lies from 1,050 to 1,150, within the cached part.
    assert (reading.tokens, reading.first) == (100, 100 * 1)


def test_tokens_of_something_else_come_before_the_results() -> None:
    prompt = Prompt()
    read(prompt, Usage(fresh=1000, output=50))
    (reading,), _ = read(prompt, Usage(cache_read=1100, fresh=50), [400], known=50)
    assert (reading.tokens, reading.first) == (50, 50 * 10)


def test_results_that_the_first_call_of_a_prompt_reads_are_not_known_by_size() -> None:
    (reading,), _ = read(Prompt(), Usage(fresh=1000), [400])
    assert reading.tokens == 0


def test_a_prompt_that_shrinks_a_little_brings_no_result_and_goes_on() -> None:
    prompt = Prompt()
    read(prompt, Usage(fresh=1000, output=50))
    (none,), _ = read(prompt, Usage(fresh=1020, output=50), [400])
    (reading,), _ = read(prompt, Usage(fresh=1170), [400])
    assert (none.tokens, reading.tokens) == (0, 100)


def test_no_token_is_charged_to_two_results_when_a_prompt_shrinks_into_the_first() -> None:
    """The first lies at 1,050 to 1,150; of a prompt of 1,120 tokens 70 are its."""
    prompt, first = first_two(Usage(fresh=1150))
    read(prompt, Usage(fresh=1120))
    (second,), _ = read(prompt, Usage(fresh=1200), [400])
    prompt.end()
    assert first.total == (100 + 70 + 100) * 10
    assert (second.tokens, second.first) == (80, 50 * 10)  # from 1,150 on: 30 are beyond the end


@pytest.mark.parametrize(
    ("before", "tokens", "fits"),
    [(8000, 6976, True), (8000, 6975, False), (400, 300, True), (400, 299, False), (8, 9000, True)],
)
def test_a_prompt_may_shrink_by_1024_tokens_or_a_quarter(
    before: int, tokens: int, fits: bool
) -> None:
    assert Prompt(input=before).fits(tokens) is fits


@pytest.mark.parametrize(
    ("tokens", "sizes", "shares"),
    [
        (100, [100, 300], [25, 75]),
        (1000, [100], [100 + OVERHEAD]),
        (1000, [100, 900], [100, 900]),
        (1000, [10, 990], [10, 990]),
        (4000, [100, 300], [164, 364]),
        (90, [20, 0, 40], [20, 30, 40]),  # unknown is the mean of the others
        (1000, [0], [1000]),  # and has no cap
        (100, [0, 0], [50, 50]),
        (7, [1, 1, 1], [2, 2, 3]),
        (0, [5, 5], [0, 0]),
        (100, [], []),
    ],
)
def test_tokens_are_shared_out_by_bytes_and_none_gets_more_than_it_can_hold(
    tokens: int, sizes: list[int], shares: list[int]
) -> None:
    assert share_out(tokens, sizes) == shares


@given(st.integers(0, 10**7), st.lists(st.integers(0, 10**6), max_size=8))
@settings(max_examples=100)
def test_shares_are_never_more_than_there_is(tokens: int, sizes: list[int]) -> None:
    shares = share_out(tokens, sizes)
    caps = [size + OVERHEAD if size else tokens for size in sizes]
    assert all(0 <= share <= cap for share, cap in zip(shares, caps, strict=True))
    assert sum(shares) <= tokens
    if sizes and all(share < cap for share, cap in zip(shares, caps, strict=True)):
        assert sum(shares) == tokens


def test_a_supplied_cost_is_spread_as_list_prices_would_be() -> None:
    """100 tokens at 10 and 10 at 50 are 1,500; supplied are 3,000, so everything counts twice."""
    rates = Rates(fresh=10 * PER_MTOK, output=50 * PER_MTOK, reasoning=50 * PER_MTOK)
    usage = Usage(fresh=100, output=10, reasoning=4)
    charge = make_charge(3000 * 10**6, usage, rates)
    assert charge is not None
    assert list(charge.zones()) == [(0, 100, 20 * PER_MTOK)]
    assert charge.output == 10 * 100 * PER_MTOK
    assert charge.visible_output == 6 * 100 * PER_MTOK


@pytest.mark.parametrize(
    ("cost", "usage", "rates"),
    [
        (None, Usage(fresh=1), RATES),
        (5, None, RATES),
        (5, Usage(fresh=1), None),
        (5, Usage(), RATES),
        (5, Usage(fresh=1), Rates()),
    ],
)
def test_nothing_is_spread_where_cost_tokens_or_rates_are_missing(
    cost: int | None, usage: Usage | None, rates: Rates | None
) -> None:
    assert make_charge(cost, usage, rates) is None


@given(st.integers(1, 10**13), st.builds(Usage, *[st.integers(0, 10**6)] * 5))
@settings(max_examples=100)
def test_the_parts_of_a_call_are_never_more_than_its_cost(cost: int, usage: Usage) -> None:
    charge = make_charge(cost, usage, RATES)
    if charge is None:
        return
    parts = charge.output + sum((end - start) * rate for start, end, rate in charge.zones())
    tokens = usage.input + usage.output
    assert cost * PER_MONEY_UNIT - tokens <= parts <= cost * PER_MONEY_UNIT


def split_of(tokens: int, output: int, r: random.Random) -> Usage:
    """A usage of that many input tokens, cached and written somehow."""
    cuts = [0, *sorted(r.choice([0, tokens, r.randint(0, tokens)]) for _ in range(3)), tokens]
    cached, hour, five, fresh = (b - a for a, b in itertools.pairwise(cuts))
    return Usage(fresh, cached, five, hour, output)


def zone_rates(usage: Usage) -> list[int]:
    """The rate of each token of a prompt."""
    return (
        [RATES.cache_read] * usage.cache_read
        + [RATES.cache_write_1h] * usage.cache_write_1h
        + [RATES.cache_write_5m] * usage.cache_write_5m
        + [RATES.fresh] * usage.fresh
    )


@given(st.randoms(use_true_random=False), st.integers(1, 12))
@settings(max_examples=100)
def test_results_cost_what_a_count_token_by_token_says(r: random.Random, calls: int) -> None:
    """Each token of a prompt has an owner, who is charged its rate on each call."""
    prompt, tokens = Prompt(), list[Reading | None]([None] * r.randint(0, 60))
    readings: list[Reading] = []
    wasted: dict[int, bool] = {}
    first: Counter[int] = Counter()
    total: Counter[int] = Counter()
    for call in range(calls):
        output, known, grown = r.randint(0, 20), 0, 0
        sizes = [r.choice([0, r.randint(1, 90)]) for _ in range(r.randint(0, 3) if call else 0)]
        is_wasted = [r.random() < 0.5 for _ in sizes]
        if call:
            known, grown = r.randint(0, 9), r.choice([0, r.randint(0, 60), r.randint(0, 400)])
        usage = split_of(len(tokens) + known + grown, output, r)
        new, cost = read(prompt, usage, sizes, is_wasted, known)
        owners = [reading for reading in new for _ in range(reading.tokens)]
        tokens += [None] * known + owners + [None] * (grown - len(owners))
        readings += new
        wasted.update((id(reading), waste) for reading, waste in zip(new, is_wasted, strict=True))
        expected = 0
        for owner, rate in zip(tokens, zone_rates(usage), strict=True):
            total[id(owner)] += rate
            first[id(owner)] += rate * any(owner is reading for reading in new)
            expected += rate * wasted.get(id(owner), False)
        assert cost == expected
        tokens += [None] * output
    prompt.end()
    for reading in readings:
        assert (reading.first, reading.total) == (first[id(reading)], total[id(reading)])


@given(st.randoms(use_true_random=False), st.integers(2, 12))
@settings(max_examples=100)
def test_results_never_cost_more_than_the_prompts_that_held_them(
    r: random.Random, calls: int
) -> None:
    """Also where prompts shrink."""
    prompt, readings, paid = Prompt(), list[Reading](), 0
    tokens = r.randint(0, 4000)
    for _ in range(calls):
        sizes = [r.randint(0, 900) for _ in range(r.randint(0, 3))]
        usage = split_of(tokens, r.randint(0, 300), r)
        new, cost = read(prompt, usage, sizes, [True] * len(sizes))
        input_cost = sum(zone_rates(usage))
        assert 0 <= cost <= input_cost
        paid += cost
        readings += new
        tokens = max(tokens + r.randint(-min(1024, tokens // 4), 900), 0)
    prompt.end()
    assert sum(reading.total for reading in readings) == paid
    assert all(0 <= reading.first <= reading.total for reading in readings)
