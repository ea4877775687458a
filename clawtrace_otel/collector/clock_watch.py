"""Notices that the clock of the machine was set."""

import time
from collections.abc import Callable

TOLERANCE_SECONDS = 60.0
"""By which a clock may differ between two looks and still not count as set."""


def steady() -> float:
    """Seconds that go on evenly, also while the machine sleeps where the system tells."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class ClockWatch:
    """Compares a clock with one that cannot be set, look by look.

    Args:
        clock: Unix seconds.
        steady: seconds from any start.
    """

    def __init__(
        self, clock: Callable[[], float] = time.time, steady: Callable[[], float] = steady
    ) -> None:
        self._clock = clock
        self._steady = steady
        self._offset = clock() - steady()
        self._set_at = float("-inf")

    def was_set(self, within_seconds: float) -> bool:
        """Whether the clock was set in the last seconds, as far as the looks so far tell."""
        now = self._steady()
        offset = self._clock() - now
        if abs(offset - self._offset) > TOLERANCE_SECONDS:
            self._set_at = now
        self._offset = offset
        return now - self._set_at < within_seconds
