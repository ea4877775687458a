"""Traces that are too long for one card: further cards, each span on exactly one of them.

``python -m tests.collector.test_parts`` sends a trace of a million spans.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths, read_card
from tests.collector import otlp, peers
from tests.collector.memory import Peak
from tests.collector.peers import InProcess, Program, export
from tests.collector.sinks import GrpcSink


def long_trace(size: int, of_request: int = 1000) -> Iterator[list[Span]]:
    """``size`` spans in requests of some, the root last."""
    batch: list[Span] = []
    for n in range(2, size + 1):
        made = otlp.tool if n % 2 else otlp.llm
        arguments = {"gen_ai__tool__call__arguments": f'{{"path": "file {n}"}}'} if n % 2 else {}
        batch.append(made(n, 1, 1, **arguments))
        if len(batch) == of_request:
            yield batch
            batch = []
    yield [*batch, otlp.root(seconds=size + 2)]


def calls(cards: list[Card]) -> int:
    return sum(card["total"]["llm_calls"] + card["total"]["tool_calls"] for card in cards)


def cards_of(folder: Path) -> list[Card]:
    return [read_card(path) for path in card_paths(folder)]


@pytest.mark.parametrize("of_request", [30, 1000])
def test_a_trace_that_is_too_long_for_a_card_gets_further_ones(
    tmp_path: Path, of_request: int
) -> None:
    """Also if one request brings all of it; and what is delivered again counts once."""
    with GrpcSink() as sink, InProcess(tmp_path, max_card_steps=100, forward=sink.url) as service:
        for batch in long_trace(450, of_request):
            export(service.grpc, otlp.body(*batch))
        for batch in long_trace(450, of_request):
            export(service.grpc, otlp.body(*batch))
        peers.until(lambda: calls(cards_of(service.cards)) == 449)
        peers.until(lambda: len(otlp.spans_of(sink.taken)) >= 450)
        time.sleep(0.5)
        assert calls(cards_of(service.cards)) == 449
    names = sorted(path.name for path in card_paths(service.cards))
    assert names == sorted(
        f"{otlp.trace_id(1)}{part}.yaml" for part in ("", "-2", "-3", "-4", "-5")
    )
    assert [card["status"] for card in cards_of(service.cards)].count("complete") == 1
    assert len(otlp.spans_of(sink.taken)) == 450


def test_a_long_trace_goes_on_in_its_last_part_after_a_restart(tmp_path: Path) -> None:
    batches = list(long_trace(250, 50))
    with InProcess(tmp_path, max_card_steps=100) as service:
        for batch in batches[:3]:
            export(service.grpc, otlp.body(*batch))
    with InProcess(tmp_path, max_card_steps=100) as service:
        for batch in batches[2:]:
            export(service.grpc, otlp.body(*batch))
        peers.until(lambda: calls(cards_of(service.cards)) == 249)
    assert len(card_paths(service.cards)) == 3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_trace_of_100_000_spans_gets_one_card_if_it_may(tmp_path: Path) -> None:
    with Program(tmp_path, refresh_seconds=30, max_card_steps=1_000_000) as program:
        for batch in long_trace(100_000):
            export(program.grpc, otlp.body(*batch))
        card = peers.card(program.cards, where=peers.is_complete, seconds=300)
    assert card["total"]["llm_calls"] == 50_000
    assert card["total"]["tool_calls"] == 49_999


def send_long_trace(folder: Path, size: int) -> int:
    """Send a trace and wait until all of it is in cards; bytes above the idle process."""
    with Program(folder, refresh_seconds=5) as program:
        peak = Peak(program)
        for batch in long_trace(size, 5000):
            export(program.grpc, otlp.body(*batch))
        peers.until(lambda: calls(cards_of(program.cards)) == size - 1, 300)
        assert len(card_paths(program.cards)) == size // 10_000
        return peak.above_idle()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_long_trace_takes_no_more_memory_than_its_bound(tmp_path: Path) -> None:
    assert send_long_trace(tmp_path, 150_000) < 256 << 20


if __name__ == "__main__":
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        taken = send_long_trace(Path(scratch), 1_000_000)
    seconds = time.monotonic() - began
    print(
        f"1,000,000 spans in 100 cards, {seconds:.0f} s, {taken >> 20} MiB above the idle process"
    )
