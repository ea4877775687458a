"""The journal of several replicas: a PostgreSQL database that they share.

Any replica may take any span of a trace. Who writes a card holds an advisory lock, which ends with
its connection: unlike a row lock it keeps nobody from adding spans meanwhile. A request to be sent
on is locked as a row while it is sent (``FOR UPDATE SKIP LOCKED``).
"""

import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg.conninfo import conninfo_to_dict

from clawtrace_otel.collector.journal.tables import (
    UNLIMITED,
    VERSION,
    Rows,
    SqlJournal,
    Transaction,
    Values,
)
from clawtrace_otel.errors import JournalError

CONNECT_SECONDS = 10

_MIGRATION_LOCK = 0x636C6177  # any number that other programs do not use: "claw"

_TABLES = """
CREATE TABLE traces(
  trace BYTEA NOT NULL,
  part INTEGER NOT NULL,
  changes BIGINT NOT NULL DEFAULT 1,
  compiled BIGINT NOT NULL DEFAULT 0,
  steps BIGINT NOT NULL DEFAULT 0,
  revision INTEGER NOT NULL DEFAULT 1,
  digest BYTEA NOT NULL DEFAULT '',
  closed SMALLINT NOT NULL DEFAULT 0,
  closed_at DOUBLE PRECISION NOT NULL DEFAULT 0,
  removed SMALLINT NOT NULL DEFAULT 0,
  card TEXT NOT NULL DEFAULT '',
  session TEXT NOT NULL DEFAULT '',
  cost BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY(trace, part)
);
CREATE INDEX traces_unfinished ON traces(trace, part) WHERE compiled < changes OR closed = 0;
CREATE INDEX traces_kept ON traces(closed_at) WHERE removed = 0;
CREATE INDEX traces_of_card ON traces(card) WHERE card != '';
CREATE INDEX traces_of_session ON traces(session) WHERE session != '';
CREATE TABLE deliveries(
  trace BYTEA NOT NULL,
  part INTEGER NOT NULL,
  number BIGINT NOT NULL,
  data BYTEA NOT NULL,
  PRIMARY KEY(trace, part, number)
);
CREATE TABLE spans(trace BYTEA NOT NULL, span TEXT NOT NULL, PRIMARY KEY(trace, span));
CREATE TABLE forwards(id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, request BYTEA NOT NULL);
CREATE TABLE notices(notice TEXT PRIMARY KEY);
CREATE TABLE version(version INTEGER NOT NULL);
"""


class _Statements:
    """See :class:`Transaction`."""

    def __init__(self, connection: "psycopg.Connection[Rows]") -> None:
        self._connection = connection

    def execute(self, sql: str, values: Values = ()) -> Rows:
        cursor = self._connection.execute(_to_postgres(sql), values)
        return cursor.fetchall() if cursor.description else []

    def executemany(self, sql: str, values: Iterable[Values]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(_to_postgres(sql), list(values))


class PostgresJournal(SqlJournal):
    """A journal in PostgreSQL. Each thread that uses it gets a connection of its own.

    Args:
        url: ``postgresql://user:password@host/database``; other parameters as libpq knows them.
        max_card_steps: see :class:`SqlJournal`.

    Raises:
        JournalError: the database cannot be reached, or was made by a newer version.
    """

    shared = True

    lock_row = " FOR UPDATE"

    def __init__(self, url: str, max_card_steps: int = UNLIMITED) -> None:
        super().__init__(_without_password(url), max_card_steps)
        self._url = url
        self._local = threading.local()
        self._connections: list[psycopg.Connection[Rows]] = []
        self._guard = threading.Lock()
        try:
            with self._transaction() as db:
                _migrate(db, self.where)
        except JournalError:
            self.close()
            raise

    def claim(self, name: str) -> bool:
        """See :class:`.interface.Journal`."""
        ((taken,),) = self._query("SELECT pg_try_advisory_lock(?)", (_lock_key(name),))
        self._local.claimed = self._local.connection
        return bool(taken)

    def confirm(self, name: str) -> None:
        """See :class:`.interface.Journal`."""
        self._query("SELECT 1")
        if self._local.connection is not self._local.claimed:
            msg = f"the right to write the card of trace {name} was lost with a connection"
            raise JournalError(msg)

    def release(self, name: str) -> None:
        """See :class:`.interface.Journal`."""
        with suppress(JournalError):  # it ended with the connection
            self._query("SELECT pg_advisory_unlock(?)", (_lock_key(name),))

    def _next_forward(self) -> Rows:
        with self._told("read"):
            db = self._connection()
            db.execute("BEGIN")
            rows = db.execute(
                "SELECT id, request FROM forwards ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
            ).fetchall()
        if not rows:
            self.release_forward()
        return rows

    def forwarded(self, forward_id: int) -> None:
        """See :class:`.interface.Journal`."""
        with self._told("written"):
            db = self._connection()
            db.execute("DELETE FROM forwards WHERE id = %s", (forward_id,))
            if db.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                db.execute("COMMIT")

    def release_forward(self) -> None:
        """See :class:`.interface.Journal`."""
        with self._told("read"):
            self._connection().execute("ROLLBACK")

    def size(self) -> int:
        """See :class:`.interface.Journal`."""
        tables = ("traces", "deliveries", "spans", "forwards", "notices")
        sizes = " + ".join(f"pg_total_relation_size('{table}')" for table in tables)
        ((size,),) = self._query(f"SELECT {sizes}")
        return int(size)

    def close(self) -> None:
        """See :class:`.interface.Journal`."""
        with self._guard:
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def _connection(self) -> "psycopg.Connection[Rows]":
        connection: psycopg.Connection[Rows] | None = getattr(self._local, "connection", None)
        if connection is None or connection.closed:
            connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                application_name="clawtrace",
                options="-c synchronous_commit=on",
            )
            with self._guard:
                self._connections = [c for c in self._connections if not c.closed] + [connection]
            self._local.connection = connection
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[Transaction]:
        with self._told("written"):
            db = self._connection()
            with db.transaction():
                yield _Statements(db)

    def _query(self, sql: str, values: Values = ()) -> Rows:
        with self._told("read"):
            return _Statements(self._connection()).execute(sql, values)

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as e:
            msg = f"the journal {self.where} cannot be {done}: {_one_line(e)}"
            raise JournalError(msg) from e


def _migrate(db: Transaction, where: str) -> None:
    db.execute("SELECT pg_advisory_xact_lock(?)", (_MIGRATION_LOCK,))
    ((table,),) = db.execute("SELECT to_regclass('version')")
    if table is None:
        for statement in _TABLES.split(";\n"):
            if statement.strip():
                db.execute(statement)
        db.execute("INSERT INTO version VALUES (?)", (VERSION,))
        return
    ((found,),) = db.execute("SELECT version FROM version")
    if found > VERSION:
        msg = f"the journal {where} has version {found}; this program knows {VERSION}"
        raise JournalError(msg)


def _to_postgres(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def _lock_key(name: str) -> int:
    """A name as the signed 64 bits of an advisory lock."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


def _without_password(url: str) -> str:
    """The address for messages. A URL may carry a password."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return "postgresql://…"
    return (
        f"postgresql://{parts.get('host', '')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
