"""Several services on one journal and one card folder, and senders that try again."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths, read_card
from tests.collector import otlp, peers
from tests.collector.peers import Program
from tests.postgres import PASSWORD

CALLS = 5
"""LLM calls of a trace."""


def shared(folder: Path, url: str, **settings: object) -> dict[str, object]:
    """What services that share a journal and a card folder are told."""
    return {"cards": folder / "cards", "journal": url, "idle_seconds": 2} | settings


@contextmanager
def replicas(folder: Path, count: int, url: str, **settings: object) -> Iterator[list[Program]]:
    """Services that share a journal and a card folder. No log of theirs has the password."""
    programs = []
    for n in range(count):
        (folder / f"replica-{n}").mkdir()
        programs.append(Program(folder / f"replica-{n}", **shared(folder, url, **settings)))
    with ExitStack() as stack:
        with ThreadPoolExecutor(count) as pool:
            started = [pool.submit(program.start) for program in programs]
        for program, one in zip(programs, started, strict=True):
            one.result()
            stack.push(program)
        yield programs
        assert not [program for program in programs if PASSWORD in program.log]


def spans_of(trace: int) -> list[Span]:
    """A run, whose root has no number of its own."""
    return [*(otlp.llm(n, trace, 1) for n in range(2, 2 + CALLS)), otlp.root(trace, 60)]


@dataclass
class Senders:
    """Threads that send traces, each span to any replica, some to several, until it is taken.

    Attributes:
        refused: codes of what was not acknowledged; each request is sent again.
        acknowledged: numbers of traces of which every span was acknowledged.
    """

    addresses: Sequence[str]
    traces: Sequence[int]
    threads: int = 4
    pause_seconds: float = 0.0
    refused: list[grpc.StatusCode] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    _running: list[threading.Thread] = field(default_factory=list)

    def start(self) -> "Senders":
        """Begin."""
        for n in range(self.threads):
            part = self.traces[n :: self.threads]
            self._running.append(threading.Thread(target=self._send, args=(part, n)))
            self._running[-1].start()
        return self

    def has_sent(self, count: int) -> bool:
        """Whether more traces than this were acknowledged in full."""
        return len(self.acknowledged) > count

    def join(self) -> None:
        """Wait until all is acknowledged."""
        for thread in self._running:
            thread.join(120)
            assert not thread.is_alive(), "not acknowledged after two minutes"

    def _send(self, traces: Sequence[int], seed: int) -> None:
        r = random.Random(seed)
        with ExitStack() as stack:
            channels = [stack.enter_context(peers.channel(a)) for a in self.addresses]
            calls = [channel.unary_unary(peers.TRACES) for channel in channels]
            for trace in traces:
                spans = spans_of(trace)
                r.shuffle(spans)
                for span in spans:
                    for _ in range(1 + (r.random() < 0.3)):
                        self._deliver(calls, otlp.body(span), r)
                time.sleep(self.pause_seconds)
                self.acknowledged.append(trace)

    def _deliver(
        self, calls: Sequence[grpc.UnaryUnaryMultiCallable], body: bytes, r: random.Random
    ) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                r.choice(calls)(body, timeout=10)
            except grpc.RpcError as e:
                self.refused.append(e.code())
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return


def cards_in(folder: Path) -> dict[str, Card]:
    """Name -> card."""
    return {path.stem: read_card(path) for path in card_paths(folder)}


def check_cards(folder: Path, traces: Sequence[int], seconds: float = 30) -> None:
    """Each trace has one card, with all its calls."""
    expected = {otlp.trace_id(n): ("complete", CALLS) for n in traces}

    def found() -> dict[str, tuple[str, int]]:
        cards = cards_in(folder)
        return {n: (card["status"], card["total"]["llm_calls"]) for n, card in cards.items()}

    try:
        peers.until(lambda: found() == expected, seconds)
    except AssertionError:
        assert found() == expected
