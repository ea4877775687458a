"""The service on a thread or as a process, and its clients."""

import asyncio
import http.client
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import grpc
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from clawtrace_otel.collector.service import Service
from clawtrace_otel.settings import load_settings
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import read_card
from tests.collector.otlp import trace_id

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
PROTOBUF = "application/x-protobuf"
JSON = "application/json"

FAST: dict[str, object] = {"settle_seconds": 0.2, "refresh_seconds": 0.2}
FREE_PORTS = dict.fromkeys(("grpc", "http", "metrics", "health"), "127.0.0.1:0")

T = TypeVar("T")


def until(probe: Callable[[], T | None], seconds: float = 15) -> T:
    """Wait until ``probe`` gives something that is true, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        assert time.monotonic() < deadline, f"nothing after {seconds} s"
        time.sleep(0.01)
    return found


def card(
    folder: Path, trace: int = 1, where: Callable[[Card], bool] = bool, seconds: float = 15
) -> Card:
    """Wait for the card of a trace that fits ``where``, and check it against the schema."""
    path = folder / f"{trace_id(trace)}.yaml"

    def probe() -> Card | None:
        found = read_card(path) if path.exists() else None
        return found if found and where(found) else None

    return until(probe, seconds)


def is_complete(found: Card) -> bool:
    """Whether the root has ended."""
    return found["status"] == "complete"


@dataclass
class Answer:
    """What an HTTP server answered."""

    status: int
    headers: dict[str, str]
    body: bytes


def post(
    address: str,
    content: bytes,
    path: str = "/v1/traces",
    content_type: str | None = PROTOBUF,
    encoding: str | None = None,
    method: str = "POST",
) -> Answer:
    """One HTTP request on a connection of its own."""
    headers = {"Content-Type": content_type, "Content-Encoding": encoding}
    given = {key: value for key, value in headers.items() if value is not None}
    with closing(http.client.HTTPConnection(address, timeout=30)) as connection:
        connection.request(method, path, content, given)
        response = connection.getresponse()
        return Answer(response.status, dict(response.headers), response.read())


@contextmanager
def channel(address: str) -> Iterator[grpc.Channel]:
    """A gRPC channel that takes messages of any size."""
    sizes = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(address, sizes) as opened:
        yield opened


def export(
    address: str, content: bytes, method: str = TRACES, *, packed: bool = False
) -> ExportTraceServiceResponse:
    """One gRPC export on a channel of its own.

    Raises:
        grpc.RpcError: it was not accepted.
    """
    compression = grpc.Compression.Gzip if packed else grpc.Compression.NoCompression
    with channel(address) as opened:
        call = opened.unary_unary(method)
        answer: bytes = call(content, timeout=60, compression=compression)
    return ExportTraceServiceResponse.FromString(answer)


def refused(address: str, content: bytes, method: str = TRACES) -> grpc.RpcError:
    """The error of an export that must not be accepted."""
    try:
        answer = export(address, content, method)
    except grpc.RpcError as e:
        return e
    msg = f"accepted: {answer}"
    raise AssertionError(msg)


def status_of(error: grpc.RpcError) -> Status:
    """The ``google.rpc.Status`` of a gRPC error."""
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    return Status.FromString(details)


def retry_seconds(status: Status) -> int:
    """The delay in the RetryInfo of a status."""
    info = RetryInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return int(info.retry_delay.seconds)


class InProcess:
    """The service on a thread of this process, on free ports. A context manager."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.cards = folder / "cards"
        self.journal = folder / "journal.db"
        given = FAST | {
            "cards": str(self.cards),
            "journal": str(self.journal),
            **FREE_PORTS,
        }
        self._settings = load_settings(given | settings, environment={})
        self.grpc = self.http = self.metrics = self.health = ""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def __enter__(self) -> "InProcess":
        self._thread.start()
        assert self._ready.wait(30)
        assert self.http, "the service did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop, and wait until everything is written. Does nothing the second time."""
        if self._thread.is_alive() and self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        try:
            service = Service(self._settings)
            self._loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            await service.start(self._announce)
        finally:
            self._ready.set()
        await self._stop.wait()
        await service.stop()

    def _announce(self, addresses: Mapping[str, str]) -> None:
        vars(self).update(addresses)


class Program:
    """``clawtrace collector`` as a process of its own. A context manager that kills it."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.cards = folder / "cards"
        self.journal = folder / "journal.db"
        self._log = folder / "log.txt"
        given = FAST | {
            "cards": self.cards,
            "journal": self.journal,
            **FREE_PORTS,
        }
        flags = [f"--{k.replace('_', '-')}={v}" for k, v in (given | settings).items()]
        self._command = [sys.executable, "-m", "clawtrace_otel", "collector", *flags]
        self._environment: dict[str, str] | None = None
        self.grpc = self.http = self.metrics = self.health = ""

    def __enter__(self) -> "Program":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def log(self) -> str:
        """All that it wrote to standard error."""
        return self._log.read_text()

    def launch(self) -> None:
        """Start, and do not wait."""
        with self._log.open("w") as log:
            self._process = subprocess.Popen(self._command, stderr=log, env=self._environment)

    def start(self) -> None:
        """Start, and wait until it listens."""
        self.launch()
        line = until(self._ready_line, 60)
        vars(self).update(re.findall(r"(grpc|http|metrics|health)=([^\s\"]+)", line))

    def _ready_line(self) -> str | None:
        assert self._process.poll() is None, self.log
        ready = (line for line in self.log.splitlines() if "collector ready: grpc=" in line)
        return next(ready, None)

    def wait(self) -> int:
        """Wait for the end; its exit status."""
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30)
            raise

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; its exit status."""
        self._process.send_signal(number)
        return self.wait()
