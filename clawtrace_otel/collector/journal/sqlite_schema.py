"""The SQLite file: how it is opened, its tables, and its way from older versions."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from clawtrace_otel.collector.journal.rows import Row, encode_row, seal
from clawtrace_otel.collector.journal.tables import VERSION
from clawtrace_otel.errors import JournalError
from clawtrace_otel.semconv.step import Evaluation, decode_steps

MAX_LOG_BYTES = 64 << 20
"""To which the write-ahead log is cut back after a checkpoint."""

TABLES = """
CREATE TABLE traces(
  trace BLOB NOT NULL,
  part INTEGER NOT NULL,
  changes INTEGER NOT NULL DEFAULT 1,   -- deliveries so far
  compiled INTEGER NOT NULL DEFAULT 0,  -- deliveries that the last card knew
  steps INTEGER NOT NULL DEFAULT 0,     -- that were delivered
  revision INTEGER NOT NULL DEFAULT 1,
  digest BLOB NOT NULL DEFAULT x'',
  closed INTEGER NOT NULL DEFAULT 0,
  closed_at REAL NOT NULL DEFAULT 0,    -- Unix seconds
  removed INTEGER NOT NULL DEFAULT 0,
  card TEXT NOT NULL DEFAULT '',        -- that it shares with others
  session TEXT NOT NULL DEFAULT '',
  cost INTEGER NOT NULL DEFAULT 0,      -- 1e-12 USD
  PRIMARY KEY(trace, part)
) WITHOUT ROWID;
CREATE INDEX traces_unfinished ON traces(trace, part) WHERE compiled < changes OR closed = 0;
CREATE INDEX traces_kept ON traces(closed_at) WHERE removed = 0;
CREATE INDEX traces_of_card ON traces(card) WHERE card != '';
CREATE INDEX traces_of_session ON traces(session) WHERE session != '';
CREATE TABLE deliveries(
  id INTEGER PRIMARY KEY,
  trace BLOB NOT NULL,
  part INTEGER NOT NULL,
  number INTEGER NOT NULL,
  data BLOB NOT NULL
);
CREATE UNIQUE INDEX deliveries_of_trace ON deliveries(trace, part, number);
CREATE TABLE spans(
  trace BLOB NOT NULL, span TEXT NOT NULL, PRIMARY KEY(trace, span)) WITHOUT ROWID;
CREATE TABLE forwards(id INTEGER PRIMARY KEY, request BLOB NOT NULL);
CREATE TABLE notices(notice TEXT PRIMARY KEY) WITHOUT ROWID;
"""


def connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """A connection with the settings that durability rests on.

    Raises:
        sqlite3.Error: the file cannot be opened, or is no SQLite file.
    """
    is_new = not path.exists() or not path.stat().st_size
    # One thread uses it, another closes it at the end.
    connection = sqlite3.connect(
        path, timeout=busy_seconds, isolation_level=None, check_same_thread=False
    )
    try:
        if is_new:
            # Space is given back to the disk only if this is said before there is a table.
            connection.execute("PRAGMA page_size = 16384")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            f"journal_size_limit = {MAX_LOG_BYTES}",
        ):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Make the tables, or bring those of an older version up to date.

    Raises:
        JournalError: the file was made by a newer version.
        sqlite3.Error: it cannot be read or written.
    """
    (found,) = db.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        msg = f"the journal {path} has version {found}; this program knows {VERSION}"
        raise JournalError(msg)
    db.execute("BEGIN IMMEDIATE")
    try:
        for version in range(found, VERSION):
            _STEPS[version](db)
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    if found == 1:
        # Else the space of what is removed would never be given back.
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("VACUUM")


def create_tables(db: sqlite3.Connection) -> None:
    """Make all tables within the transaction that is open."""
    for statement in TABLES.split(";\n"):
        db.execute(statement)


def _nothing_yet(db: sqlite3.Connection) -> None:
    """The first version is not made any more; an empty file goes straight to the second."""
    del db


def _from_first(db: sqlite3.Connection) -> None:
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    if not tables:
        create_tables(db)
        return
    for table in ("traces", "forwards"):
        db.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    create_tables(db)
    db.execute(
        "INSERT INTO traces(trace, part, changes, compiled, revision, digest, closed) "
        "SELECT trace, 1, 0, 0, revision, digest, closed FROM old_traces"
    )
    for trace, data in db.execute("SELECT trace, steps FROM steps ORDER BY id"):
        _deliver(db, trace, data, lambda data: Row(steps=decode_steps(data)))
    for trace, data in db.execute("SELECT trace, evaluation FROM evaluations"):
        _deliver(db, trace, data, lambda data: Row(evaluations=[_evaluation.decode(data)]))
    db.execute(
        "UPDATE traces SET compiled = changes WHERE trace IN "
        "(SELECT trace FROM old_traces AS o WHERE o.compiled >= o.changes)"
    )
    db.execute("DELETE FROM traces WHERE changes = 0")
    for forward_id, request in db.execute("SELECT id, request FROM old_forwards"):
        db.execute("INSERT INTO forwards VALUES (?, ?)", (forward_id, seal(request)))
    for table in ("old_traces", "old_forwards", "steps", "evaluations"):
        db.execute(f"DROP TABLE {table}")


_evaluation = msgspec.msgpack.Decoder(Evaluation)


def _deliver(
    db: sqlite3.Connection, trace: bytes, data: bytes, read: Callable[[bytes], Row]
) -> None:
    try:
        row = read(data)
    except msgspec.MsgspecError:
        return  # a damaged row stays behind
    db.execute(
        "UPDATE traces SET changes = changes + 1, steps = steps + ? WHERE trace = ? AND part = 1",
        (len(row.steps), trace),
    )
    db.execute(
        "INSERT INTO deliveries(trace, part, number, data) "
        "SELECT trace, part, changes, ? FROM traces WHERE trace = ? AND part = 1",
        (encode_row(row), trace),
    )


_STEPS = (_nothing_yet, _from_first)
"""For each version: what leads to the next."""
