"""The memory of the process: how much it has, and how it is given back.

Large requests come and go. By default glibc keeps what they took for later use, so that a burst
would be seen in the process for ever.
"""

import ctypes
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LARGE_BYTES = 4 << 20
"""A request after which memory is given back, instead of when it is needed."""

_STATM = Path("/proc/self/statm")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_MMAP_BYTES = 1 << 20
_ARENAS = 2


def resident_bytes() -> int:
    """Resident memory of the process; 0 where the system does not tell."""
    try:
        return int(_STATM.read_bytes().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


def set_up_malloc() -> None:
    """Have what is large given back as soon as it is free. Does nothing without glibc."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
        mallopt(_M_ARENA_MAX, _ARENAS)


def make_trim() -> Callable[[], None]:
    """A function that gives free memory back to the system; it does nothing without glibc."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return lambda: None
    return lambda: trim(0) and None
