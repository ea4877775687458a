"""A damaged SQLite file: what can still be read is saved, and the service says what happened."""

import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from clawtrace_otel.collector.journal.log_file import read_log
from clawtrace_otel.collector.journal.pages import Pages
from clawtrace_otel.collector.journal.rescue import mark_damaged
from clawtrace_otel.errors import JournalError
from tests.journal.conftest import Open
from tests.journal.damage import (
    CLOSED,
    FRAME_BYTES,
    PAGE_BYTES,
    REMOVED,
    TRACES,
    Files,
    Key,
    deliveries_of_a_killed_service,
    files_of_a_killed_service,
)
from tests.journal.deliveries import steps

SEEDS = [*range(2), *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 50))]


def held_by(path: Path) -> dict[Key, bytes]:
    """The deliveries that a file has."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT trace, part, number, data FROM deliveries").fetchall()
    return {(trace, part, number): data for trace, part, number, data in rows}


def check_saved(path: Path, files: Files, open_at: Open) -> set[Key]:
    """All that stands on an untouched page is there and can be read; what is missing."""
    journal = open_at(str(path))
    expected = deliveries_of_a_killed_service()
    found = held_by(path)
    missing = {key for key in expected if found.get(key) != expected[key]}
    # Rows of more than a page lie on several, which this does not look for.
    assert not [k for k in missing if len(expected[k]) < 4000 and files.holds(expected[k])]
    missed = {key[0].hex() for key in missing}
    for trace in set(TRACES) - set(REMOVED) - missed:
        assert journal.read(trace).damaged == 0
        assert journal.read(trace).mark.closed == (trace in CLOSED)
    for trace in missed - set(REMOVED):
        journal.read(trace)  # and does not raise
    for trace in (TRACES[-1], REMOVED[0]):
        assert journal.append(steps(999, trace=trace))
    return missing


def test_pages_show_the_rows_that_sqlite_shows(tmp_path: Path) -> None:
    path = files_of_a_killed_service().write(tmp_path)
    with closing(Pages(path, read_log(Path(f"{path}-wal")))) as pages:
        rows = list(pages.rows())
    deliveries = {
        row.values[1:4]: row.values[4]
        for row in rows
        if len(row.values) == 5 and row.values[0] is None
    }
    assert deliveries == deliveries_of_a_killed_service()
    with closing(sqlite3.connect(path)) as db:
        traces = set(db.execute("SELECT * FROM traces").fetchall())
        forwards = set(db.execute("SELECT * FROM forwards").fetchall())
    assert {row.values for row in rows if len(row.values) == 13} == traces
    found = [row for row in rows if row.key is not None and len(row.values) == 3]
    assert {(row.key, *row.values[1:]) for row in found} == forwards


def test_the_log_of_a_killed_service_is_no_damage(
    tmp_path: Path, open_at: Open, caplog: pytest.LogCaptureFixture
) -> None:
    path = files_of_a_killed_service().write(tmp_path)
    log = read_log(Path(f"{path}-wal"))
    assert len(log.frames) > 100
    assert not log.is_damaged
    assert check_saved(path, files_of_a_killed_service(), open_at) == set()
    assert caplog.records == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_that_was_cut_off_is_rescued(
    seed: int, tmp_path: Path, open_at: Open, caplog: pytest.LogCaptureFixture
) -> None:
    r = random.Random(seed)
    whole = files_of_a_killed_service()
    files = whole.cut("", r.randrange(PAGE_BYTES, len(whole.parts[""])))
    path = files.write(tmp_path)
    if check_saved(path, files, open_at):
        assert f"the journal {path} is damaged" in caplog.text
        assert Path(f"{path}.damaged-1").read_bytes() == files.parts[""]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_with_changed_bytes_is_rescued(
    seed: int, tmp_path: Path, open_at: Open, caplog: pytest.LogCaptureFixture
) -> None:
    r = random.Random(seed)
    files = files_of_a_killed_service().flip("", r, r.choice([1, 3, 30]))
    path = files.write(tmp_path)
    if check_saved(path, files, open_at):
        assert "damaged" in caplog.text


@pytest.mark.parametrize("seed", SEEDS)
def test_a_log_with_changed_bytes_loses_only_those(
    seed: int, tmp_path: Path, open_at: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite would leave out all that was committed after the first of them."""
    r = random.Random(seed)
    whole = files_of_a_killed_service()
    # What is changed in the last transaction looks like a write that was cut off.
    files = whole.flip("-wal", r, r.choice([1, 3, 10]), before=12 * FRAME_BYTES)
    path = files.write(tmp_path)
    check_saved(path, files, open_at)
    assert f"the journal {path} is damaged" in caplog.text


@pytest.mark.parametrize("seed", SEEDS)
def test_a_log_that_was_cut_off_is_read_up_to_its_last_commit(
    seed: int, tmp_path: Path, open_at: Open
) -> None:
    whole = files_of_a_killed_service()
    at = random.Random(seed).randrange(len(whole.parts["-wal"]))
    files = whole.cut("-wal", at)
    path = files.write(tmp_path)
    log = read_log(Path(f"{path}-wal"))
    assert not log.is_damaged
    before = held_by(files_of_a_killed_service().cut("-wal", 0).write(_folder(tmp_path, "before")))
    expected = deliveries_of_a_killed_service()
    open_at(str(path))
    found = held_by(path)
    assert before.items() <= found.items() <= expected.items()


def _folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


def test_a_file_of_no_bytes_is_rescued_from_its_log(
    tmp_path: Path, open_at: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite would take it for a new one and remove the log."""
    files = files_of_a_killed_service().cut("", 0)
    path = files.write(tmp_path)
    missing = check_saved(path, files, open_at)
    assert len(missing) < len(deliveries_of_a_killed_service())
    assert f"the journal {path} is damaged" in caplog.text


def test_what_is_no_sqlite_file_any_more_is_refused_and_left_alone(
    tmp_path: Path, open_at: Open
) -> None:
    files = files_of_a_killed_service()
    parts = {"": b"SQLITE?!" + files.parts[""][8:], "-wal": b""}
    broken = Files(parts, files.flipped)
    path = broken.write(tmp_path)
    with pytest.raises(JournalError, match="file is not a database"):
        open_at(str(path))
    assert path.read_bytes() == broken.parts[""]


def test_forwards_are_saved_with_their_ids(tmp_path: Path, open_at: Open) -> None:
    path = files_of_a_killed_service().write(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        expected = db.execute("SELECT id, request FROM forwards ORDER BY id").fetchall()
    mark_damaged(path)
    journal = open_at(str(path))
    for forward in expected:
        assert journal.next_forward() == forward
        journal.forwarded(forward[0])
    assert journal.next_forward() is None


_KILLED = """
import os, signal, sys
from pathlib import Path
from clawtrace_otel.collector.journal.sqlite import SqliteJournal

calls = int(sys.argv[2])
real = Path.rename
def counting(*arguments):
    global calls
    calls -= 1
    if calls < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)
Path.rename = counting
SqliteJournal(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("renames", [pytest.param(0, marks=pytest.mark.slow), 1, 2, 3])
def test_a_rescue_that_is_killed_is_done_by_the_next_start(
    renames: int, tmp_path: Path, open_at: Open
) -> None:
    files = files_of_a_killed_service().flip("-wal", random.Random(1), 1)
    path = files.write(tmp_path)
    command = [sys.executable, "-c", _KILLED, str(path), str(renames)]
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    check_saved(path, files, open_at)
    assert Path(f"{path}.damaged-1").exists()
    assert not Path(f"{path}.rescued").exists()


def test_of_a_trace_whose_row_is_lost_a_delivery_counts_as_missing(
    tmp_path: Path, open_at: Open
) -> None:
    """Nobody knows how many there were, and what its card had."""
    files = files_of_a_killed_service()
    path = files.write(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM traces WHERE trace = ?", (bytes.fromhex(CLOSED[0]),))
        db.commit()
    mark_damaged(path)
    record = open_at(str(path)).read(CLOSED[0])
    assert (len(record.steps), record.damaged, bool(record.mark.digest)) == (8, 1, True)


def test_a_mark_has_a_sound_file_rebuilt_without_loss(tmp_path: Path, open_at: Open) -> None:
    path = files_of_a_killed_service().write(tmp_path)
    mark_damaged(path)
    assert check_saved(path, files_of_a_killed_service(), open_at) == set()
    assert not Path(f"{path}.damaged").exists()
