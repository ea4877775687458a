"""The real Collector and the real Jaeger as processes of their own, on free ports of loopback."""

import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import yaml

from tests.collector.faults.service import metric_at
from tests.integration.programs import need

Config = Mapping[str, object]

SHIPPED = Path(__file__).parents[2] / "collector-config.yaml"
"""The Collector's configuration that the project ships."""

RECEIVE: Config = {
    "extensions": {"health_check": {}},
    "receivers": {"otlp": {"protocols": {"grpc": {}, "http": {}}}},
    "service": {"extensions": ["health_check"]},
}
"""What a configuration of :class:`Collector` needs besides exporters and pipelines."""

_START_SECONDS = 60
_STOP_SECONDS = 60
_LOG_CHARACTERS = 6000
_PORTS = range(20_000, 32_000)
"""Below those that Linux gives to outgoing connections, so that a port stays free after a kill."""


class Server:
    """A program from outside. A context manager that starts it, and kills it at the end.

    After :meth:`end` it may be started again: addresses, folders and log are kept.

    Args:
        folder: of its files and its log; is made.
        command: the program and its arguments.
        ready: URL that answers 200 once it takes requests.
    """

    def __init__(self, folder: Path, command: Sequence[str], ready: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._log = folder / "log.txt"
        self._command = list(command)
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.end(signal.SIGKILL)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """All that it wrote, over all its starts."""
        return self._log.read_text(errors="replace")

    def launch(self) -> None:
        """Start, and do not wait."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, stdout=log, stderr=subprocess.STDOUT
            )

    def start(self) -> None:
        """Start, and wait until it takes requests.

        Raises:
            AssertionError: it ended, or was not ready in time; with the end of its log.
        """
        self.launch()
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            assert self._process is not None
            status = self._process.poll()
            assert status is None, f"exit {status}: {self.log[-_LOG_CHARACTERS:]}"
            late = time.monotonic() > deadline
            assert not late, f"not ready in {_START_SECONDS} s: {self.log[-_LOG_CHARACTERS:]}"
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        return answers(self._ready)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; its exit status. It may have ended before."""
        assert self._process is not None, "it was not started"
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise


class Collector(Server):
    """The real Collector.

    Its OTLP receiver, health check and metrics listen on the addresses below, whatever the
    configurations say of them. Lists of a later configuration replace those of an earlier one,
    maps are merged: so says the Collector.

    Args:
        folder: of its files and its log.
        configs: configurations, each a file or a mapping; see :data:`RECEIVE`.

    Attributes:
        grpc: ``host:port`` of its OTLP/gRPC receiver.
        http: ``host:port`` of its OTLP/HTTP receiver.
        health: ``host:port`` of its health check.
        metrics: ``host:port`` of its own metrics, at ``/metrics``.
    """

    def __init__(self, folder: Path, *configs: Path | Config) -> None:
        self.grpc, self.http, self.health, self.metrics = addresses(4)
        folder.mkdir(parents=True, exist_ok=True)
        files = [
            one if isinstance(one, Path) else written(folder / f"config-{n}.yaml", one)
            for n, one in enumerate([*configs, self._own()])
        ]
        command = [str(need("otelcol")), *(f"--config={file}" for file in files)]
        super().__init__(folder, command, f"http://{self.health}/")

    def metric(self, name: str, **labels: str) -> float:
        """The value of one of its metrics; see :func:`metric_at`."""
        return metric_at(self.metrics, name, **labels)

    def _own(self) -> Config:
        host, _, port = self.metrics.rpartition(":")
        prometheus = {"host": host, "port": int(port), "without_type_suffix": True}
        protocols = {"grpc": {"endpoint": self.grpc}, "http": {"endpoint": self.http}}
        return {
            "extensions": {"health_check": {"endpoint": self.health}},
            "receivers": {"otlp": {"protocols": protocols}},
            "service": {
                "telemetry": {
                    "metrics": {"readers": [{"pull": {"exporter": {"prometheus": prometheus}}}]}
                }
            },
        }


def shipped(folder: Path, clawtrace: str) -> tuple[Path, Config]:
    """The shipped configuration, changed by what differs outside the compose network.

    Args:
        folder: of the Collector's queue.
        clawtrace: ``host:port`` that takes OTLP/gRPC.

    Returns:
        the file, and the overlay of folder and address, for :class:`Collector`.
    """
    queue = str(folder / "queue")
    storage = {"directory": queue, "compaction": {"directory": queue}}
    return SHIPPED, {
        "extensions": {"file_storage": storage},
        "exporters": {"otlp_grpc/clawtrace": {"endpoint": clawtrace}},
    }


def to_file(path: Path) -> Config:
    """A configuration that writes what spans come in to a file; :func:`requests_in` reads it."""
    file = {"path": str(path), "format": "proto", "append": True, "flush_interval": "100ms"}
    return {
        **RECEIVE,
        "exporters": {"file": file},
        "service": {
            "extensions": ["health_check"],
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
        },
    }


def requests_in(path: Path) -> list[bytes]:
    """The export requests of a file that the ``file`` exporter writes, as protobuf.

    Each stands behind its length in four bytes. One that is not written to its end is left out.
    """
    content = path.read_bytes() if path.exists() else b""
    found, start = [], 0
    while start + 4 <= len(content):
        end = start + 4 + int.from_bytes(content[start : start + 4])
        if end > len(content):
            break
        found.append(content[start + 4 : end])
        start = end
    return found


class Jaeger(Server):
    """The real Jaeger, which keeps traces in memory. What it has is gone when it ends.

    Its receivers have their own limits of size, as in the shipped compose file.

    Args:
        folder: of its files and its log.

    Attributes:
        grpc: ``host:port`` of its OTLP/gRPC receiver.
        http: ``host:port`` of its OTLP/HTTP receiver.
        query: ``host:port`` of its page and its HTTP API.
        health: ``host:port`` of its health check.
    """

    def __init__(self, folder: Path) -> None:
        self.grpc, self.http, self.query, self.health = addresses(4)
        self._query_grpc, self._metrics = addresses(2)
        folder.mkdir(parents=True, exist_ok=True)
        file = written(folder / "config.yaml", self._config())
        command = [str(need("jaeger")), f"--config={file}"]
        super().__init__(folder, command, f"http://{self.health}/status")

    def _config(self) -> Config:
        host, _, port = self._metrics.rpartition(":")
        prometheus = {"host": host, "port": int(port)}
        protocols = {"grpc": {"endpoint": self.grpc}, "http": {"endpoint": self.http}}
        return {
            "extensions": {
                "jaeger_storage": {"backends": {"memory": {"memory": {"max_traces": 100_000}}}},
                "jaeger_query": {
                    "storage": {"traces": "memory"},
                    "http": {"endpoint": self.query},
                    "grpc": {"endpoint": self._query_grpc},
                },
                "healthcheckv2": {"use_v2": True, "http": {"endpoint": self.health}},
            },
            "receivers": {"otlp": {"protocols": protocols}},
            "exporters": {"jaeger_storage_exporter": {"trace_storage": "memory"}},
            "service": {
                "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
                "pipelines": {
                    "traces": {"receivers": ["otlp"], "exporters": ["jaeger_storage_exporter"]}
                },
                "telemetry": {
                    "metrics": {"readers": [{"pull": {"exporter": {"prometheus": prometheus}}}]}
                },
            },
        }


def written(path: Path, config: Config) -> Path:
    """Write a configuration; its path."""
    path.write_text(yaml.safe_dump(dict(config), sort_keys=False))
    return path


def answers(url: str) -> bool:
    """Whether a URL answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def addresses(count: int) -> list[str]:
    """Addresses of loopback that nobody listens on."""
    found: list[str] = []
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        if _is_free(port):
            found.append(f"127.0.0.1:{port}")
        if len(found) == count:
            break
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
