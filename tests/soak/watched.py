"""The service, started and killed again and again, and what its processes take."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.collector.faults.service import Service
from tests.collector.sinks import free_port

SAMPLE_SECONDS = 0.5
TICKS = os.sysconf("SC_CLK_TCK")


class Watched:
    """The service on fixed ports. A context manager that kills it.

    Attributes:
        addresses: of its receivers.
        up: monotonic times between which it was ready.
        peak_bytes: the most resident memory that one of its processes had.
        kills: with SIGKILL.
        stops: with SIGTERM.
        slowest_start: seconds from its launch until it was ready.
        slowest_stop: seconds from SIGTERM until its end.
    """

    def __init__(self, folder: Path, **settings: object) -> None:
        self.addresses = {name: f"127.0.0.1:{free_port()}" for name in ("grpc", "http")}
        self.service = Service(folder, **{**self.addresses, **settings})
        self.up: list[tuple[float, float]] = []
        self.peak_bytes = 0
        self.kills = self.stops = 0
        self.slowest_start = self.slowest_stop = 0.0
        self._cpu: dict[int, float] = {}
        self._pid = 0
        self._since = 0.0
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample_all)

    def __enter__(self) -> "Watched":
        self.start()
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._sampler.join()
        self.service.end(signal.SIGKILL)

    @property
    def cpu_seconds(self) -> float:
        """Of all its processes so far."""
        return sum(self._cpu.values())

    def start(self) -> None:
        """Start, and wait until it is ready."""
        before = time.monotonic()
        self.service.start()
        self._since = time.monotonic()
        self._pid = self.service.pid
        self.slowest_start = max(self.slowest_start, self._since - before)

    def kill(self) -> None:
        """Kill it."""
        self._leave()
        self.service.end(signal.SIGKILL)
        self.kills += 1

    def stop(self) -> None:
        """End it as one should; its exit status must be 0."""
        self._leave()
        before = time.monotonic()
        assert self.service.end() == 0, self.service.log
        self.slowest_stop = max(self.slowest_stop, time.monotonic() - before)
        self.stops += 1

    def was_up(self, begin: float, end: float, for_seconds: float = 0.0) -> bool:
        """Whether it was ready, and had been for some time, between two monotonic times."""
        return any(since + for_seconds <= begin and end <= until for since, until in self.up)

    def _leave(self) -> None:
        self.up.append((self._since, time.monotonic()))
        self._sample()

    def _sample_all(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self._sample()

    def _sample(self) -> None:
        folder, pid = Path(f"/proc/{self._pid}"), self._pid
        try:
            status = (folder / "status").read_text()
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return  # it was killed just now
        peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
        self.peak_bytes = max(self.peak_bytes, *(int(kib) * 1024 for kib in peak), 0)
        self._cpu[pid] = (int(fields[11]) + int(fields[12])) / TICKS


class SinkProcess:
    """The forward sink as a process. A context manager that kills it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "forwarded.jsonl"
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.restarts = 0
        self._command = [sys.executable, "-m", "tests.soak.sink", str(port), str(self.file)]

    def __enter__(self) -> "SinkProcess":
        self._process = subprocess.Popen(self._command)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def end(self, number: int) -> None:
        """End it with a signal."""
        self._process.send_signal(number)
        self._process.wait(30)

    def start_again(self) -> None:
        """After its end."""
        self._process = subprocess.Popen(self._command)
        self.restarts += 1
