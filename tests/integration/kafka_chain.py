"""Collector, Kafka, Collector, clawtrace: with the configurations that the project ships."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths, read_card
from tests.collector import otlp, peers
from tests.collector.faults.service import Service
from tests.integration.kafka_broker import Broker, Position
from tests.integration.running import Collector, Config, Server, addresses

FOLDER = Path(__file__).parents[2] / "deploy/kafka"
TO_KAFKA = FOLDER / "to-kafka.yaml"
FROM_KAFKA = FOLDER / "from-kafka.yaml"

UNHURRIED: dict[str, object] = {"settle_seconds": 2, "refresh_seconds": 30}
"""Settings of clawtrace: no trace is closed while its spans are on their way."""

SECONDS = 60.0
"""In which what was sent has come through, on a busy machine."""


@dataclass
class Chain:
    """What runs one behind the other.

    Attributes:
        front: agents send to it.
        behind: reads from Kafka; its group of consumers is named as the topic of spans.
        clawtrace: behind that, on addresses that it keeps when it is started again.
        otlp: ``host:port`` of its OTLP/gRPC receiver, also before it is started.
        topic: of spans.
    """

    broker: Broker
    front: Collector
    behind: Collector
    clawtrace: Service
    otlp: str
    topic: str

    def complete(self, traces: Iterable[int]) -> dict[str, Card]:
        """Wait for the complete cards of traces. See :func:`complete`."""
        return complete(self.clawtrace.cards, traces)

    def positions(self, group: str = "") -> dict[int, Position]:
        """Where the Collector behind Kafka is, in each partition with spans.

        Args:
            group: of another Collector.
        """
        return self.broker.positions(group or self.topic, self.topic)

    def says(self, text: str, collector: Collector | None = None) -> None:
        """Wait until the log of a Collector has a text; by default of that behind Kafka."""
        peers.until(lambda: text in (collector or self.behind).log, SECONDS)


def complete(folder: Path, traces: Iterable[int]) -> dict[str, Card]:
    """Wait until each of the traces has a complete card.

    Args:
        folder: of the cards.
        traces: their numbers.

    Returns:
        all cards of these traces, by their file.
    """
    wanted = {otlp.trace_id(trace) for trace in traces}

    def probe() -> dict[str, Card] | None:
        paths = [path for path in card_paths(folder) if path.name[:32] in wanted]
        found = {path.name: read_card(path) for path in paths}
        are_complete = all(card["status"] == "complete" for card in found.values())
        return found if are_complete and len(found) >= len(wanted) else None

    return peers.until(probe, SECONDS)


@contextmanager
def through_kafka(broker: Broker, folder: Path, *, clawtrace: bool = True) -> Iterator[Chain]:
    """Start all of it but the broker.

    Args:
        broker: it runs.
        folder: of all files; the topics are named after it.
        clawtrace: also start clawtrace.
    """
    topic = folder.name
    broker.make_topics(topic, f"{topic}-logs")
    grpc, http = addresses(2)
    service = Service(_made(folder / "clawtrace"), grpc=grpc, http=http, **UNHURRIED)
    front = Collector(folder / "front", TO_KAFKA, _to(folder / "front", broker, topic))
    behind = Collector(folder / "behind", *reading(broker, topic, grpc))
    chain = Chain(broker, front, behind, service, grpc, topic)
    with running(front, behind, *([service] if clawtrace else [])):
        yield chain


@contextmanager
def running(*servers: Server | Service) -> Iterator[None]:
    """Start all at the same time, and kill at the end those that run."""
    with ExitStack() as stack:
        with ThreadPoolExecutor() as pool:
            list(pool.map(stack.enter_context, servers))
        yield


def reading(broker: Broker, topic: str, clawtrace: str, group: str = "") -> tuple[Path, Config]:
    """The configuration behind Kafka, and what differs here; for :class:`Collector`.

    Args:
        broker: that it reads from.
        topic: of spans.
        clawtrace: ``host:port`` that takes OTLP/gRPC.
        group: of consumers; by default it is named as the topic.
    """
    topics = {"traces": {"topics": [topic]}, "logs": {"topics": [f"{topic}-logs"]}}
    kafka = {"brokers": [broker.address], "group_id": group or topic, **topics}
    return FROM_KAFKA, {
        "receivers": {"kafka": kafka},
        "exporters": {"otlp_grpc/clawtrace": {"endpoint": clawtrace}},
    }


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _to(folder: Path, broker: Broker, topic: str) -> Config:
    queue = str(folder / "queue")
    topics = {"traces": {"topic": topic}, "logs": {"topic": f"{topic}-logs"}}
    return {
        "extensions": {"file_storage": {"directory": queue, "compaction": {"directory": queue}}},
        "exporters": {"kafka": {"brokers": [broker.address], **topics}},
    }
