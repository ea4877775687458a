"""The receiver under test: our own service, or one that runs already."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.collector import otlp, peers
from tests.collector.peers import export, post
from tests.conformance.sink import Landed, Sink
from tests.conformance.wire import call

READY_SECONDS = 30

NO_SINK = "what comes out behind the receiver is not seen without --sink-port"


@dataclass
class Target:
    """A receiver.

    Attributes:
        grpc: its ``host:port`` for OTLP/gRPC.
        http: its ``host:port`` for OTLP/HTTP.
        limit: bytes that a request may have.
        sink: what it sends on to, if that is seen.
        cards: where it writes cards, if it is our service.
        salt: makes trace ids new for a receiver that outlives the tests.
    """

    grpc: str
    http: str
    limit: int
    sink: Sink | None = None
    cards: Path | None = None
    salt: str = ""

    @property
    def own(self) -> bool:
        """Whether it is our service."""
        return self.cards is not None

    def trace(self, name: str) -> int:
        """The number of a trace that no other test uses."""
        digest = hashlib.blake2b(f"{self.salt}{name}".encode(), digest_size=15).digest()
        return int.from_bytes(digest)

    def landed(self, trace: int, count: int = 1) -> list[Landed]:
        """Wait for ``count`` spans of a trace behind the receiver; skips if it is not seen."""
        if self.sink is None:
            pytest.skip(NO_SINK)
        return self.arrived(trace, count)

    def arrived(self, trace: int, count: int = 1) -> list[Landed]:
        """Wait for ``count`` spans of a trace behind the receiver, if that is seen."""
        if self.sink is None:
            return []
        sink, trace_id = self.sink, bytes.fromhex(otlp.trace_id(trace))
        return peers.until(lambda: found if len(found := sink.of(trace_id)) >= count else None)

    def wait_until_ready(self) -> None:
        """Another receiver may need a while to find the sink; the run ends if it does not."""
        content = otlp.body(otlp.llm(2, self.trace("ready")))
        deadline = time.monotonic() + READY_SECONDS
        while (outcome := call(self.grpc, content)).code != "OK":
            if time.monotonic() > deadline:
                pytest.exit(f"{self.grpc} takes no span: {outcome.code} {outcome.message}", 2)
            time.sleep(0.2)

    def check_alive(self) -> None:
        """Both transports answer."""
        assert post(self.http, b"").status == 200
        export(self.grpc, b"")


def only_ours(target: Target) -> Path:
    """The folder of the cards; skips if the receiver writes none."""
    if target.cards is None:
        pytest.skip("the receiver writes no cards")
    return target.cards
