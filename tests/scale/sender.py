"""A process that sends as fast as the replicas commit, and no faster."""

import threading
from collections.abc import Callable
from itertools import islice
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event

import grpc

from tests.collector.peers import TRACES
from tests.scale.spans import REQUEST_TRACES, TRACE_SPANS, requests

MAX_WAITING_SPANS = 6_000
"""Sent and not committed: enough for all replicas to be busy, and no more than that."""

PREPARED = 50
"""Requests that are encoded before there is room for them."""


class Sender:
    """The process. A context manager that ends it.

    Args:
        address: of the Collector.
    """

    def __init__(self, address: str) -> None:
        context = get_context("spawn")
        self._sent = context.Value("q", 0)
        self._committed = context.Value("q", 0)
        self._stop = context.Event()
        arguments = (address, self._sent, self._committed, self._stop)
        self._process = context.Process(target=_send_all, args=arguments)

    def __enter__(self) -> "Sender":
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._process.join(30)
        self._process.kill()
        self._process.join()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid or 0

    @property
    def sent(self) -> int:
        """Spans that the Collector has acknowledged."""
        return int(self._sent.value)

    def follow(self, committed: Callable[[], int]) -> int:
        """Let it send more; the spans that were committed by now."""
        self._committed.value = found = committed()
        return found

    def stop(self) -> None:
        """Send nothing more."""
        self._stop.set()


def _send_all(
    address: str, sent: "Synchronized[int]", committed: "Synchronized[int]", stop: Event
) -> None:
    bodies = requests(1)
    ready = list(islice(bodies, PREPARED))
    pause = threading.Event()
    with grpc.insecure_channel(address) as channel:
        export = channel.unary_unary(TRACES)
        while not stop.is_set():
            if sent.value - committed.value >= MAX_WAITING_SPANS:
                if len(ready) < PREPARED:
                    ready.append(next(bodies))
                else:
                    pause.wait(0.01)
                continue
            export(ready.pop(0) if ready else next(bodies), timeout=60, wait_for_ready=True)
            sent.value += REQUEST_TRACES * TRACE_SPANS
