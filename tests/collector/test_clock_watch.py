"""A clock that was set is noticed; one that merely goes on, or drifts, is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.collector.clock_watch import TOLERANCE_SECONDS, ClockWatch


class Clocks:
    """A clock, and one that cannot be set."""

    def __init__(self) -> None:
        self.now, self.steady = 1_790_000_000.0, 5.0
        self.watch = ClockWatch(lambda: self.now, lambda: self.steady)

    def go_on(self, seconds: float, drift: float = 0.0) -> None:
        self.now += seconds + drift
        self.steady += seconds


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(-50, 50)), max_size=20))
def test_a_clock_that_drifts_is_not_set(looks: list[tuple[float, float]]) -> None:
    clocks = Clocks()
    for seconds, drift in looks:
        clocks.go_on(seconds, drift)
        assert not clocks.watch.was_set(3600)


@pytest.mark.parametrize("seconds", [2 * TOLERANCE_SECONDS, -2 * TOLERANCE_SECONDS, 3e8, -3e8])
def test_a_clock_that_is_set_is_noticed_and_forgiven_after_the_time(seconds: float) -> None:
    clocks = Clocks()
    clocks.now += seconds
    assert clocks.watch.was_set(100)
    clocks.go_on(99)
    assert clocks.watch.was_set(100)
    clocks.go_on(1)
    assert not clocks.watch.was_set(100)
