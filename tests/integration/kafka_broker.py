"""A real Kafka broker on loopback, and what its own tools say of it."""

import re
import socket
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.integration.kafka_jars import need
from tests.integration.running import Server, addresses

PARTITIONS = 4
"""Of a topic of the tests."""

MAX_BYTES = 17 * 1024 * 1024
"""Of a batch of records: more than `max_message_bytes` of the Collector that writes."""

_TOOL_SECONDS = 120
_CLUSTER = "AAAAAAAAAAAAAAAAAAAAAQ"
_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
"""Quick to start, and no file outside the folder."""

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
listeners=PLAINTEXT://{broker},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{broker}
controller.listener.names=CONTROLLER
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""
"""One node that is broker and controller."""

_TOOLS = "org.apache.kafka.tools."
_ESCAPED = re.compile(rb"\\x([0-9A-F]{2})")


@dataclass(frozen=True)
class Record:
    """What stands in a topic."""

    partition: int
    key: str
    value: bytes


@dataclass(frozen=True)
class Position:
    """Where a group of consumers is in a partition; offsets count records.

    Attributes:
        committed: the offset that it goes on from; 0 if it never committed one.
        end: of the partition.
    """

    committed: int
    end: int


class Broker(Server):
    """A broker without copies. A context manager; see :class:`tests.integration.running.Server`.

    Args:
        folder: of its data, its properties and its log.

    Attributes:
        address: ``host:port``, kept over restarts, as its data are.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.address, controller = addresses(2)
        properties = folder / "server.properties"
        properties.write_text(
            _PROPERTIES.format(broker=self.address, controller=controller, folder=folder)
        )
        temporary = folder / "tmp"
        temporary.mkdir(exist_ok=True)
        self._java = ["java", *_JVM, f"-Djava.io.tmpdir={temporary}", "-cp", f"{need()}/*"]
        command = [*self._java, "-Xmx256m", "-Dorg.apache.logging.log4j.level=WARN"]
        super().__init__(folder, [*command, "kafka.Kafka", str(properties)], self.address)
        self._tool("kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(properties))

    def make_topics(self, *names: str) -> None:
        """Make topics as docs/scaling.md says, all at once."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._make_topic, names))

    def _make_topic(self, name: str) -> None:
        config = f"max.message.bytes={MAX_BYTES}"
        flags = ("--topic", name, "--partitions", str(PARTITIONS), "--config", config)
        self._ask(f"{_TOOLS}TopicCommand", "--create", *flags)

    def write(self, topic: str, key: str, value: str) -> None:
        """Write a record of text."""
        self._ask(
            f"{_TOOLS}ConsoleProducer",
            *("--topic", topic, "--reader-property", "parse.key=true"),
            given=f"{key}\t{value}\n",
        )

    def records(self, topic: str) -> list[Record]:
        """All records of a topic; those of a partition in order."""
        count = sum(self._ends(topic).values())
        shown = ("key", "partition", "value")
        properties = [f"print.{what}=true" for what in shown]
        properties.append(
            "value.deserializer=org.apache.kafka.common.serialization.BytesDeserializer"
        )
        lines = self._ask(
            f"{_TOOLS}consumer.ConsoleConsumer",
            *("--topic", topic, "--from-beginning", "--max-messages", str(count)),
            *(part for one in properties for part in ("--formatter-property", one)),
        )
        return [_record(line) for line in lines.splitlines() if line.startswith("Partition:")]

    def positions(self, group: str, topic: str) -> dict[int, Position]:
        """Where a group that runs is in each partition of a topic."""
        lines = self._ask(
            f"{_TOOLS}consumer.group.ConsumerGroupCommand",
            *("--describe", "--offsets", "--group", group),
        )
        rows = [line.split() for line in lines.splitlines()]
        return {
            int(partition): Position(0 if committed == "-" else int(committed), int(end))
            for _, _, partition, committed, end, *_ in (row for row in rows if row[1:2] == [topic])
        }

    def move(self, group: str, topic: str, partition: int, offset: int) -> None:
        """Let a group that does not run go on from an offset."""
        self._ask(
            f"{_TOOLS}consumer.group.ConsumerGroupCommand",
            *("--group", group, "--topic", f"{topic}:{partition}"),
            *("--reset-offsets", "--to-offset", str(offset), "--execute"),
        )

    def _is_ready(self) -> bool:
        host, _, port = self.address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except OSError:
            return False
        return True

    def _ends(self, topic: str) -> dict[int, int]:
        lines = self._ask(f"{_TOOLS}GetOffsetShell", "--topic", topic).splitlines()
        rows = [line.rsplit(":", 2) for line in lines]
        return {int(partition): int(end) for _, partition, end in rows}

    def _ask(self, tool: str, *flags: str, given: str = "") -> str:
        return self._tool(tool, "--bootstrap-server", self.address, *flags, given=given)

    def _tool(self, tool: str, *flags: str, given: str = "") -> str:
        command: Sequence[str] = [*self._java, "-Xmx96m", tool, *flags]
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=_TOOL_SECONDS, check=False
        )
        assert done.returncode == 0, f"{tool}: {done.stdout}{done.stderr}"
        return done.stdout


def _record(line: str) -> Record:
    """A line of the console consumer; bytes that are no printable ASCII are escaped there."""
    partition, key, value = line.split("\t", 2)
    plain = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), value.encode())
    return Record(int(partition.removeprefix("Partition:")), key, plain)
