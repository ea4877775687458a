"""The topology of ``deploy/``: the real Collector before replicas that share a PostgreSQL.

Each replica has an address of loopback for itself (127.0.0.2, .3, …) and all have one port, as
containers have. The Collector finds them by one name in a hosts file that it alone sees: bound over
``/etc/hosts`` in a mount namespace of its own. Go reads that file anew every five seconds.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.collector import peers
from tests.collector.faults.service import Service
from tests.collector.sinks import GrpcSink
from tests.integration.running import Collector, Config, addresses

DEPLOYED = Path(__file__).parents[2] / "deploy" / "collector-config.yaml"
"""The configuration that is shipped for several replicas."""

NAME = "clawtrace.test"

NAMES_SECONDS = 5.0
"""For which Go keeps what it read of ``/etc/hosts``."""

_INTERVAL_SECONDS = 0.2
"""Between two looks of the Collector for the addresses of the name."""

_BIND = 'mount --bind "$0" /etc/hosts && exec "$@"'


class Names:
    """A hosts file that gives one name several addresses.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set()

    def set(self, *hosts: str) -> None:
        """Let the name have these addresses. In place, since the file is bound."""
        lines = ["127.0.0.1 localhost", *(f"{host} {NAME}" for host in hosts)]
        self.path.write_text("\n".join(lines) + "\n")


def namespace() -> list[str]:
    """A command that runs another one where it may mount; skips where there is none."""
    command = ["unshare", "--mount"]
    if os.geteuid() != 0:
        command.append("--map-root-user")
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare")
    done = subprocess.run([*command, "mount", "--bind", "/tmp", "/tmp"], check=False)
    if done.returncode:
        pytest.skip("no file can be bound in a mount namespace here")
    return command


class Balancer(Collector):
    """The Collector with the configuration for several replicas.

    Args:
        folder: of its files.
        names: say where the replicas are.
        port: of all of them.
        fsync: whether its queue is synced, as it is shipped.
    """

    def __init__(self, folder: Path, names: Names, port: int, *, fsync: bool = False) -> None:
        super().__init__(folder, DEPLOYED, _overlay(folder, port, fsync=fsync))
        self._command = [*namespace(), "sh", "-c", _BIND, str(names.path), *self._command]

    @property
    def is_running(self) -> bool:
        """Whether it was started, and has not ended."""
        return self._process is not None and self._process.poll() is None


def _overlay(folder: Path, port: int, *, fsync: bool) -> Config:
    """What differs outside of containers, and shorter pauses."""
    queue = str(folder / "queue")
    dns = {"hostname": NAME, "port": str(port), "interval": f"{_INTERVAL_SECONDS}s"}
    return {
        "extensions": {
            "file_storage": {
                "directory": queue,
                "fsync": fsync,
                "compaction": {"directory": queue},
            }
        },
        "exporters": {
            "load_balancing/clawtrace": {
                "resolver": {"dns": dns},
                "retry_on_failure": {"initial_interval": "100ms", "max_interval": "1s"},
            },
            "otlp_grpc/metrics": {"endpoint": f"{NAME}:{port}"},
        },
    }


class Replica(Service):
    """One of several services, at an address of its own.

    Args:
        folder: of its log.
        host: address of loopback.
        settings: that all replicas share.
    """

    def __init__(self, folder: Path, host: str, port: int, **settings: object) -> None:
        folder.mkdir()
        super().__init__(folder, grpc=f"{host}:{port}", http=f"{host}:0", **settings)
        self.host = host

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def accepted(self) -> float:
        """Spans that came to it by gRPC, as far as it has accepted them."""
        return self.metric("otelcol_receiver_accepted_spans", transport="grpc")


@dataclass
class Scaled:
    """All of it.

    Attributes:
        url: of the database.
        port: of all replicas.
        replicas: those that were started, whether they run or not.
        sink: what they forward to.
        settings: of the replicas, beyond what the topology says.
    """

    folder: Path
    url: str
    port: int
    names: Names
    sink: GrpcSink
    collector: Balancer
    settings: Mapping[str, object] = field(default_factory=dict)
    replicas: list[Replica] = field(default_factory=list)

    @property
    def cards(self) -> Path:
        """The folder that all replicas share."""
        return self.folder / "cards"

    def start(self, count: int = 1) -> list[Replica]:
        """Start more replicas. Their addresses have no name yet."""
        began = [self._made(len(self.replicas) + n) for n in range(count)]
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(Replica.start, began))
        self.replicas += began
        return began

    def name(self, *replicas: Replica) -> None:
        """Let the name lead to these replicas, and wait until the Collector knows."""
        self.names.set(*(replica.host for replica in replicas))
        if self.collector.is_running:
            peers.until(lambda: self._backends() == len(replicas), 4 * NAMES_SECONDS)
            time.sleep(2 * _INTERVAL_SECONDS)  # that was one of two pipelines

    def end(self) -> None:
        """End all replicas that run by SIGTERM."""
        for replica in self.replicas:
            if replica.is_running:
                assert replica.end() == 0, replica.log
                assert "Traceback" not in replica.log, replica.log

    def kill(self) -> None:
        """End whatever still runs."""
        for replica in self.replicas:
            if replica.is_running:
                replica.end(signal.SIGKILL)

    def _made(self, number: int) -> Replica:
        given: dict[str, object] = {
            "journal": self.url,
            "cards": self.cards,
            "forward": self.sink.url,
            "settle_seconds": 1,
            "refresh_seconds": 5,
        }
        folder, host = self.folder / f"replica-{number}", f"127.0.0.{number + 2}"
        return Replica(folder, host, self.port, **given | dict(self.settings))

    def _backends(self) -> float:
        return self.collector.metric("otelcol_loadbalancer_num_backends")


@contextmanager
def scaled(
    folder: Path, url: str, count: int, *, fsync: bool = False, **settings: object
) -> Iterator[Scaled]:
    """The Collector, replicas, and a receiver behind them.

    Args:
        folder: of all files.
        url: of an empty database.
        count: of replicas to start with.
        fsync: of the Collector's queue.
        settings: of the replicas.
    """
    port = _shared_port(count + 2)
    names = Names(folder / "hosts")
    with ExitStack() as stack:
        sink = stack.enter_context(GrpcSink())
        collector = Balancer(folder / "collector", names, port, fsync=fsync)
        made = Scaled(folder, url, port, names, sink, collector, settings)
        stack.callback(made.kill)
        made.name(*made.start(count))
        stack.enter_context(made.collector)
        yield made


def _shared_port(hosts: int) -> int:
    """A port that is free on the addresses of so many replicas."""
    while True:
        (address,) = addresses(1)
        port = int(address.rpartition(":")[2])
        if all(_is_free(f"127.0.0.{n + 2}", port) for n in range(hosts)):
            return port


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
