"""The service is killed: at random moments under load, and at each point where it matters."""

import random
import signal
import time
from pathlib import Path

import pytest

from tests.collector import peers
from tests.collector.faults.expect import ends_in_time
from tests.collector.faults.ledger import check_forwarded, count_taken
from tests.collector.faults.load import Load, load
from tests.collector.faults.service import Service
from tests.collector.sinks import GrpcSink

KILLS = 50


def kill_while_starting(program: Service, r: random.Random) -> None:
    program.launch()
    time.sleep(r.uniform(0, 1))
    program.end(signal.SIGKILL)


def kill_under_load(program: Service, sending: Load, r: random.Random) -> None:
    program.start()
    sending.send_to(program)
    time.sleep(r.uniform(0.1, 0.9))
    sending.send_to(None)
    program.end(signal.SIGKILL)


def end_well(program: Service, sending: Load, sink: GrpcSink) -> None:
    """All that was sent is acknowledged, on a card, and sent on."""
    sending.send_to(program)
    sending.finish()
    peers.until(lambda: count_taken(sink.taken) >= sending.ledger.spans(), 60)
    assert program.end() == 0
    sending.ledger.check(program.cards, program.journal)
    check_forwarded(sending.ledger, sink.requests, sink.taken)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_acknowledged_span_survives_50_kills_at_random_moments(tmp_path: Path) -> None:
    r = random.Random(1)
    with GrpcSink() as sink, load() as sending, Service(tmp_path, forward=sink.url) as program:
        program.end(signal.SIGKILL)
        for n in range(KILLS):
            if n % 5 == 4:
                kill_while_starting(program, r)
            else:
                kill_under_load(program, sending, r)
        program.start()
        end_well(program, sending, sink)
    assert sending.ledger.spans() > 20 * KILLS


JOURNAL = "clawtrace_otel.collector.journal.sqlite:SqliteJournal"
CARDS = "clawtrace_otel.exporters.card_folder:CardFolder"

POINTS = {
    "a request is not committed": f"before:9:{JOURNAL}.append",
    "a request is committed and not acknowledged": f"after:9:{JOURNAL}.append",
    "an answer is about to be given": "before:9:clawtrace_otel.collector.ingest:_Work.answer",
    "a card is due and not written": f"before:3:{CARDS}.write",
    "half of a card is written": "before:3:pathlib:Path.replace",
    "a card is written and not marked": f"after:3:{CARDS}.write",
    "a card is marked": f"after:3:{JOURNAL}.save",
    "a trace is about to be closed without a new card": f"before:1:{JOURNAL}.mark_closed",
    "a request is about to be sent on": (
        "before:5:clawtrace_otel.collector.forwarding.senders:GrpcSender.send"
    ),
    "a request is sent on and not marked": (
        "after:5:clawtrace_otel.collector.forwarding.senders:GrpcSender.send"
    ),
    "a request that was sent on is forgotten": f"after:5:{JOURNAL}.forwarded",
}


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_nothing_is_lost_or_doubled_by_a_kill_when(tmp_path: Path, point: str) -> None:
    with GrpcSink() as sink, load() as sending:
        with Service(tmp_path, ("--kill", point), forward=sink.url) as program:
            sending.send_to(program)
            assert program.wait() == -signal.SIGKILL
            sending.send_to(None)
        with Service(tmp_path, forward=sink.url) as program:
            end_well(program, sending, sink)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["before", "after"])
def test_a_start_that_is_killed_while_it_makes_the_journal_is_made_up_for(
    tmp_path: Path, point: str
) -> None:
    made = "clawtrace_otel.collector.journal.sqlite_schema:create_tables"
    with GrpcSink() as sink, load() as sending:
        killed = Service(tmp_path, ("--kill", f"{point}:1:{made}"), forward=sink.url)
        killed.launch()
        assert killed.wait() == -signal.SIGKILL
        with Service(tmp_path, forward=sink.url) as program:
            end_well(program, sending, sink)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["before", "after"])
def test_a_kill_while_old_traces_are_removed_takes_no_card_with_them(
    tmp_path: Path, point: str
) -> None:
    killed = ("--kill", f"{point}:1:{JOURNAL}.remove")
    with load() as sending:
        with Service(tmp_path, killed, retention_seconds=8) as program:
            sending.send_to(program)
            assert program.wait() == -signal.SIGKILL
            sending.send_to(None)
        with Service(tmp_path) as program:
            sending.send_to(program)
            sending.finish()
            ends_in_time(program)
            sending.ledger.check(program.cards)


@pytest.mark.slow
def test_a_signal_under_load_ends_it_with_status_0_and_loses_nothing(tmp_path: Path) -> None:
    with GrpcSink() as sink, load() as sending, Service(tmp_path, forward=sink.url) as program:
        for _ in range(5):
            sending.send_to(program)
            sending.goes_on()
            ends_in_time(program)
            sending.send_to(None)
            assert "Traceback" not in program.log
            program.start()
        end_well(program, sending, sink)
