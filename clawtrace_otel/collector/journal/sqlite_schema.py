"""The SQLite file: how it is opened, its tables, and its way from older versions."""

import logging
import sqlite3
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from clawtrace_otel.collector.journal.rows import Row, encode_row
from clawtrace_otel.collector.journal.tables import VERSION
from clawtrace_otel.errors import JournalError
from clawtrace_otel.semconv.step import Evaluation, decode_steps

_log = logging.getLogger(__name__)

_INCREMENTAL = 2

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
CREATE TABLE forwards(
  id INTEGER PRIMARY KEY, request BLOB NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE budget_notices(
  scope TEXT NOT NULL,
  id TEXT NOT NULL,
  budget INTEGER NOT NULL,              -- 1e-12 USD
  percent INTEGER NOT NULL,
  trace BLOB NOT NULL,
  at REAL NOT NULL,                     -- Unix seconds
  tries INTEGER NOT NULL DEFAULT 0,
  body TEXT,                            -- while it is to be posted
  PRIMARY KEY(scope, id, budget, percent)
) WITHOUT ROWID;
CREATE INDEX budget_notices_to_post ON budget_notices(tries, at) WHERE body IS NOT NULL;
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
        if db.in_transaction:  # SQLite itself rolls back when the disk is full
            db.execute("ROLLBACK")
        raise
    _give_space_back(db)


def _give_space_back(db: sqlite3.Connection) -> None:
    """Have the space of what is removed given back, also in a file of the first version."""
    if db.execute("PRAGMA auto_vacuum").fetchone() == (_INCREMENTAL,):
        return
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    try:
        db.execute("VACUUM")
    except sqlite3.OperationalError as e:  # it needs as much space again
        _log.warning(
            "the journal does not give space back to the disk before the next start: %s", e
        )


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
        "INSERT INTO traces(trace, part, changes, compiled, revision, digest, closed, closed_at) "
        "SELECT trace, 1, 0, 0, revision, digest, closed, ? FROM old_traces",
        (time.time(),),
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
        db.execute(
            "INSERT INTO forwards VALUES (?, ?, ?)", (forward_id, request, zlib.crc32(request))
        )
    for table in ("old_traces", "old_forwards", "steps", "evaluations"):
        db.execute(f"DROP TABLE {table}")


_evaluation = msgspec.msgpack.Decoder(Evaluation)


def _deliver(
    db: sqlite3.Connection, trace: bytes, data: bytes, read: Callable[[bytes], Row]
) -> None:
    try:
        row = read(data)
    except msgspec.MsgspecError:
        row = None  # a damaged row stays behind, and is missed
    db.execute(
        "UPDATE traces SET changes = changes + 1, steps = steps + ? WHERE trace = ? AND part = 1",
        (len(row.steps) if row else 0, trace),
    )
    if row is None:
        return
    db.execute(
        "INSERT INTO deliveries(trace, part, number, data) "
        "SELECT trace, part, changes, ? FROM traces WHERE trace = ? AND part = 1",
        (encode_row(row), trace),
    )


_STEPS = (_nothing_yet, _from_first)
"""For each version: what leads to the next."""
