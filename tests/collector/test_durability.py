"""Acknowledged means durable: kills, faults of the disk, signals, and starts that must fail."""

import random
import resource
import shutil
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.rpc.code_pb2 import UNAVAILABLE
from google.rpc.status_pb2 import Status

from clawtrace_otel.collector.journal import sqlite as journal
from clawtrace_otel.collector.journal.tables import VERSION
from clawtrace_otel.tracecard.read import card_paths, read_card
from tests.collector import otlp, peers, sinks
from tests.collector.peers import InProcess, Program, export, post, refused
from tests.collector.sinks import GrpcSink


class Load:
    """Senders that export one-call traces until the service is gone.

    Attributes:
        acknowledged: numbers of the traces whose export was answered OK.
    """

    def __init__(self, program: Program, first: int, senders: int = 4) -> None:
        self.acknowledged: list[int] = []
        self._address = program.grpc
        self._threads = [
            threading.Thread(target=self._send, args=(range(first + n, first + 5000, senders),))
            for n in range(senders)
        ]
        for thread in self._threads:
            thread.start()

    def _send(self, numbers: range) -> None:
        with peers.channel(self._address) as opened:
            call = opened.unary_unary(peers.TRACES)
            for n in numbers:
                try:
                    call(otlp.body(*otlp.run(n)), timeout=20)
                except grpc.RpcError:
                    return
                self.acknowledged.append(n)

    def is_under_way(self) -> bool:
        return len(self.acknowledged) > 20

    def join(self) -> None:
        for thread in self._threads:
            thread.join()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_acknowledged_span_survives_kills_under_load(tmp_path: Path) -> None:
    """After each kill and a last restart, every acknowledged trace has one complete card."""
    acknowledged: list[int] = []
    r = random.Random(1)
    for n in range(5):
        with Program(tmp_path) as program:
            load = Load(program, 1 + n * 5000)
            peers.until(load.is_under_way)
            time.sleep(r.uniform(0, 0.5))
            program.end(signal.SIGKILL)
            load.join()
        acknowledged += load.acknowledged
    with Program(tmp_path) as program:
        assert program.end() == 0
    cards = {path.stem: read_card(path) for path in card_paths(program.cards)}
    assert len(acknowledged) > 100
    for n in acknowledged:
        card = cards[otlp.trace_id(n)]
        assert (card["status"], len(card["steps"]), card["revision"]) == ("complete", 4, 1)
        assert card["total"]["llm_calls"] == 2


def test_what_was_acknowledged_before_a_kill_has_its_card_after_the_restart(
    tmp_path: Path,
) -> None:
    with Program(tmp_path, settle_seconds=60) as program:
        export(program.grpc, otlp.body(*otlp.run()[:-1]))
        assert post(program.http, otlp.body(otlp.root())).status == 200
        program.end(signal.SIGKILL)
    assert card_paths(program.cards) == []
    with InProcess(tmp_path) as service:
        card = peers.card(service.cards, where=peers.is_complete)
    assert (len(card["steps"]), card["revision"]) == (4, 1)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the journal."""
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


def test_what_the_journal_cannot_take_is_not_acknowledged_and_not_taken_for_a_duplicate_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_BUSY_SECONDS", 0.1)
    content = otlp.body(*otlp.run())
    with GrpcSink() as sink, InProcess(tmp_path, forward=sink.url) as service:
        with locked(service.journal):
            error = refused(service.grpc, content)
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            assert peers.retry_seconds(peers.status_of(error)) > 0
            answer = post(service.http, content)
            assert (answer.status, Status.FromString(answer.body).code) == (503, UNAVAILABLE)
            assert int(answer.headers["Retry-After"]) > 0
        export(service.grpc, content)
        card = peers.card(service.cards, where=peers.is_complete)
        spans = peers.until(lambda: found if len(found := otlp.spans_of(sink.taken)) >= 5 else None)
    assert len(card["steps"]) == 4
    assert len(spans) == 5


def test_a_request_whose_sender_gave_up_still_counts_as_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else senders that give up and try again would fill the memory."""
    monkeypatch.setattr(journal, "_BUSY_SECONDS", 2.0)
    content = otlp.body(*otlp.run())
    with InProcess(tmp_path, max_pending_bytes=len(content) + 1) as service:
        with locked(service.journal):
            with peers.channel(service.grpc) as opened, pytest.raises(grpc.RpcError) as caught:
                opened.unary_unary(peers.TRACES)(content, timeout=0.3)
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            error = refused(service.grpc, content)
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            assert "bytes wait for the journal already" in str(error.details())
        peers.until(lambda: post(service.http, content).status == 200)


@contextmanager
def full_disk(program: Program, size: int) -> Iterator[None]:
    """No file of the process can grow beyond ``size``: writes fail as on a full disk."""
    _, hard = resource.prlimit(program.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (hard, hard))


def test_a_full_disk_is_not_acknowledged_and_is_got_over(tmp_path: Path) -> None:
    content = otlp.body(*otlp.run())
    with Program(tmp_path) as program:
        export(program.grpc, otlp.body(*otlp.run(2)))
        peers.card(program.cards, 2, where=peers.is_complete)
        with full_disk(program, 50_000):
            error = refused(program.grpc, content)
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            assert "cannot be written" in str(error.details())
        peers.until(lambda: post(program.http, content).status == 200)
        card = peers.card(program.cards, where=peers.is_complete)
        assert program.end() == 0
    assert len(card["steps"]) == 4


def test_a_damaged_row_takes_no_other_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with InProcess(tmp_path, settle_seconds=60) as service:
        for step in otlp.run():
            export(service.grpc, otlp.body(step))
        export(service.grpc, otlp.body(*otlp.run(2)))
    other = sqlite3.connect(service.journal)
    other.execute("UPDATE deliveries SET data = x'c1' WHERE id = 2")
    other.commit()
    other.close()
    shutil.rmtree(service.cards)
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(otlp.llm(7, 1, 1)))
        export(service.grpc, otlp.body(otlp.llm(7, 2, 1)))
        card = peers.card(service.cards, 1, where=peers.is_complete)
        peers.card(service.cards, 2, where=peers.is_complete)
    assert len(card["steps"]) == 4
    assert f"delivery 2 of trace {otlp.trace_id(1)} is damaged" in caplog.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_writes_everything_and_ends_with_status_0(tmp_path: Path, number: int) -> None:
    """Cards of running traces say open, and what waits is sent on."""
    with GrpcSink() as sink, Program(tmp_path, settle_seconds=60, forward=sink.url) as program:
        export(program.grpc, otlp.body(*otlp.run()))
        export(program.grpc, otlp.body(otlp.llm(2, 2, 1)))
        assert program.end(number) == 0
        assert len(otlp.spans_of(sink.taken)) == 6
    assert peers.card(program.cards, 1)["status"] == "complete"
    assert peers.card(program.cards, 2)["status"] == "open"
    assert "Traceback" not in program.log


@pytest.mark.slow
def test_a_signal_ends_the_service_although_a_sender_stalls(tmp_path: Path) -> None:
    """A request whose body never comes is given up."""
    with Program(tmp_path) as program:
        host, _, port = program.http.partition(":")
        with socket.create_connection((host, int(port))) as stalled:
            head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {peers.PROTOBUF}\r\n"
            stalled.sendall(f"{head}Content-Length: 100\r\n\r\n".encode())
            export(program.grpc, otlp.body(*otlp.run()))
            before = time.monotonic()
            assert program.end() == 0
    assert time.monotonic() - before < 20
    assert peers.card(program.cards)["status"] == "complete"


@pytest.mark.slow
def test_a_signal_ends_the_service_although_the_receiver_behind_it_is_down(
    tmp_path: Path,
) -> None:
    """What was not sent on is sent after the next start."""
    down = f"http://127.0.0.1:{sinks.free_port()}"
    with Program(tmp_path, forward=down) as program:
        export(program.grpc, otlp.body(*otlp.run()))
        assert program.end() == 0
    assert "stays in the journal" in program.log
    with GrpcSink() as sink, InProcess(tmp_path, forward=sink.url):
        peers.until(lambda: len(otlp.spans_of(sink.taken)) == 5)


def failed_start(program: Program) -> str:
    """Start; the one line that says why it ended with status 1."""
    program.launch()
    assert program.wait() == 1
    assert "Traceback" not in program.log
    lines = [line for line in program.log.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, program.log
    return lines[0]


def test_a_card_folder_that_cannot_be_written_to_is_an_error_at_start(tmp_path: Path) -> None:
    (tmp_path / "cards").write_text("in the way")
    message = failed_start(Program(tmp_path))
    assert f"cards cannot be written to {tmp_path / 'cards'}" in message


@pytest.mark.parametrize("name", ["grpc", "http"])
def test_a_port_that_is_taken_is_an_error_at_start(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        message = failed_start(Program(tmp_path, **{name: address}))
    assert f"cannot listen on {address}" in message
    assert f"choose another with --{name}" in message


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:port", "127.0.0.1:99999"])
@pytest.mark.parametrize("name", ["grpc", "http"])
def test_an_address_that_is_none_is_an_error_at_start(
    tmp_path: Path, name: str, address: str
) -> None:
    assert f"cannot listen on {address}" in failed_start(Program(tmp_path, **{name: address}))


def test_a_journal_that_is_no_journal_is_an_error_at_start(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_text("this is a text, and a long one at that" * 100)
    assert f"the journal {path} cannot be opened: file is not a database" in failed_start(
        Program(tmp_path)
    )


def test_a_journal_of_a_newer_version_is_an_error_at_start(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    message = failed_start(Program(tmp_path))
    assert f"the journal {path} has version {VERSION + 1}" in message


def test_a_journal_without_its_tables_is_an_error_at_start(tmp_path: Path) -> None:
    """Some other program's file that happens to have our version number."""
    path = tmp_path / "journal.db"
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA user_version = {VERSION}")
    other.close()
    assert f"the journal {path} cannot be read: no such table" in failed_start(Program(tmp_path))
