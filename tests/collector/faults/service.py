"""The service as a process that a test harms, and what it says of it."""

import os
import re
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tests.collector import peers
from tests.collector.peers import Program


class Service(Program):
    """The program, started with something changed. See :class:`tests.collector.peers.Program`.

    Args:
        folder: of cards, journal and log.
        changed: arguments of :mod:`tests.collector.faults.changed`; empty: the program as it is.
        environment: variables of the process beyond this one's.
        settings: of the service.
    """

    def __init__(
        self,
        folder: Path,
        changed: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        /,
        **settings: object,
    ) -> None:
        super().__init__(folder, **settings)
        if changed:
            flags = self._command[self._command.index("collector") :]
            self._command = [sys.executable, "-m", "tests.collector.faults.changed"]
            self._command += [*changed, "--", *flags]
        if environment:
            self._environment = {**os.environ, **environment}

    def __enter__(self) -> "Service":
        self.start()
        return self

    def metric(self, name: str, **labels: str) -> float:
        """The value of a metric at /metrics, summed over the labels that are not given."""
        return metric_at(self.metrics, name, **labels)

    def says(self, text: str, seconds: float = 20) -> None:
        """Wait until the log has a text."""
        peers.until(lambda: text in self.log, seconds)


def metric_at(address: str, name: str, **labels: str) -> float:
    """The value of a metric at ``/metrics``, summed over the labels that are not given.

    Args:
        address: ``host:port`` of a service of ours, or of the Collector.
        name: of the metric, with its suffix.
        labels: what the labels must be.
    """
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as response:
        text = response.read().decode()
    wanted = {f'{key}="{value}"' for key, value in labels.items()}
    found = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", text, re.MULTILINE)
    return sum(float(value) for shown, value in found if wanted <= set(shown.split(",")))
