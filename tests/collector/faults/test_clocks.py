"""The clock of the machine is set while the service runs, forward and back, by hours and years."""

import time
from pathlib import Path

import pytest

from tests.collector import otlp, peers
from tests.collector.faults.clock import service_with_clock
from tests.collector.faults.expect import busy, ends_in_time
from tests.collector.faults.ledger import check_forwarded, count_taken
from tests.collector.peers import export
from tests.collector.sinks import GrpcSink

pytestmark = pytest.mark.slow

OFFSETS = ("+3h", "-5h", "+10y", "-10y", "+40d", "+0")


def test_nothing_is_lost_or_doubled_while_the_clock_jumps(tmp_path: Path) -> None:
    with (
        GrpcSink() as sink,
        service_with_clock(tmp_path, forward=sink.url) as (program, clock),
        busy(program) as sending,
    ):
        for offset in OFFSETS * 2:
            clock.set(offset)
            sending.goes_on()
        sending.finish()
        peers.until(lambda: count_taken(sink.taken) >= sending.ledger.spans(), 40)
        ends_in_time(program)
        sending.ledger.check(program.cards, program.journal)
        check_forwarded(sending.ledger, sink.requests, sink.taken)
        assert sending.refusals == []


@pytest.mark.parametrize("offset", ["+10y", "-10y", "+1h", "-1h"])
def test_a_clock_that_is_set_closes_no_trace_early_and_keeps_none_open(
    tmp_path: Path, offset: str
) -> None:
    *steps, root = otlp.run()
    with service_with_clock(tmp_path, idle_seconds=60, settle_seconds=1) as (program, clock):
        export(program.grpc, otlp.body(*steps))
        clock.set(offset)
        time.sleep(2.5)
        assert peers.card(program.cards)["status"] == "open"
        assert program.metric("clawtrace_traces_open") == 1
        before = time.monotonic()
        export(program.grpc, otlp.body(root))
        peers.until(lambda: program.metric("clawtrace_traces_closed") == 1)
        assert 0.9 < time.monotonic() - before < 8
        card = peers.card(program.cards, where=peers.is_complete)
        assert (len(card["steps"]), card["revision"]) == (4, 1)


@pytest.mark.parametrize("offset", ["+10y", "-10y"])
def test_retention_removes_no_open_trace_and_nothing_that_a_sender_still_repeats(
    tmp_path: Path, offset: str
) -> None:
    """A closed trace that would be removed at once, because the clock jumped, is kept for now."""
    settings = {"retention_seconds": 40, "idle_seconds": 60, "settle_seconds": 0.2}
    *steps, root = otlp.run()
    with service_with_clock(tmp_path, **settings) as (program, clock):
        export(program.grpc, otlp.body(*steps))
        export(program.grpc, otlp.body(*otlp.run(2)))
        peers.until(lambda: program.metric("clawtrace_traces_closed") == 1)
        clock.set(offset)
        program.says("the clock was set; no trace is removed", 40)
        export(program.grpc, otlp.body(*otlp.run(2)))
        export(program.grpc, otlp.body(*steps, root))
        peers.until(lambda: program.metric("clawtrace_traces_open") == 0)
        assert program.end() == 0
    assert sorted(path.stem for path in program.cards.glob("*.yaml")) == [
        otlp.trace_id(1),
        otlp.trace_id(2),
    ]
    for n in (1, 2):
        card = peers.card(program.cards, n, where=peers.is_complete)
        assert card["total"]["llm_calls"] == 2


def test_retention_goes_on_when_the_clock_is_right_again(tmp_path: Path) -> None:
    settings = {"retention_seconds": 2, "settle_seconds": 0.2}
    with service_with_clock(tmp_path, **settings) as (program, clock):
        for n, offset in enumerate(["+0", "+1h", "-1h", "+0"], start=1):
            clock.set(offset)
            export(program.grpc, otlp.body(*otlp.run(n)))
            peers.card(program.cards, n, where=peers.is_complete)
        time.sleep(8)
        # A span that comes after the time to keep its trace makes a card of its own.
        export(program.grpc, otlp.body(otlp.llm(7, 4, 1)))
        peers.until((program.cards / f"{otlp.trace_id(4)}-2.yaml").exists)
