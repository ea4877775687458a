"""A token bucket of bytes for each sender; see docs/decisions for the libraries that were tried.

The size of a gRPC message is not known before it is read. So a sender who has anything left may
send one more request of any size, and then waits until the debt is paid off.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from clawtrace_otel.collector.ingest import UnavailableError

BURST_SECONDS = 1.0
"""What a sender who was quiet has saved up at most, in seconds of its rate."""


class RateLimitedError(UnavailableError):
    """A sender sent more than it may; this request was not read.

    Attributes:
        delay_seconds: after which it may send again.
    """

    def __init__(self, name: str, delay_seconds: float) -> None:
        who = f"{name!r} sent" if name else "senders sent"
        super().__init__(f"{who} more than max_token_bytes_per_second; wait {delay_seconds:.3f} s")
        self.delay_seconds = delay_seconds


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class RateLimiter:
    """Limits bytes a second by sender.

    Args:
        bytes_per_second: of each sender; 0 is no limit.
        clock: seconds that only go forward.
    """

    def __init__(
        self, bytes_per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def check(self, name: str) -> None:
        """Whether a sender may send now.

        Raises:
            RateLimitedError: it has to wait.
        """
        if not self._rate:
            return
        level = self._refill(name).level
        if level <= 0:
            # Beyond the debt itself by one byte, so that who waits as told gets in.
            raise RateLimitedError(name, (1 - level) / self._rate)

    def charge(self, name: str, size: int) -> None:
        """Take ``size`` bytes from the bucket of a sender, into debt if need be."""
        if self._rate:
            self._refill(name).level -= size

    def _refill(self, name: str) -> _Bucket:
        now, full = self._clock(), self._rate * BURST_SECONDS
        bucket = self._buckets.setdefault(name, _Bucket(full, now))
        bucket.level = min(full, bucket.level + (now - bucket.at) * self._rate)
        bucket.at = now
        return bucket
