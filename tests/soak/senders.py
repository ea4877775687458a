"""The processes that send."""

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event

from tests.collector.faults.client import Client
from tests.soak.worker import Sent, Worker

KINDS = [(way, packed) for way in ("grpc", "http") for packed in (False, True)]
"""Transport and whether with gzip; each process has a thread for each."""

TRACES_OF_ONE = 10_000_000
"""The numbers of traces that each thread has for itself."""


@dataclass(frozen=True)
class Orders:
    """What a process is told.

    Attributes:
        addresses: transport -> where the service listens.
        seed: says what is sent.
        number: of the process.
        processes: how many there are.
        rate: spans a second, of all together.
        acknowledged: spans of this one.
        result: gets what was :class:`Sent`.
    """

    addresses: Mapping[str, str]
    seed: int
    number: int
    processes: int
    rate: "Synchronized[float]"
    stop: Event
    acknowledged: "Synchronized[int]"
    result: Connection


class Senders:
    """All sender processes. A context manager that ends them.

    Args:
        addresses: transport -> where the service listens.
        processes: how many.
        seed: says what is sent.
    """

    def __init__(self, addresses: Mapping[str, str], processes: int, seed: int) -> None:
        context = get_context("spawn")
        self._rate = context.Value("d", 0.0)
        self._stop = context.Event()
        pipes = [context.Pipe() for _ in range(processes)]
        self._results = [mine for mine, _ in pipes]
        self._counts = [context.Value("q", 0) for _ in pipes]
        self._processes = [
            context.Process(
                target=_work,
                args=(
                    Orders(
                        *(addresses, seed, n, processes),
                        *(self._rate, self._stop, self._counts[n], theirs),
                    ),
                ),
            )
            for n, (_, theirs) in enumerate(pipes)
        ]

    def __enter__(self) -> "Senders":
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def set_rate(self, spans_per_second: float) -> None:
        """Send so many spans a second, all together."""
        self._rate.value = spans_per_second

    def acknowledged(self) -> int:
        """How many spans were acknowledged so far."""
        return sum(int(counted.value) for counted in self._counts)

    def finish(self) -> Sent:
        """Have everything acknowledged that was begun, and end; what was sent."""
        self._stop.set()
        together = Sent()
        for result in self._results:
            assert result.poll(300), "a sender does not end"
            together.add(result.recv())
        return together


def _work(orders: Orders) -> None:
    workers = [_worker(orders, n) for n in range(len(KINDS))]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    together = Sent()
    for thread, worker in zip(threads, workers, strict=True):
        thread.join()
        together.add(worker.sent)
    orders.result.send(together)


def _worker(orders: Orders, n: int) -> Worker:
    transport, packed = KINDS[n]

    def count(spans: int) -> None:
        with orders.acknowledged.get_lock():
            orders.acknowledged.value += spans

    return Worker(
        Client(transport, orders.addresses.__getitem__, packed=packed),
        random.Random(f"{orders.seed} {orders.number} {n}"),
        (orders.number * len(KINDS) + n) * TRACES_OF_ONE + 1,
        rate=lambda: orders.rate.value / (orders.processes * len(KINDS)),
        stopping=orders.stop.is_set,
        on_acknowledged=count,
    )
