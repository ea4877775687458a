"""A real Prometheus that scrapes a service of ours."""

import json
import math
import shutil
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.running import Server, addresses, written

ALERTS = Path(__file__).parents[2] / "deploy/prometheus/alerts.yaml"

SCRAPE_SECONDS = 1
JOB = "clawtrace"


def need(program: str) -> str:
    """``prometheus`` or ``promtool``. Skips the test where it is not installed."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"no {program} in PATH (Debian: apt-get install prometheus)")
    return found


@dataclass(frozen=True)
class Sample:
    """One line of an answer."""

    labels: dict[str, str]
    value: float

    @property
    def is_known(self) -> bool:
        """It is a number: a quantile of nothing is none."""
        return not math.isnan(self.value)


class Prometheus(Server):
    """A Prometheus with the shipped alerts. A context manager.

    Args:
        folder: of its data, its configuration and its log.
        target: ``host:port`` that it scrapes.
    """

    def __init__(self, folder: Path, target: str) -> None:
        program = need("prometheus")
        folder.mkdir(parents=True, exist_ok=True)
        (self.address,) = addresses(1)
        seconds = f"{SCRAPE_SECONDS}s"
        config = {
            "global": {"scrape_interval": seconds, "evaluation_interval": seconds},
            "rule_files": [str(ALERTS)],
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [target]}]}],
        }
        command = [
            program,
            f"--config.file={written(folder / 'prometheus.yaml', config)}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.address}",
            "--log.level=warn",
        ]
        super().__init__(folder, command, f"http://{self.address}/-/ready")

    def ask(self, query: str) -> list[Sample]:
        """The value of a query now.

        Raises:
            urllib.error.HTTPError: it is no PromQL.
        """
        rows = self._get("query", query=query)["result"]
        return [Sample(row["metric"], float(row["value"][1])) for row in rows]

    def label_values(self, label: str, series: str) -> list[str]:
        """What Grafana's ``label_values(series, label)`` gives."""
        found: list[str] = self._get(f"label/{label}/values", **{"match[]": series})
        return found

    def rules(self) -> dict[str, str]:
        """The health of each alert, by its name: ``ok`` once it was evaluated without error."""
        groups = self._get("rules")["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    def _get(self, path: str, **given: str) -> Any:
        query = urllib.parse.urlencode(given)
        url = f"http://{self.address}/api/v1/{path}?{query}"
        with urllib.request.urlopen(url, timeout=30) as response:
            answer = json.load(response)
        assert answer["status"] == "success", answer
        return answer["data"]
