"""What processes have used so far, as Linux counts it."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True)
class Usage:
    """Used by a process and by those of its children that have ended and were waited for.

    Attributes:
        cpu_seconds: user and system time.
        written_bytes: given to write calls (``wchar`` of ``/proc/PID/io``): to files, and by Go
            programs to sockets, too. What reaches a disk (``write_bytes``) counts whole pages of
            the cache, which are as large as the kernel likes.
    """

    cpu_seconds: float = 0.0
    written_bytes: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.cpu_seconds + other.cpu_seconds, self.written_bytes + other.written_bytes)

    def __sub__(self, other: "Usage") -> "Usage":
        return self + Usage(-other.cpu_seconds, -other.written_bytes)


def usage_of(pids: Iterable[int]) -> Usage:
    """Of processes together; one that has ended counts nothing."""
    return sum(map(_usage, pids), Usage())


def with_children(pid: int) -> list[int]:
    """A process, its children, and theirs."""
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += _children(found[-1])
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def _usage(pid: int) -> Usage:
    folder = _PROC / str(pid)
    try:
        # utime, stime, cutime, cstime: fields 14 to 17; the name before them may have blanks.
        fields = (folder / "stat").read_text().rpartition(")")[2].split()[11:15]
        lines = (folder / "io").read_text().splitlines()
    except OSError:
        return Usage()
    io = dict(line.split(": ") for line in lines)
    return Usage(sum(map(int, fields)) / _TICKS, int(io["wchar"]))
