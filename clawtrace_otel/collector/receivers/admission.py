"""The gate that a request passes before its body is read into memory.

What a request takes is not known before it was read and unpacked: gRPC does not tell its size, and
a megabyte of gzip may be a gigabyte. So the gate looks at what the process has:

* below ``soft_bytes`` above what it had at the start, requests are read at the same time, as many
  as would fit if all were as large as the largest of late;
* above, the next is read when the last was taken up; those that wait too long are turned away;
* above ``hard_bytes``, all that are being read are turned away but the one that began first.

The senders are told to try again. Where nothing is read or taken up, one is always let in, so that
everything gets its turn.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from clawtrace_otel.collector.ingest import UnavailableError
from clawtrace_otel.collector.memory import LARGE_BYTES, make_trim, resident_bytes

LOOK_SECONDS = 0.02
"""How often the memory is looked at while requests are read."""

WAIT_SECONDS = 5.0
"""For room to read a request."""

TRIM_SECONDS = 1.0
"""Between two attempts to give memory back."""

ALONE_SECONDS = 4.0
"""After which a request is let in if nothing else is read or taken up, whatever memory there is."""

COPIES = 3
"""Of a request while it is read or taken up."""

FORGET = 0.97
"""At each look: what is left of the size of the largest request. Half of it after half a second,
unless one is still taken up: those that wait for it may be as large."""

YOUNG_LOOKS = 5
"""Until the memory was looked at so often since a request began to be read, it does not tell yet
how large the request is."""

UNKNOWN_BYTES = 12 * 1024 * 1024
"""What such a request counts for after a pause, if it does not announce its size. The more small
ones were read, the less it is."""

SLOW_SECONDS = 10.0
"""A request that takes longer to read is slow; it is not what memory runs out by."""

FORGET_BY_READ = 0.8
"""With each request that was read."""

MAX_READS = 256
"""Requests that are read at the same time while there is plenty of room."""


@dataclass(frozen=True, eq=False)
class _Read:
    """A request that is being read.

    Attributes:
        began: as a monotonic time.
        look: how often the memory had been looked at by then.
        size: in bytes, where the sender has announced it.
    """

    began: float
    look: int
    size: int | None


class Gate:
    """Lets requests be read. One event loop owns it.

    Args:
        max_bytes: that the process may have above what it has at the start.
        resident: bytes that it has.
    """

    def __init__(
        self, max_bytes: int = 1 << 62, resident: Callable[[], int] = resident_bytes
    ) -> None:
        self._resident = resident
        self._max_bytes = max_bytes
        self._pending: Callable[[], int] = lambda: 0
        self._sending: Callable[[], int] = lambda: 0
        self._soft_bytes = self._hard_bytes = self._most_bytes = float("inf")
        self._reads: dict[_Read, asyncio.Timeout] = {}
        self._waiting = 0
        self._largest = 0.0
        self._unknown: float = UNKNOWN_BYTES
        self._looks = 0
        self._left = asyncio.Event()
        self._came = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._trim = make_trim()
        self._trimmed_at = 0.0

    def start(self, pending: Callable[[], int], sending: Callable[[], int]) -> None:
        """What the process has now is what it has at the start.

        Args:
            pending: bytes of requests that were read and are not taken up.
            sending: bytes that are being sent on.
        """
        self._pending = pending
        self._sending = sending
        idle = self._resident()
        self._most_bytes = idle + self._max_bytes
        self._soft_bytes = idle + self._max_bytes * 0.4
        self._hard_bytes = idle + self._max_bytes * 0.75
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Look no longer."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])

    @asynccontextmanager
    async def read(self, size: int | None = None) -> AsyncIterator[None]:
        """Enter to read a body; leave when it was read and unpacked, and waits to be taken up.

        Args:
            size: in bytes, if the sender announces it and the body is not packed.

        Raises:
            UnavailableError: there is no room now.
        """
        self._came.set()
        await self._enter(size)
        key = _Read(time.monotonic(), self._looks, size)
        try:
            async with asyncio.timeout(None) as deadline:
                self._reads[key] = deadline
                yield
        except TimeoutError as e:
            if not deadline.expired():
                raise
            raise _no_room() from e
        finally:
            del self._reads[key]
            self._left.set()

    def has_read(self, size: int) -> None:
        """A request of so many bytes was read and unpacked."""
        self._largest = max(self._largest * FORGET_BY_READ, size)
        self._unknown = max(self._unknown * FORGET_BY_READ, size)
        if size > LARGE_BYTES:
            self._trim()  # of the pieces that the server read it in

    async def _enter(self, size: int | None) -> None:
        if self._has_room(size):
            return
        self._waiting += 1
        alone_at = time.monotonic() + ALONE_SECONDS
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not self._has_room(size):
                    if time.monotonic() > alone_at and not self._reads and not self._pending():
                        return
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError as e:
            raise _no_room() from e
        finally:
            self._waiting -= 1

    def _has_room(self, size: int | None) -> bool:
        pending = self._pending()
        if (sending := self._sending()) and self._largest + sending > self._max_bytes / 4:
            return False  # one large request at a time, be it read, taken up or sent on
        if not self._reads and not pending:
            return self._resident() + COPIES * self._largest < self._most_bytes
        reads = [read for read in self._reads if read.began > time.monotonic() - SLOW_SECONDS]
        expected = pending + self._young(size) + sum(map(self._expected, reads))
        return len(reads) < MAX_READS and self._resident() + COPIES * expected < self._soft_bytes

    def _expected(self, read: _Read) -> float:
        if read.look > self._looks - YOUNG_LOOKS:
            return self._young(read.size)
        return self._largest if read.size is None else min(read.size, self._largest)

    def _young(self, size: int | None) -> float:
        return max(self._largest, self._unknown) if size is None else size

    async def _watch(self) -> None:
        while True:
            if not self._reads and not self._waiting and self._largest < 1:
                self._unknown = UNKNOWN_BYTES
                self._came.clear()
                await self._came.wait()  # an idle service does not look
            await asyncio.sleep(LOOK_SECONDS)
            self._looks += 1
            if not self._pending():
                self._largest *= FORGET
            resident = self._resident()
            if resident > self._soft_bytes or self._largest > LARGE_BYTES:
                self._give_back()
            self._left.set()
            if resident > self._hard_bytes:
                self._turn_away()

    def _turn_away(self) -> None:
        now = asyncio.get_running_loop().time()
        for deadline in list(self._reads.values())[1:]:
            if not deadline.expired() and deadline.when() is None:
                deadline.reschedule(now)

    def _give_back(self) -> None:
        now = time.monotonic()
        if now - self._trimmed_at >= TRIM_SECONDS:
            self._trimmed_at = now
            self._trim()


def _no_room() -> UnavailableError:
    return UnavailableError("there is no memory to read the request now")
