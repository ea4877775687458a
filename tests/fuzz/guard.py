"""What no input may do: fail in silence, take long, take much memory."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

MAX_SECONDS = 2.0
"""Of processor time that one input may take."""

MAX_BYTES = 50 * 1024 * 1024
"""Of memory that an input of up to ``SMALL`` bytes may take."""

SMALL = 1024
BYTES_A_BYTE = 200
"""What every further byte of an input may take."""

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class Loud(logging.Handler):
    """Raises what is logged as an error: a failure that was caught is a failure too."""

    def emit(self, record: logging.LogRecord) -> None:
        """Raise.

        Raises:
            AssertionError: always; what was caught is its cause.
        """
        cause = record.exc_info[1] if record.exc_info else None
        raise AssertionError(record.getMessage()) from cause


@contextmanager
def loud() -> Iterator[None]:
    """Let errors that the package logs end what is tried, rather than be read by nobody."""
    log, handler = logging.getLogger("clawtrace_otel"), Loud(logging.ERROR)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def timed(run: Callable[[], T]) -> T:
    """Run something, and return what it does.

    Raises:
        AssertionError: it took too long.
    """
    began = time.thread_time()
    done = run()
    took = time.thread_time() - began
    assert took <= MAX_SECONDS, f"{took:.1f} s"
    return done


def weighed(run: Callable[[], int]) -> None:
    """Run something that returns how many bytes its input had. For Linux.

    Raises:
        AssertionError: it took too long, or more memory than the input deserves.
    """
    _CLEAR.write_text("5")  # the peak from here on: proc(5)
    before = _resident("VmRSS")
    size = timed(run)
    taken = _resident("VmHWM") - before
    allowed = MAX_BYTES + BYTES_A_BYTE * max(size - SMALL, 0)
    assert taken <= allowed, f"{taken:,} bytes of memory for {size:,} bytes"


def _resident(name: str) -> int:
    """Bytes in memory: now (``VmRSS``), or at most since the last clearing (``VmHWM``)."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024
