"""Disks fill up, folders turn read-only or vanish, and others lock the journal: all is got over."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.collector import otlp, peers
from tests.collector.faults import disk
from tests.collector.faults.expect import all_is_well, busy, ends_in_time, is_told
from tests.collector.faults.ledger import check_forwarded, count_taken
from tests.collector.faults.load import load
from tests.collector.faults.service import Service
from tests.collector.peers import export
from tests.collector.sinks import GrpcSink

QUICK_LOCK = ("--set", "clawtrace_otel.collector.journal.sqlite:_BUSY_SECONDS=0.3")


@pytest.mark.slow
def test_a_full_disk_below_the_journal_is_told_and_got_over(tmp_path: Path) -> None:
    with (
        disk.small_disk(tmp_path / "disk", 24 << 20) as small,
        GrpcSink() as sink,
        Service(tmp_path, journal=small / "journal.db", forward=sink.url) as program,
        busy(program) as sending,
    ):
        program.journal = small / "journal.db"
        with disk.full(small):
            is_told(program, sending, "journal", "cannot be written: database or disk is full")
        all_is_well(program, sending)
        peers.until(lambda: count_taken(sink.taken) >= sending.ledger.spans())
        check_forwarded(sending.ledger, sink.requests, sink.taken)


@pytest.mark.slow
def test_a_full_disk_below_the_cards_is_told_and_got_over(tmp_path: Path) -> None:
    with (
        disk.small_disk(tmp_path / "cards", 24 << 20) as small,
        Service(tmp_path) as program,
        busy(program) as sending,
    ):
        with disk.full(small):
            is_told(program, sending, "cards", "cannot be written: [Errno 28] No space left")
        program.says("cards can be written again")
        all_is_well(program, sending)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["journal", "cards"])
def test_a_service_ends_while_its_disk_is_full_and_loses_nothing_by_it(
    tmp_path: Path, place: str
) -> None:
    with disk.small_disk(tmp_path / "disk", 24 << 20) as small, load() as sending:
        where = small / place
        with Service(tmp_path, (), None, **{place: where}) as program:
            setattr(program, place, where)
            sending.send_to(program)
            sending.goes_on()
            with disk.full(small):
                is_told(program, sending, place, "cannot be written")
                sending.send_to(None)
                ends_in_time(program)
            program.start()
            sending.send_to(program)
            all_is_well(program, sending)


def test_a_journal_on_a_full_disk_is_an_error_at_start(tmp_path: Path) -> None:
    with disk.small_disk(tmp_path / "disk", 1 << 20) as small, disk.full(small):
        program = Service(tmp_path, journal=small / "journal.db")
        program.launch()
        assert program.wait() == 1
        (line,) = program.log.splitlines()
    assert line.startswith(f"Error: the journal {small / 'journal.db'} cannot be opened: ")


@pytest.mark.slow
@pytest.mark.parametrize("way", disk.OBSTACLES.values(), ids=disk.OBSTACLES)
def test_a_card_folder_that_cannot_be_written_to_is_told_and_got_over_when(
    tmp_path: Path, way: Callable[[Path], AbstractContextManager[None]]
) -> None:
    with Service(tmp_path) as program, busy(program) as sending:
        with way(program.cards):
            is_told(program, sending, "cards", "cannot be written")
        program.says("cards can be written again")
        all_is_well(program, sending)


@pytest.mark.slow
def test_a_service_ends_although_its_card_folder_is_gone_and_writes_the_cards_later(
    tmp_path: Path,
) -> None:
    with Service(tmp_path) as program, busy(program) as sending:
        with disk.moved_away(program.cards):
            is_told(program, sending, "cards", "cannot be written")
            sending.send_to(None)
            ends_in_time(program)
        program.start()
        sending.send_to(program)
        all_is_well(program, sending)


@pytest.mark.slow
def test_a_journal_that_another_program_locks_is_told_and_got_over(tmp_path: Path) -> None:
    with (
        GrpcSink() as sink,
        Service(tmp_path, QUICK_LOCK, forward=sink.url) as program,
        busy(program) as sending,
    ):
        with disk.locked(program.journal):
            is_told(program, sending, "journal", "database is locked")
        sending.finish()
        peers.until(lambda: count_taken(sink.taken) >= sending.ledger.spans(), 60)
        check_forwarded(sending.ledger, sink.requests, sink.taken)
        ends_in_time(program)
        sending.ledger.check(program.cards, program.journal)


@pytest.mark.slow
def test_a_lock_of_some_seconds_makes_senders_wait_and_nothing_else(tmp_path: Path) -> None:
    with Service(tmp_path) as program, busy(program) as sending:
        with disk.locked(program.journal):
            time.sleep(3)
        all_is_well(program, sending)
        assert sending.refusals == []


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_service_ends_although_another_program_locks_its_journal(tmp_path: Path) -> None:
    """Even if many cards are due, each of which it would wait for."""
    with Service(tmp_path, settle_seconds=60) as program, busy(program) as sending:
        sending.goes_on(500)
        with disk.locked(program.journal):
            sending.send_to(None)
            ends_in_time(program)
        program.start()
        sending.send_to(program)
        all_is_well(program, sending)


def is_removed(journal: Path, trace: int) -> bool:
    """Whether the time to keep a trace is over."""
    other = sqlite3.connect(journal)
    try:
        sql = "SELECT removed FROM traces WHERE hex(trace) = ?"
        return bool(other.execute(sql, (otlp.trace_id(trace),)).fetchone() == (1,))
    finally:
        other.close()


def test_a_card_in_a_folder_that_was_away_for_a_while_is_not_written_over(tmp_path: Path) -> None:
    """As when a disk is not mounted for a while; its trace must not be taken for a new one."""
    with Service(tmp_path, retention_seconds=0.5) as program:
        export(program.grpc, otlp.body(*otlp.run()))
        peers.until(lambda: is_removed(program.journal, 1))
        with disk.moved_away(program.cards):
            program.cards.mkdir()
            time.sleep(1)
        export(program.grpc, otlp.body(otlp.llm(7, 1, 1)))
        peers.until((program.cards / f"{otlp.trace_id(1)}-2.yaml").exists)
        assert peers.card(program.cards)["total"]["llm_calls"] == 2
