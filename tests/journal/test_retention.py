"""Closed traces leave the journal when their time is over; their cards stay."""

import threading
from pathlib import Path

import pytest

from clawtrace_otel.tracecard.read import card_paths
from tests.collector import otlp, peers
from tests.collector.peers import InProcess, export
from tests.collector.sinks import GrpcSink
from tests.journal.peers import rows_of, sql

SHORT: dict[str, object] = {"retention_seconds": 0.4, "settle_seconds": 0.1}

MEGABYTE = 1 << 20


def wait_until_empty(address: str, *, removed: int, seconds: float = 30) -> None:
    """Wait until nothing is left but that traces were there."""
    empty = {"traces": removed, "deliveries": 0, "spans": 0, "forwards": 0, "budget_notices": 0}
    peers.until(lambda: rows_of(address) == empty, seconds)


def first_card(service: InProcess) -> Path:
    return service.cards / f"{otlp.trace_id(1)}.yaml"


def test_a_closed_trace_leaves_the_journal_and_its_card_stays(tmp_path: Path, address: str) -> None:
    with (
        GrpcSink() as sink,
        InProcess(tmp_path, journal=address, forward=sink.url, **SHORT) as service,
    ):
        export(service.grpc, otlp.body(*otlp.run()))
        peers.card(service.cards, where=peers.is_complete)
        wait_until_empty(address, removed=1)
        assert peers.is_complete(peers.card(service.cards))
        assert len(otlp.spans_of(sink.taken)) == 5


def test_what_comes_later_makes_another_card_and_leaves_the_first_as_it_is(
    tmp_path: Path, address: str
) -> None:
    with InProcess(tmp_path, journal=address, **SHORT) as service:
        export(service.grpc, otlp.body(*otlp.run()))
        wait_until_empty(address, removed=1)
        before = first_card(service).read_text()
        for n in (2, 3):
            export(service.grpc, otlp.body(otlp.llm(10 + n, 1, 1)))
        second = service.cards / f"{otlp.trace_id(1)}-2.yaml"
        peers.until(lambda: second.exists() and "llm_calls: 2" in second.read_text())
        assert first_card(service).read_text() == before
    with InProcess(tmp_path, journal=address, **SHORT) as service:
        assert first_card(service).read_text() == before
        assert len(card_paths(service.cards)) == 2


def test_an_open_trace_stays_however_old_it_is(tmp_path: Path, address: str) -> None:
    with InProcess(tmp_path, journal=address, **SHORT) as service:
        export(service.grpc, otlp.body(*otlp.run(2)[:-1]))
        export(service.grpc, otlp.body(*otlp.run(1)))
        peers.until(lambda: rows_of(address)["deliveries"] == 1, 30)
        export(service.grpc, otlp.body(otlp.root(2)))
        found = peers.card(service.cards, 2, where=peers.is_complete)
    assert len(found["steps"]) == 4


def test_a_trace_whose_card_was_removed_is_forgotten(tmp_path: Path, address: str) -> None:
    with InProcess(tmp_path, journal=address, **SHORT) as service:
        for trace in (1, 2):
            export(service.grpc, otlp.body(*otlp.run(trace)))
        wait_until_empty(address, removed=2)
        first_card(service).unlink()
        wait_until_empty(address, removed=1)
        export(service.grpc, otlp.body(otlp.llm(30, 1, 1)))
        found = peers.card(service.cards, 1)
        assert (found["total"]["llm_calls"], found["revision"]) == (1, 1)


def test_traces_that_share_a_card_leave_the_journal_together(tmp_path: Path, address: str) -> None:
    """The second one is linked to a call of the first, and so on its card."""
    with InProcess(tmp_path, journal=address, **SHORT) as service:
        spans = otlp.run(1)
        inner = otlp.run(2)
        inner[-1].links.add(trace_id=spans[1].trace_id, span_id=spans[1].span_id)
        export(service.grpc, otlp.body(*spans, *inner))
        wait_until_empty(address, removed=2)
        assert card_paths(service.cards) == [first_card(service)]
        first_card(service).unlink()
        wait_until_empty(address, removed=0)


@pytest.mark.slow
def test_the_file_shrinks_when_traces_are_removed(tmp_path: Path) -> None:
    with InProcess(tmp_path, **SHORT | {"settle_seconds": 3}) as service:
        big = "x" * 1000
        for trace in range(1, 11):
            spans = [
                otlp.tool(n, trace, 1, gen_ai__tool__call__arguments=f"{n}{big}")
                for n in range(2, 400)
            ]
            export(service.grpc, otlp.body(*spans, otlp.root(trace)))
        sql(str(service.journal), "PRAGMA wal_checkpoint(TRUNCATE)")
        full = service.journal.stat().st_size
        wait_until_empty(str(service.journal), removed=10)
    assert full > MEGABYTE
    assert service.journal.stat().st_size < full / 4


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_file_stays_within_bounds_under_a_load_of_short_traces(tmp_path: Path) -> None:
    count = 3000
    largest = 0
    given = SHORT | {"retention_seconds": 1.0}
    with InProcess(tmp_path, **given) as service:

        def send(first: int) -> None:
            with peers.channel(service.grpc) as opened:
                call = opened.unary_unary(peers.TRACES)
                for trace in range(first, count + 1, 4):
                    call(otlp.body(*otlp.run(trace)), timeout=60)

        senders = [threading.Thread(target=send, args=(n,)) for n in range(1, 5)]
        for sender in senders:
            sender.start()
        while any(sender.is_alive() for sender in senders):
            largest = max(largest, service.journal.stat().st_size)
            senders[0].join(0.05)
        wait_until_empty(str(service.journal), removed=count, seconds=150)
        last = service.journal.stat().st_size
    print(f"largest {largest} bytes, at the end {last}")
    assert len(card_paths(service.cards)) == count
    assert last < 2 * MEGABYTE
    assert largest < 20 * MEGABYTE
