"""A thread that sends traces of all kinds at a given rate, until each request is acknowledged."""

import math
import random
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector.faults import workload
from tests.collector.faults.client import Client, Refusal, deliver
from tests.collector.faults.ledger import Acknowledged, Ledger
from tests.collector.faults.workload import Request

REQUEST_SPANS = (8, 64, 512)
MIN_TRACE_SPANS, MAX_TRACE_SPANS = 5, 500

REPEATED = 0.02
"""Part of the requests that are sent again although they were acknowledged."""

RECENT = 20
"""Requests of which one is chosen to be sent again."""

MAX_LAG_SECONDS = 1.0
"""Of the rate; what an outage of the service delayed beyond that is not made up for."""


@dataclass(slots=True)
class Sent:
    """What was sent.

    Attributes:
        acknowledged: by trace id.
        spans: that were sent, each counted once.
        requests: that were acknowledged, repeats included.
        repeats: requests sent again on purpose.
        refusals: answers that asked to try again.
        took: of each acknowledged attempt: when it ended in monotonic seconds, and its seconds.
        failures: tracebacks.
    """

    acknowledged: dict[str, Acknowledged] = field(default_factory=dict)
    spans: int = 0
    requests: int = 0
    repeats: int = 0
    refusals: int = 0
    took: list[tuple[float, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Sent") -> None:
        """Take in what another one sent; they have no trace in common."""
        self.acknowledged |= other.acknowledged
        self.spans += other.spans
        self.requests += other.requests
        self.repeats += other.repeats
        self.refusals += other.refusals
        self.took += other.took
        self.failures += other.failures


class Worker:
    """Sends, one request after the other.

    Args:
        client: does it.
        r: says what.
        first: number of the first trace.
        rate: tells how many spans to send a second.
        stopping: tells whether to end.
        on_acknowledged: is told how many spans were.
    """

    def __init__(
        self,
        client: Client,
        r: random.Random,
        first: int,
        *,
        rate: Callable[[], float],
        stopping: Callable[[], bool],
        on_acknowledged: Callable[[int], None],
    ) -> None:
        self.sent = Sent()
        self._client = client
        self._random = r
        self._numbers = count(first)
        self._rate = rate
        self._stopping = stopping
        self._on_acknowledged = on_acknowledged
        self._ledger = Ledger()
        self._recent: deque[Request] = deque(maxlen=RECENT)

    def run(self) -> None:
        """Send until it is to end; failures are kept."""
        due = time.monotonic()
        try:
            for request in self._requests():
                due = self._wait(due, len(request.spans))
                self._send(request)
        except BaseException:
            self.sent.failures.append(traceback.format_exc())
        finally:
            self._client.close()
            self.sent.acknowledged = self._ledger.traces

    def _wait(self, due: float, spans: int) -> float:
        """Wait until a request is due; when the next one is."""
        while not (rate := self._rate()) and not self._stopping():
            time.sleep(0.05)
            due = time.monotonic()
        due = max(due, time.monotonic() - MAX_LAG_SECONDS)
        while (left := due - time.monotonic()) > 0 and not self._stopping():
            time.sleep(min(left, 0.2))
        return due + spans / max(rate, 1.0)

    def _requests(self) -> Iterator[Request]:
        """Requests of all sizes; small ones bring a part of a trace, large ones several."""
        waiting: list[Span] = []
        size = self._random.choice(REQUEST_SPANS)
        while not self._stopping():
            while len(waiting) < size:
                waiting += self._trace()
            yield workload.request(waiting[:size])
            del waiting[:size]
            size = self._random.choice(REQUEST_SPANS)
        if waiting:
            yield workload.request(waiting)

    def _trace(self) -> list[Span]:
        low, high = math.log(MIN_TRACE_SPANS), math.log(MAX_TRACE_SPANS)
        size = round(math.exp(self._random.uniform(low, high)))
        return workload.trace(next(self._numbers), size, self._random)

    def _send(self, request: Request) -> None:
        self.sent.spans += len(request.spans)
        self._deliver(request)
        self._ledger.acknowledged(request.spans)
        self._on_acknowledged(len(request.spans))
        self._recent.append(request)
        if self._random.random() < REPEATED:
            self._deliver(self._random.choice(self._recent))
            self.sent.repeats += 1

    def _deliver(self, request: Request) -> None:
        took = deliver(self._client, request.body, self._random, self._refused)
        assert took is not None
        self.sent.requests += 1
        self.sent.took.append((time.monotonic(), took))

    def _refused(self, refusal: Refusal) -> None:
        assert refusal.delay_seconds > 0
        self.sent.refusals += 1
