"""What was acknowledged, on disk: SQLite in WAL mode.

A request is one transaction: the steps of each of its traces as one row, the evaluations, and the
enriched requests that are still to be forwarded. ``synchronous=FULL``: a commit survives a killed
process and a power failure (https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from clawtrace_otel.errors import JournalError
from clawtrace_otel.exporters.card_folder import CardMark
from clawtrace_otel.semconv.step import Evaluation, Step, decode_steps, encode_steps

_log = logging.getLogger(__name__)

VERSION = 1
_BUSY_SECONDS = 10.0

_SCHEMA = """
CREATE TABLE steps(id INTEGER PRIMARY KEY, trace BLOB NOT NULL, steps BLOB NOT NULL);
CREATE INDEX steps_by_trace ON steps(trace);
CREATE TABLE evaluations(
  trace BLOB NOT NULL, evaluation BLOB NOT NULL, PRIMARY KEY(trace, evaluation)) WITHOUT ROWID;
CREATE TABLE traces(
  trace BLOB PRIMARY KEY,
  changes INTEGER NOT NULL DEFAULT 1,   -- deliveries so far
  compiled INTEGER NOT NULL DEFAULT 0,  -- deliveries that the last card knew
  revision INTEGER NOT NULL DEFAULT 1,
  digest BLOB NOT NULL DEFAULT x'',
  closed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE forwards(id INTEGER PRIMARY KEY, request BLOB NOT NULL);
"""

T = TypeVar("T")

_evaluations = msgspec.msgpack.Decoder(Evaluation)


@dataclass(slots=True)
class Delivery:
    """What one commit brings.

    Attributes:
        steps: by trace id.
        evaluations: (trace id, evaluation) pairs from log records.
        forwards: encoded requests to be sent on.
    """

    steps: dict[str, list[Step]] = field(default_factory=dict)
    evaluations: list[tuple[str, Evaluation]] = field(default_factory=list)
    forwards: list[bytes] = field(default_factory=list)

    def traces(self) -> list[str]:
        """The ids of all traces that it changes."""
        return list(dict.fromkeys([*self.steps, *(trace for trace, _ in self.evaluations)]))


@dataclass(frozen=True, slots=True)
class TraceRecord:
    """All that the journal holds of a trace.

    Attributes:
        changes: deliveries that ``steps`` and ``evaluations`` stand for.
        mark: of the last card.
    """

    steps: list[Step]
    evaluations: list[Evaluation]
    changes: int
    mark: CardMark


class Journal:
    """A journal file. Each thread that uses it gets a connection of its own.

    Args:
        path: the SQLite file; it is made if it does not exist.

    Raises:
        JournalError: the file cannot be opened, is no journal, or was made by a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._migrate()
        except (OSError, sqlite3.Error) as e:
            self.close()
            msg = f"the journal {path} cannot be opened: {e}; choose another file with --journal"
            raise JournalError(msg) from e

    def append(self, delivery: Delivery) -> None:
        """Commit a delivery; when this returns, it is on disk.

        Raises:
            JournalError: it is not, and nothing of it was kept.
        """
        with self._transaction() as db:
            for trace, steps in delivery.steps.items():
                db.execute(
                    "INSERT INTO steps(trace, steps) VALUES (?, ?)",
                    (bytes.fromhex(trace), encode_steps(steps)),
                )
            for trace, evaluation in delivery.evaluations:
                db.execute(
                    "INSERT OR IGNORE INTO evaluations VALUES (?, ?)",
                    (bytes.fromhex(trace), msgspec.msgpack.encode(evaluation)),
                )
            db.executemany(
                "INSERT INTO traces(trace) VALUES (?) "
                "ON CONFLICT(trace) DO UPDATE SET changes = changes + 1",
                [(bytes.fromhex(trace),) for trace in delivery.traces()],
            )
            db.executemany(
                "INSERT INTO forwards(request) VALUES (?)", [(body,) for body in delivery.forwards]
            )

    def steps(self, trace_id: str) -> list[Step]:
        """The steps of a trace, in the order in which they were delivered.

        Raises:
            JournalError: the file cannot be read.
        """
        rows = self._query(
            "SELECT steps FROM steps WHERE trace = ? ORDER BY id", (bytes.fromhex(trace_id),)
        )
        return [step for steps in self._decode(trace_id, rows, decode_steps) for step in steps]

    def read(self, trace_id: str) -> TraceRecord:
        """All that is known of a trace.

        Raises:
            JournalError: the file cannot be read.
        """
        key = (bytes.fromhex(trace_id),)
        row = self._query(
            "SELECT changes, revision, digest, closed FROM traces WHERE trace = ?", key
        )
        changes, revision, digest, closed = row[0] if row else (0, 1, b"", 0)
        told = self._query("SELECT evaluation FROM evaluations WHERE trace = ?", key)
        return TraceRecord(
            steps=self.steps(trace_id),
            evaluations=list(self._decode(trace_id, told, _evaluations.decode)),
            changes=changes,
            mark=CardMark(revision, digest, bool(closed)),
        )

    def save_mark(self, trace_id: str, changes: int, mark: CardMark) -> None:
        """Remember the card that was written, and how many deliveries it knew.

        Raises:
            JournalError: it could not be written.
        """
        with self._transaction() as db:
            db.execute(
                "UPDATE traces SET compiled = ?, revision = ?, digest = ?, closed = ? "
                "WHERE trace = ?",
                (changes, mark.revision, mark.digest, mark.closed, bytes.fromhex(trace_id)),
            )

    def unfinished(self) -> list[str]:
        """The traces that are open, or have changed since their last card."""
        rows = self._query("SELECT trace FROM traces WHERE compiled < changes OR NOT closed", ())
        return [trace.hex() for (trace,) in rows]

    def next_forward(self) -> tuple[int, bytes] | None:
        """The oldest request that is still to be sent on, with its id.

        Raises:
            JournalError: the file cannot be read.
        """
        rows = self._query("SELECT id, request FROM forwards ORDER BY id LIMIT 1", ())
        return rows[0] if rows else None

    def forwarded(self, forward_id: int) -> None:
        """Forget a request that was sent on.

        Raises:
            JournalError: it could not be written.
        """
        with self._transaction() as db:
            db.execute("DELETE FROM forwards WHERE id = ?", (forward_id,))

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # One thread uses it, another closes it at the end.
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA page_size = 16384")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
            except sqlite3.Error:
                connection.close()
                raise
            self._local.connection = connection
            with self._lock:
                self._connections.append(connection)
        return connection

    def _migrate(self) -> None:
        db = self._connection()
        (found,) = db.execute("PRAGMA user_version").fetchone()
        if found > VERSION:
            self.close()
            msg = f"the journal {self.path} has version {found}; this program knows {VERSION}"
            raise JournalError(msg)
        if found == 0:
            db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._connection()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
        except sqlite3.Error as e:
            msg = f"the journal {self.path} cannot be written: {e}"
            raise JournalError(msg) from e

    def _decode(
        self, trace_id: str, rows: Iterable[tuple[bytes]], decode: Callable[[bytes], T]
    ) -> Iterator[T]:
        """A damaged row must not take the rest of the journal with it."""
        for (data,) in rows:
            try:
                yield decode(data)
            except msgspec.MsgspecError as e:
                _log.error("%s: a damaged row of trace %s is left out: %s", self.path, trace_id, e)

    def _query(self, sql: str, values: tuple[object, ...]) -> list[Any]:
        try:
            return self._connection().execute(sql, values).fetchall()
        except sqlite3.Error as e:
            msg = f"the journal {self.path} cannot be read: {e}"
            raise JournalError(msg) from e
