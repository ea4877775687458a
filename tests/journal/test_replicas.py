"""Several services on one PostgreSQL: whoever takes a span, it is on the one card of its trace."""

import signal
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from traceback import format_exception

import grpc
import pytest

from clawtrace_otel.collector.journal.open import open_journal
from clawtrace_otel.collector.journal.postgres import PostgresJournal
from clawtrace_otel.errors import ConfigError
from tests.collector import otlp, peers, sinks
from tests.collector.peers import InProcess, Program
from tests.collector.sinks import GrpcSink
from tests.journal.peers import sql
from tests.journal.replicas import CALLS, Senders, check_cards, replicas, shared, spans_of
from tests.postgres import PASSWORD, Postgres

SPANS = CALLS + 1


def check_forwarded(sink: GrpcSink, traces: range, *, resent: bool = False) -> None:
    """Each span was sent on; what was sent twice is the same byte by byte."""
    expected = {(otlp.trace_id(t), s.span_id) for t in traces for s in spans_of(t)}

    def requests_of() -> dict[tuple[str, bytes], list[bytes]]:
        found = defaultdict(list)
        for request in list(sink.taken):
            for span in otlp.spans_of([request]):
                found[span.trace_id.hex(), span.span_id].append(request)
        return found

    peers.until(lambda: requests_of().keys() == expected, 30)
    found = requests_of()
    assert all(len(set(requests)) == 1 for requests in found.values())
    if not resent:
        assert all(len(requests) == 1 for requests in found.values())


def test_two_services_write_one_card_of_what_both_take(tmp_path: Path, postgres_url: str) -> None:
    given = shared(tmp_path, postgres_url)
    for n in (1, 2):
        (tmp_path / str(n)).mkdir()
    with (
        GrpcSink() as sink,
        InProcess(tmp_path / "1", **given | {"forward": sink.url}) as one,
        InProcess(tmp_path / "2", **given | {"forward": sink.url}) as two,
    ):
        traces = range(1, 9)
        Senders([one.grpc, two.grpc], traces, threads=2).start().join()
        check_cards(tmp_path / "cards", traces)
        check_forwarded(sink, traces)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("count", [2, 3])
def test_each_trace_has_one_card_whoever_took_its_spans(
    tmp_path: Path, postgres_url: str, count: int
) -> None:
    traces = range(1, 101)
    with (
        GrpcSink() as sink,
        replicas(tmp_path, count, postgres_url, forward=sink.url) as programs,
    ):
        Senders([program.grpc for program in programs], traces).start().join()
        check_cards(tmp_path / "cards", traces)
        check_forwarded(sink, traces)
        for program in programs:
            assert program.end() == 0
            assert "Traceback" not in program.log
    check_cards(tmp_path / "cards", traces)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_others_take_up_what_a_killed_replica_left(tmp_path: Path, postgres_url: str) -> None:
    traces = range(1, 81)
    with (
        GrpcSink() as sink,
        replicas(tmp_path, 3, postgres_url, forward=sink.url) as programs,
    ):
        senders = Senders([program.grpc for program in programs], traces).start()
        peers.until(partial(senders.has_sent, 20), 60)
        programs[0].end(signal.SIGKILL)
        senders.join()
        began = time.monotonic()
        check_cards(tmp_path / "cards", traces, 20)
        check_forwarded(sink, traces, resent=True)
        assert time.monotonic() - began < 20
    assert set(senders.refused) <= {grpc.StatusCode.UNAVAILABLE}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_a_replica_took_before_it_was_killed_is_written_by_another(
    tmp_path: Path, postgres_url: str
) -> None:
    """No span of it comes to the other one."""
    with replicas(tmp_path, 2, postgres_url, settle_seconds=1) as programs:
        peers.export(programs[0].grpc, otlp.body(*spans_of(1)))
        peers.export(programs[0].grpc, otlp.body(*spans_of(2)[:-1]))
        programs[0].end(signal.SIGKILL)
        peers.card(tmp_path / "cards", 1, where=peers.is_complete)
        open_card = peers.card(tmp_path / "cards", 2)
    assert (open_card["status"], open_card["total"]["llm_calls"]) == ("open", CALLS)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_senders_wait_while_the_database_is_away_and_nothing_is_lost(
    tmp_path: Path, postgres: Postgres, postgres_url: str, end: str
) -> None:
    traces = range(1, 81)
    with (
        GrpcSink() as sink,
        replicas(tmp_path, 2, postgres_url, forward=sink.url) as programs,
    ):
        senders = Senders([program.grpc for program in programs], traces).start()
        for share in (10, 40):
            peers.until(partial(senders.has_sent, share), 60)
            getattr(postgres, end)()
            time.sleep(1)
            postgres.start()
        senders.join()
        assert set(senders.refused) == {grpc.StatusCode.UNAVAILABLE}
        check_cards(tmp_path / "cards", traces)
        check_forwarded(sink, traces, resent=True)
        for program in programs:
            assert "requests were not acknowledged: the journal postgresql://" in program.log
            assert program.end() == 0
            assert "Traceback" not in program.log


def failed_start(folder: Path, url: str) -> str:
    """Start; the one line that says why it ended with status 1."""
    program = Program(folder, journal=url)
    program.launch()
    assert program.wait() == 1
    assert "Traceback" not in program.log
    assert PASSWORD not in program.log
    (line,) = [line for line in program.log.splitlines() if line.startswith("Error: ")]
    return line


def test_a_database_that_is_down_is_an_error_at_start(tmp_path: Path) -> None:
    port = sinks.free_port()
    url = f"postgresql://clawtrace:{PASSWORD}@127.0.0.1:{port}/clawtrace"
    error = failed_start(tmp_path, url)
    assert f"the journal postgresql://127.0.0.1:{port}/clawtrace cannot be written" in error
    assert "Connection refused" in error


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (f"postgresql://claw:{PASSWORD}/x@127.0.0.1/db", "does not understand"),
        (f"postgresql://claw:{PASSWORD}@127.0.0.1/db?pasword={PASSWORD}", "does not understand"),
        (f"postgresql://claw:x@{PASSWORD}@127.0.0.1/db", "does not understand"),
        (f"mysql://claw:{PASSWORD}@127.0.0.1/db", "begins with 'mysql://'"),
    ],
)
def test_a_url_that_is_wrong_is_an_error_without_its_password(url: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error) as caught:
        open_journal(url)
    assert PASSWORD not in "".join(format_exception(caught.value))


def test_a_wrong_password_is_an_error_at_start_and_not_shown(
    tmp_path: Path, postgres: Postgres
) -> None:
    url = postgres.url("postgres").replace(PASSWORD, f"{PASSWORD}-wrong")
    assert "password authentication failed" in failed_start(tmp_path, url)


def test_an_acknowledged_commit_is_synchronous_whatever_the_server_says(postgres_url: str) -> None:
    database = postgres_url.rpartition("/")[2]
    sql(postgres_url, f"ALTER DATABASE {database} SET synchronous_commit = off")
    journal = PostgresJournal(postgres_url)
    assert journal.query("SHOW synchronous_commit") == [("on",)]
    journal.close()
