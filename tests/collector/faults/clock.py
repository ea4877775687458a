"""A clock that can be set while the service runs; its monotonic clock goes on as it must."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.collector.faults.service import Service

FOLDERS = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")


def library() -> str:
    """The file of libfaketime; skips where it is not installed."""
    for pattern in FOLDERS:
        for found in Path("/").glob(f"{pattern.lstrip('/')}/libfaketimeMT.so.1"):
            return str(found)
    pytest.skip("libfaketime is not installed; it is Debian's package faketime")


class Clock:
    """The clock of a service.

    Args:
        folder: for the file that says how far it is off.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock.txt"
        self.set("+0")
        self.environment = {
            "LD_PRELOAD": library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset: str) -> None:
        """Set the clock to so much from now, such as ``-3h`` or ``+5y``."""
        temporary = self._file.with_suffix(".tmp")
        temporary.write_text(f"{offset}\n")
        temporary.replace(self._file)


@contextmanager
def service_with_clock(folder: Path, **settings: object) -> Iterator[tuple[Service, Clock]]:
    """A service whose clock can be set."""
    clock = Clock(folder)
    with Service(folder, (), clock.environment, **settings) as program:
        yield program, clock
