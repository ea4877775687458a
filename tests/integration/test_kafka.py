"""Kafka between the Collector and clawtrace: nothing is lost, whatever is killed."""

import random
import signal
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Thread

import grpc
import pytest
from genai_prices import Usage, calc_price
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths
from tests.collector import otlp, peers, test_log_records
from tests.collector.peers import LOGS, InProcess, export
from tests.integration.kafka_broker import PARTITIONS, Broker, Position
from tests.integration.kafka_chain import (
    FROM_KAFKA,
    SECONDS,
    TO_KAFKA,
    Chain,
    complete,
    reading,
    through_kafka,
)
from tests.integration.running import Collector, Config, Server
from tests.integration.test_validate import validate

TRACES = range(1, 25)
LOGGED = 99
"""A trace whose cost stands in a log record."""

LARGE = 500

KILLED = {"clawtrace": 100, "behind": 200, "front": 300, "broker": 400}
"""What is killed, and the number of the first trace that is sent meanwhile."""

PAUSE_SECONDS = 0.08
"""Between requests, so that something is always on its way."""

DOWN_SECONDS = 1.0

DEFAULTS: Config = {
    "receivers": {
        "kafka": {"message_marking": {"after": False}, "error_backoff": {"enabled": False}}
    }
}
"""What the receiver does unless it is told otherwise."""


class Sender(Thread):
    """An agent that has all traces under way at once, and tries again what was not acknowledged.

    Args:
        address: ``host:port`` of OTLP/gRPC.
        traces: their numbers.
        pause_seconds: between requests.
    """

    def __init__(
        self, address: str, traces: Iterable[int] = TRACES, pause_seconds: float = 0.0
    ) -> None:
        super().__init__()
        self.sent = 0
        self._address = address
        self._traces = traces
        self._pause_seconds = pause_seconds

    def run(self) -> None:
        """Send each trace in three requests."""
        for part in (slice(0, 2), slice(2, 3), slice(3, 5)):
            for trace in self._traces:
                peers.until(partial(self._is_taken, otlp.run(trace)[part]), SECONDS)
                self.sent += 1
                time.sleep(self._pause_seconds)

    def _is_taken(self, spans: list[Span]) -> bool:
        try:
            export(self._address, otlp.body(*spans))
        except grpc.RpcError:
            return False
        return True


def totals(card: Card) -> tuple[float | None, int, int]:
    total = card["total"]
    return total["cost_usd"], total["llm_calls"], total["tool_calls"]


def all_totals(chain: Chain, traces: Iterable[int]) -> dict[str, tuple[float | None, int, int]]:
    """Totals of the complete cards of traces, by their file."""
    return {name: totals(card) for name, card in chain.complete(traces).items()}


def run_totals() -> tuple[float, int, int]:
    """What the card of :func:`otlp.run` says: two calls of gpt-4o, and two of a tool."""
    usage = Usage(input_tokens=1000, output_tokens=100)
    at = datetime.fromtimestamp(otlp.START_NS / 1e9, UTC)
    price = calc_price(usage, "gpt-4o", provider_id="openai", genai_request_timestamp=at)
    return float(2 * price.total_price), 2, 2


def name_of(trace: int) -> str:
    """Of the card of a trace."""
    return f"{otlp.trace_id(trace)}.yaml"


def behind(positions: dict[int, Position]) -> list[int]:
    """Partitions with records that are not committed."""
    return [n for n, one in positions.items() if one.committed < one.end]


@pytest.fixture(scope="module")
def running_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for all tests of this file."""
    with Broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="module")
def chain(running_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """One chain for the tests that leave it as it was; each has traces of its own."""
    with through_kafka(running_broker, tmp_path_factory.mktemp("chain")) as made:
        Sender(made.front.grpc).run()
        yield made


@pytest.mark.parametrize("config", [TO_KAFKA, FROM_KAFKA], ids=["to", "from"])
def test_the_configurations_pass_the_collectors_own_validate(config: Path) -> None:
    done = validate(config)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_cards_are_those_of_what_came_directly(chain: Chain, tmp_path: Path) -> None:
    with InProcess(tmp_path, settle_seconds=2) as direct:
        Sender(direct.grpc).run()
        for address in (chain.front.grpc, direct.grpc):
            export(address, test_log_records.spans(agent=LOGGED))
            export(address, test_log_records.records(agent=LOGGED), LOGS)
        cards = chain.complete([*TRACES, LOGGED])
        assert cards == complete(direct.cards, [*TRACES, LOGGED])
    assert cards[name_of(LOGGED)]["total"]["cost_usd"] == test_log_records.COST


def test_all_spans_of_a_trace_are_in_one_partition_in_order(chain: Chain) -> None:
    chain.complete(TRACES)
    partitions = defaultdict(set)
    spans = defaultdict(list)
    for record in chain.broker.records(chain.topic):
        partitions[record.key].add(record.partition)
        for span in otlp.spans_of([record.value]):
            assert span.trace_id.hex() == record.key
            spans[record.key].append(span.span_id)
    assert {len(found) for found in partitions.values()} == {1}
    assert len(set.union(*partitions.values())) == PARTITIONS
    for trace in TRACES:
        assert spans[otlp.trace_id(trace)] == [span.span_id for span in otlp.run(trace)]


def test_a_span_of_10_mib_comes_through_and_what_is_too_large_is_dropped(chain: Chain) -> None:
    mib = 1024 * 1024
    for trace, size in ((LARGE, 10 * mib), (LARGE + 1, 17 * mib)):
        text = random.Random(trace).randbytes(size // 2).hex()
        large = otlp.llm(2, trace, 1, gen_ai__input__messages=text)
        export(chain.front.grpc, otlp.body(large, otlp.root(trace)))
    assert totals(chain.complete([LARGE])[name_of(LARGE)])[1] == 1
    chain.says("one span size is greater than max size", chain.front)


@pytest.mark.parametrize("what", KILLED)
def test_what_is_killed_and_started_again_loses_no_span(chain: Chain, what: str) -> None:
    traces = range(KILLED[what], KILLED[what] + len(TRACES))
    sender = Sender(chain.front.grpc, traces, PAUSE_SECONDS)
    sender.start()
    peers.until(lambda: sender.sent > len(traces), SECONDS)
    server: Server = getattr(chain, what)
    server.end(signal.SIGKILL)
    time.sleep(DOWN_SECONDS)
    server.start()
    sender.join()
    # What is sent again may come after the root: it makes the card's next revision.
    expected = {name_of(trace): run_totals() for trace in traces}
    deadline = time.monotonic() + SECONDS
    while (found := all_totals(chain, traces)) != expected and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    assert found == expected
    peers.until(lambda: not behind(chain.positions()), SECONDS)


def test_offsets_are_committed_when_clawtrace_has_acknowledged_which_is_not_the_default(
    running_broker: Broker, tmp_path: Path
) -> None:
    with through_kafka(running_broker, tmp_path, clawtrace=False) as chain:
        config = reading(chain.broker, chain.topic, chain.otlp, "default")
        with Collector(tmp_path / "default", *config, DEFAULTS) as careless:
            Sender(chain.front.grpc).run()
            peers.until(lambda: "failed to consume message, skipping" in careless.log, SECONDS)
            peers.until(lambda: not behind(chain.positions("default")), SECONDS)
        assert {one.committed for one in chain.positions().values()} == {0}
        with chain.clawtrace:
            chain.complete(TRACES)
            peers.until(lambda: not behind(chain.positions()), SECONDS)


def test_a_record_that_is_no_otlp_holds_up_its_partition_until_it_is_passed_over(
    running_broker: Broker, tmp_path: Path
) -> None:
    with through_kafka(running_broker, tmp_path) as chain:
        chain.broker.write(chain.topic, otlp.trace_id(1), "no OTLP")
        chain.says("failed to unmarshal message")
        Sender(chain.front.grpc).run()
        records = chain.broker.records(chain.topic)
        held = next(record.partition for record in records if record.value == b"no OTLP")
        others = {record.key for record in records if record.partition != held}
        assert 0 < len(others) < len(TRACES)
        chain.complete(int(trace, 16) for trace in others)
        peers.until(lambda: behind(chain.positions()) == [held], SECONDS)
        assert {path.name[:32] for path in card_paths(chain.clawtrace.cards)} == others
        assert chain.behind.end() == 0
        chain.broker.move(chain.topic, chain.topic, held, 1)
        chain.behind.start()
        chain.complete(TRACES)
