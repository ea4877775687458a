"""Gemini CLI through the service: its records name no trace, and find their spans by time."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest

from clawtrace_otel.otlp.json_body import logs_to_protobuf, traces_to_protobuf
from clawtrace_otel.tracecard.read import read_card
from tests.collector import peers
from tests.collector.peers import InProcess, export

FIXTURES = Path(__file__).parents[1] / "fixtures" / "otlp"
SLOW: dict[str, object] = {"settle_seconds": 600.0, "refresh_seconds": 0.2}
USED = [(1200, 0, 48, 0), (1500, 1024, 32, 0), (1600, 1408, 16, 0), (1800, 1408, 120, 64)]
"""Input, cached, output and thoughts of the calls."""


def send(service: InProcess, line: bytes) -> None:
    if b'"resourceLogs"' in line:
        export(service.grpc, logs_to_protobuf(line), peers.LOGS)
    else:
        export(service.grpc, traces_to_protobuf(line))


def used(folder: Path) -> list[tuple[int, ...]]:
    """What the cards say that each call used."""
    totals = [read_card(path)["total"] for path in folder.glob("*.yaml")]
    told = [total["tokens"] for total in totals if total["llm_calls"]]
    return sorted((t["input"], t["cache_read"], t["output"], t["reasoning"]) for t in told)


@pytest.mark.parametrize("file", ["gemini_cli", "gemini_cli_nocontent"])
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_each_call_has_the_tokens_of_its_record_also_if_the_service_is_started_anew(
    tmp_path: Path, file: str, order: Sequence[int], times: int
) -> None:
    lines = (FIXTURES / f"{file}.jsonl").read_bytes().splitlines()
    assert len(lines) == len(order)
    for n in (*order,) * times:
        with InProcess(tmp_path, **SLOW) as service:
            send(service, lines[n])
    assert used(service.cards) == USED
