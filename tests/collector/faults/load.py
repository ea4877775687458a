"""Senders that keep the service busy while it is harmed."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Protocol

from tests.collector import peers
from tests.collector.faults import workload
from tests.collector.faults.client import Client, Refusal, deliver
from tests.collector.faults.ledger import Ledger

SIZES = (1, 5, 12, 40)
"""Spans of a trace."""

PAUSE_SECONDS = 0.005
"""After each request, so that a test does not take the whole machine."""


class Receiver(Protocol):
    """Who takes OTLP: our service, or a Collector in front of it.

    Attributes:
        grpc: ``host:port`` for OTLP/gRPC.
        http: ``host:port`` for OTLP/HTTP.
    """

    grpc: str
    http: str


class Load:
    """Senders, two by gRPC and two by HTTP, one of each with gzip.

    Attributes:
        ledger: what was acknowledged.
        refusals: what was answered instead.
    """

    def __init__(self, seed: int = 1) -> None:
        self.ledger = Ledger()
        self.refusals: list[Refusal] = []
        self._program: Receiver | None = None
        self._stopping = threading.Event()
        self._given_up = threading.Event()
        self._numbers = count(1)
        self._failures: list[BaseException] = []
        kinds = [(way, packed) for way in ("grpc", "http") for packed in (False, True)]
        self._threads = [
            threading.Thread(target=self._run, args=(*kind, random.Random(f"{seed} {kind}")))
            for kind in kinds
        ]

    def start(self) -> None:
        """Start to send."""
        for thread in self._threads:
            thread.start()

    def send_to(self, program: Receiver | None) -> None:
        """Send to this one from now on; wait while there is none."""
        self._program = program

    def finish(self, seconds: float = 60) -> None:
        """End the traces that are begun: when this returns, all that was sent is acknowledged."""
        self._stopping.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), self.refusals[-3:]
        assert not self._failures, self._failures

    def give_up(self) -> None:
        """End at once; for tests that failed."""
        self._stopping.set()
        self._given_up.set()
        for thread in self._threads:
            thread.join()

    def refused(self, since: int = 0) -> set[str]:
        """The transports by which something was refused."""
        return {refusal.transport for refusal in self.refusals[since:]}

    def goes_on(self, spans: int = 50) -> None:
        """Wait until more spans are acknowledged."""
        before = self.ledger.spans()
        peers.until(lambda: self.ledger.spans() >= before + spans or self._failures, 30)
        assert not self._failures, self._failures

    def _address(self, transport: str) -> str:
        return getattr(self._program, transport) if self._program else ""

    def _run(self, transport: str, packed: bool, r: random.Random) -> None:
        client = Client(transport, self._address, packed=packed)
        try:
            while not self._stopping.is_set():
                self._send_trace(client, next(self._numbers), r)
        except BaseException as e:
            self._failures.append(e)
        finally:
            client.close()

    def _send_trace(self, client: Client, number: int, r: random.Random) -> None:
        spans = workload.trace(number, r.choice(SIZES), r)
        for request in workload.requests(spans, r.choice((3, 8, 64))):
            took = deliver(
                client, request.body, r, self.refusals.append, give_up=self._given_up.is_set
            )
            if took is None:
                return
            self.ledger.acknowledged(request.spans)
            time.sleep(PAUSE_SECONDS)


@contextmanager
def load(program: Receiver | None = None, seed: int = 1) -> Iterator[Load]:
    """A load that runs, and ends whatever happens."""
    made = Load(seed)
    made.send_to(program)
    made.start()
    try:
        yield made
    finally:
        made.give_up()
