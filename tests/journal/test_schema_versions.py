"""A journal of an older version is brought up to date; one of a newer version is refused."""

import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from clawtrace_otel.collector.journal.interface import Place
from clawtrace_otel.collector.journal.tables import VERSION
from clawtrace_otel.errors import JournalError
from clawtrace_otel.exporters.card_folder import CardMark
from tests.collector import otlp, peers
from tests.collector.peers import InProcess
from tests.journal import version_1
from tests.journal.conftest import Open
from tests.journal.deliveries import A, ids, steps
from tests.journal.peers import rows_of, sql
from tests.journal.version_1 import CLOSED, DIGEST, FORWARDS, LATE, OPEN, TOLD


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """A file of version 1."""
    path = tmp_path / "journal.db"
    version_1.make_file(path)
    return path


def check_all_is_there(path: Path, open_at: Open) -> None:
    journal = open_at(str(path))
    for trace, deliveries in version_1.STEPS.items():
        record = journal.read(trace)
        numbers = [n for delivery in deliveries for n in delivery]
        assert record.steps == [version_1.llm_step(n, trace) for n in numbers]
        assert {e.name for e in record.evaluations} == {
            e.name for e in version_1.EVALUATIONS.get(trace, [])
        }
        assert record.damaged == 0
    assert set(journal.unfinished()) == {OPEN, TOLD, LATE}
    assert journal.read(CLOSED).mark == CardMark(3, DIGEST, closed=True)
    assert journal.read(TOLD).mark == CardMark(1, DIGEST, closed=False)
    for body in FORWARDS:
        found = journal.next_forward()
        assert found is not None
        assert found[1] == body
        journal.forwarded(found[0])
    assert journal.next_forward() is None
    assert sql(str(path), "PRAGMA user_version") == [(VERSION,)]
    assert sql(str(path), "PRAGMA auto_vacuum") == [(2,)]


def test_all_that_version_1_held_is_in_version_2(old_file: Path, open_at: Open) -> None:
    check_all_is_there(old_file, open_at)
    tables = {name for (name,) in sql(str(old_file), "SELECT name FROM sqlite_master")}
    assert not {"steps", "evaluations", "old_traces", "old_forwards"} & tables


def test_a_trace_of_version_1_goes_on_and_is_not_removed_before_its_time(
    old_file: Path, open_at: Open
) -> None:
    journal = open_at(str(old_file))
    assert journal.append(steps(7, trace=CLOSED)) == {CLOSED: [Place(1, 3, late=True)]}
    assert journal.expired(1e9, 10) == []


def test_a_damaged_row_of_version_1_is_missed_in_version_2(old_file: Path, open_at: Open) -> None:
    """Else the card that knew it would be replaced by a smaller one."""
    sql(str(old_file), "UPDATE steps SET steps = x'c1' WHERE id = 2")
    record = open_at(str(old_file)).read(CLOSED)
    assert (ids(record.steps), record.damaged) == ([1, 2], 1)


_KILLED = """
import os, signal, sys
from pathlib import Path
from clawtrace_otel.collector.journal import sqlite_schema
from clawtrace_otel.collector.journal.sqlite import SqliteJournal

name, calls = sys.argv[2], int(sys.argv[3])
real = getattr(sqlite_schema, name)
def counting(*arguments):
    global calls
    calls -= 1
    if calls < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)
setattr(sqlite_schema, name, counting)
SqliteJournal(Path(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("function", "calls"), [("_deliver", 0), ("_deliver", 7), ("_give_space_back", 0)]
)
def test_a_migration_that_is_killed_is_done_by_the_next_start(
    old_file: Path, open_at: Open, function: str, calls: int
) -> None:
    command = [sys.executable, "-c", _KILLED, str(old_file), function, str(calls)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    expected = 1 if function == "_deliver" else VERSION
    with closing(sqlite3.connect(old_file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (expected,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if expected == 1:
            rows = db.execute("SELECT COUNT(*) FROM steps").fetchone()
            assert rows == (sum(map(len, version_1.STEPS.values())),)
    check_all_is_there(old_file, open_at)


def test_a_service_writes_the_cards_of_what_version_1_left(old_file: Path) -> None:
    with InProcess(old_file.parent) as service:
        for trace, numbers in ((2, [1]), (3, [1]), (4, [1, 2, 3])):
            card = peers.card(service.cards, trace)
            assert card["total"]["llm_calls"] == len(numbers)
        peers.export(service.grpc, otlp.body(otlp.llm(9, 1)))
        late = peers.card(service.cards, 1)
    assert (late["total"]["llm_calls"], late["revision"]) == (4, 4)


def test_a_newer_version_is_refused_and_left_as_it_is(address: str, open_at: Open) -> None:
    journal = open_at(address)
    journal.append(steps(1))
    journal.close()
    newer = VERSION + 1
    is_postgres = "://" in address
    sql(
        address,
        f"UPDATE version SET version = {newer}"
        if is_postgres
        else f"PRAGMA user_version = {newer}",
    )
    with pytest.raises(JournalError, match=f"has version {newer}; this program knows {VERSION}"):
        open_at(address)
    assert rows_of(address)["deliveries"] == 1


def test_replicas_that_start_at_once_on_an_empty_database_all_work(
    postgres_url: str, open_at: Open
) -> None:
    with ThreadPoolExecutor(6) as pool:
        replicas = list(pool.map(open_at, [postgres_url] * 6))
    places = [replica.append(steps(n))[A][0].number for n, replica in enumerate(replicas)]
    assert places == [1, 2, 3, 4, 5, 6]
    assert sql(postgres_url, "SELECT version FROM version") == [(VERSION,)]


def test_the_next_version_of_the_database_is_reached_by_its_statements_once(
    postgres_url: str, open_at: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the one after this will be."""
    from clawtrace_otel.collector.journal import postgres

    open_at(postgres_url).append(steps(1))
    monkeypatch.setattr(postgres, "VERSION", VERSION + 1)
    statements = (
        "ALTER TABLE traces ADD note TEXT NOT NULL DEFAULT '';\nCREATE TABLE more(n INT);\n"
    )
    monkeypatch.setitem(postgres._MIGRATIONS, VERSION, (VERSION + 1, statements))
    for _ in range(2):
        journal = open_at(postgres_url)
    assert ids(journal.steps(A)) == [1]
    assert sql(postgres_url, "SELECT version FROM version") == [(VERSION + 1,)]
    assert sql(postgres_url, "SELECT note FROM traces") == [("",)]


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    postgres_url: str, open_at: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clawtrace_otel.collector.journal import postgres

    open_at(postgres_url).append(steps(1))
    with monkeypatch.context() as patched:
        patched.setattr(postgres, "VERSION", VERSION + 1)
        statements = "ALTER TABLE traces ADD note TEXT;\nALTER TABLE nothing ADD note TEXT;\n"
        patched.setitem(postgres._MIGRATIONS, VERSION, (VERSION + 1, statements))
        with pytest.raises(JournalError, match="nothing"):
            open_at(postgres_url)
    assert ids(open_at(postgres_url).steps(A)) == [1]
    assert sql(postgres_url, "SELECT version FROM version") == [(VERSION,)]
