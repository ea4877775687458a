"""Cycles of calls."""

import time
from collections.abc import Hashable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.tracecard.loops import MAX_PERIOD, MIN_COUNT, Cycle, find_cycles

CALLS = st.lists(st.sampled_from(["a", "b", "c", None]), max_size=40)


def stretches(calls: Sequence[Hashable]) -> set[tuple[int, int, int]]:
    """(start, end, shortest period) of all stretches that cannot be made longer, by definition."""
    found: dict[tuple[int, int], int] = {}
    size = len(calls)

    def repeats(start: int, end: int, period: int) -> bool:
        return all(
            calls[n] is not None and calls[n] == calls[n - period]
            for n in range(start + period, end)
        )

    for period in range(1, MAX_PERIOD + 1):
        for start in range(size):
            for end in range(start + MIN_COUNT * period, size + 1):
                longer = (start > 0 and repeats(start - 1, end, period)) or (
                    end < size and repeats(start, end + 1, period)
                )
                if repeats(start, end, period) and not longer:
                    found.setdefault((start, end), period)
    return {(start, end, period) for (start, end), period in found.items()}


@given(CALLS)
def test_every_cycle_is_found_once_with_its_shortest_period(calls: list[str | None]) -> None:
    expected = sorted(
        (start, period, (end - start) // period) for start, end, period in stretches(calls)
    )
    assert sorted((c.start, c.period, c.count) for c in find_cycles(calls)) == expected


@given(CALLS)
def test_the_rounds_of_a_cycle_are_equal(calls: list[str | None]) -> None:
    for cycle in find_cycles(calls):
        assert cycle.count >= MIN_COUNT
        first = calls[cycle.start : cycle.start + cycle.period]
        assert None not in first
        assert calls[cycle.start : cycle.end] == first * cycle.count


@pytest.mark.parametrize(
    ("calls", "cycles"),
    [
        ("", []),
        ("aa", []),
        ("aaa", [Cycle(0, 1, 3)]),
        ("aaaaaaaa", [Cycle(0, 1, 8)]),
        ("xaaay", [Cycle(1, 1, 3)]),
        ("abab", []),
        ("ababab", [Cycle(0, 2, 3)]),
        ("ababababababab", [Cycle(0, 2, 7)]),
        ("xabcabcabca", [Cycle(1, 3, 3)]),
        ("aaabbb", [Cycle(0, 1, 3), Cycle(3, 1, 3)]),
        ("abcdefgh" * 3, [Cycle(0, 8, 3)]),
        ("abcdefghi" * 3, []),
    ],
)
def test_cycles_of_calls(calls: str, cycles: list[Cycle]) -> None:
    assert find_cycles(calls) == cycles


def test_a_cycle_that_begins_within_the_end_of_another_is_not_lost() -> None:
    assert find_cycles("ababab" + "cab" * 20) == [Cycle(0, 2, 3), Cycle(4, 3, 20)]


def test_a_cycle_whose_rounds_hold_a_shorter_one_is_not_lost() -> None:
    assert Cycle(0, 4, 10) in find_cycles("rrrw" * 10)


def test_calls_that_are_equal_to_none_make_no_cycle() -> None:
    assert find_cycles([None] * 50) == []
    assert find_cycles(["a", None] * 20) == []
    assert find_cycles([None, *"abab", "a", "b", None]) == [Cycle(1, 2, 3)]


def seconds(calls: Sequence[Hashable]) -> float:
    def once() -> float:
        start = time.process_time()
        find_cycles(calls)
        return time.process_time() - start

    return min(once() for _ in range(3))


@pytest.mark.parametrize("rounds", ["a", "ab", "abcdefgh", "aaabcbcbc", "rrrw"])
def test_time_is_linear_in_calls(rounds: str) -> None:
    """Five times the calls may not take twelve times as long; quadratic time were 25."""
    calls = (rounds * 100_000)[:100_000]
    assert seconds(calls) / seconds(calls[:20_000]) < 12


def test_time_is_linear_where_there_are_thousands_of_cycles() -> None:
    """Three calls of one kind and six in turns of two, over and over, never the same."""
    calls = [3 * (n // 9) + (0, 0, 0, 1, 2, 1, 2, 1, 2)[n % 9] for n in range(100_000)]
    assert len(find_cycles(calls)) > 20_000
    assert seconds(calls) / seconds(calls[:20_000]) < 12
