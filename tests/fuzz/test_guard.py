"""What keeps watch over an input."""

import logging
import sys
import time

import pytest

from tests.fuzz import guard

_log = logging.getLogger("clawtrace_otel.tests")


def test_an_input_that_takes_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass

    guard.timed(work)
    monkeypatch.setattr(guard, "MAX_SECONDS", 0.05)
    with pytest.raises(AssertionError, match=r"0\.1 s"):
        guard.timed(work)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_an_input_that_takes_much_memory_is_told() -> None:
    def work(megabytes: int, size: int = 1024) -> int:
        held = bytearray(megabytes * 1024 * 1024)
        held[::4096] = b"1" * len(held[::4096])
        return size

    guard.weighed(lambda: work(20))
    guard.weighed(lambda: work(80, size=300_000))
    with pytest.raises(AssertionError, match="bytes of memory for 1,024 bytes"):
        guard.weighed(lambda: work(80))


def test_an_error_that_is_caught_and_logged_is_told() -> None:
    with guard.loud():
        _log.warning("this may be")
        with pytest.raises(AssertionError, match="this may not") as told:
            _log.error("this may not", exc_info=ValueError())
    assert isinstance(told.value.__cause__, ValueError)
    _log.error("nobody listens any more")
