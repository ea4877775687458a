"""The real Collector before clawtrace, and the real Jaeger or a second Collector behind it."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths, read_card
from tests.collector import peers
from tests.collector.faults.service import Service
from tests.integration.running import (
    Collector,
    Config,
    Jaeger,
    addresses,
    requests_in,
    shipped,
    to_file,
)

SECONDS = 60.0
"""In which what was sent has come through all of them, on a busy machine."""


@dataclass
class Chain:
    """What runs one behind the other.

    Attributes:
        collector: with the shipped configuration; the agents send to it.
        clawtrace: behind it, with addresses that it keeps when it is started again.
        behind: what it forwards to.
    """

    collector: Collector
    clawtrace: Service
    behind: Jaeger | Collector

    @property
    def jaeger(self) -> Jaeger:
        """What is behind, if it is Jaeger."""
        assert isinstance(self.behind, Jaeger)
        return self.behind

    def cards(self) -> list[Card]:
        """The cards that are complete by now, each valid against the schema."""
        found = [read_card(path) for path in card_paths(self.clawtrace.cards)]
        return [card for card in found if card["status"] != "open"]

    def card(self, trace_id: str) -> Card:
        """Wait for the complete card of a trace."""
        path = self.clawtrace.cards / f"{trace_id}.yaml"

        def probe() -> Card | None:
            found = read_card(path) if path.exists() else None
            return found if found and found["status"] != "open" else None

        return peers.until(probe, SECONDS)


def service(folder: Path, forward: str, **settings: object) -> Service:
    """The service, on addresses that it keeps; it is not started yet."""
    grpc, http = addresses(2)
    return Service(
        folder, **{"grpc": grpc, "http": http, "forward": f"http://{forward}"} | settings
    )


@contextmanager
def to_jaeger(folder: Path, *configs: Config, **settings: object) -> Iterator[Chain]:
    """The Collector with the shipped configuration, clawtrace, Jaeger.

    Args:
        folder: of all files.
        configs: of the Collector, over the shipped one.
        settings: of clawtrace.
    """
    with Jaeger(folder / "jaeger") as jaeger:
        yield from _chain(folder, jaeger, configs, settings)


@contextmanager
def to_a_file(folder: Path, *configs: Config, **settings: object) -> Iterator[Chain]:
    """The Collector with the shipped configuration, clawtrace, a Collector that writes a file."""
    with Collector(folder / "behind", to_file(landed_path(folder))) as behind:
        yield from _chain(folder, behind, configs, settings)


def _chain(
    folder: Path,
    behind: Jaeger | Collector,
    configs: tuple[Config, ...],
    settings: Mapping[str, object],
) -> Iterator[Chain]:
    with ExitStack() as stack:
        (folder / "clawtrace").mkdir(parents=True)
        clawtrace = stack.enter_context(service(folder / "clawtrace", behind.grpc, **settings))
        front = folder / "collector"
        made = Collector(front, *shipped(front, clawtrace.grpc), *configs)
        yield Chain(stack.enter_context(made), clawtrace, behind)


def landed_path(folder: Path) -> Path:
    """The file of :func:`to_a_file`."""
    return folder / "landed.bin"


def landed(folder: Path) -> list[bytes]:
    """The requests that came out behind clawtrace so far."""
    return requests_in(landed_path(folder))
