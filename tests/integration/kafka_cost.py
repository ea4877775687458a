"""What Kafka in between costs: ``python -m tests.integration.kafka_cost [SPANS]``.

CPU time is told and not spans a second, as it depends less on what else the machine does.
"""

import itertools
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector import otlp, peers
from tests.collector.faults.service import Service
from tests.collector.peers import export
from tests.integration.kafka_broker import Broker
from tests.integration.kafka_chain import UNHURRIED, through_kafka
from tests.integration.running import Server

SPANS_OF_A_TRACE = 49
TRACES_OF_A_REQUEST = 10

_TICKS = os.sysconf("SC_CLK_TCK")
_WAIT_SECONDS = 300.0


def main() -> None:
    """Send traces through Kafka and directly; print CPU time of each process, cards included."""
    traces = int(sys.argv[1] if len(sys.argv) > 1 else 10_000) // SPANS_OF_A_TRACE
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made, "cost")
        folder.mkdir()
        with Broker(folder / "broker") as broker, through_kafka(broker, folder) as chain:
            servers: dict[str, Server | Service] = {
                "Collector before Kafka": chain.front,
                "broker": broker,
                "Collector behind Kafka": chain.behind,
                "clawtrace behind it": chain.clawtrace,
            }
            _measure(chain.front.grpc, traces, servers, chain.clawtrace)
            ends = (one.end for one in chain.positions().values())
            sys.stdout.write(f"in {sum(ends)} records\n")
        with Service(folder, **UNHURRIED) as direct:
            _measure(direct.grpc, traces, {"clawtrace, directly": direct}, direct)


def _measure(
    address: str, traces: int, servers: Mapping[str, Server | Service], last: Service
) -> None:
    before = {name: cpu_seconds(server.pid) for name, server in servers.items()}
    started = time.monotonic()
    send(address, traces)
    peers.until(lambda: last.metric("clawtrace_traces_closed") >= traces, _WAIT_SECONDS)
    spans = traces * SPANS_OF_A_TRACE
    sys.stdout.write(f"{spans} spans, {traces} cards: {time.monotonic() - started:.0f} s\n")
    for name, server in servers.items():
        used = cpu_seconds(server.pid) - before[name]
        sys.stdout.write(f"  {name}: {used / spans * 1e6:.0f} us of CPU a span\n")


def send(address: str, traces: int) -> None:
    """Send traces, many in a request, as a busy Collector does."""
    for first in range(1, traces + 1, TRACES_OF_A_REQUEST):
        numbers = range(first, min(first + TRACES_OF_A_REQUEST, traces + 1))
        export(address, otlp.body(*(span for n in numbers for span in run(n))))


def run(trace: int) -> list[Span]:
    """An agent that calls a tool after each call of its model."""
    calls = range(2, SPANS_OF_A_TRACE, 2)
    pairs = [(otlp.llm(n, trace, 1), otlp.tool(n + 1, trace, 1)) for n in calls]
    return [*itertools.chain.from_iterable(pairs), otlp.root(trace)]


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, user and system."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS


if __name__ == "__main__":
    main()
