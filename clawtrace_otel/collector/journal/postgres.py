"""The journal of several replicas: a PostgreSQL database that they share.

Any replica may take any span of a trace. Who writes a card holds an advisory lock, which ends with
its connection: unlike a row lock it keeps nobody from adding spans meanwhile. A request to be sent
on is locked as a row while it is sent (``FOR UPDATE SKIP LOCKED``).
"""

import hashlib
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from clawtrace_otel.collector.journal import bulk
from clawtrace_otel.collector.journal.interface import Place
from clawtrace_otel.collector.journal.names import card_name
from clawtrace_otel.collector.journal.rows import Row, encode_row
from clawtrace_otel.collector.journal.tables import (
    UNLIMITED,
    VERSION,
    Rows,
    SqlJournal,
    Transaction,
    Values,
)
from clawtrace_otel.errors import ConfigError, JournalError
from clawtrace_otel.semconv.step import Step

_CONNECTION = {
    "application_name": "clawtrace",
    "connect_timeout": "10",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""What the address may say otherwise. A server that is gone without a word is noticed in 30 s."""

_SESSION = """
SELECT set_config(name, value, false) FROM (VALUES
  -- A replica whose machine is gone must not keep its claims for the two hours of the default.
  ('tcp_keepalives_idle', '15'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'),
  ('synchronous_commit', CASE current_setting('synchronous_commit')
    WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END)
) AS settings(name, value)
"""

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
CREATE TABLE forwards(id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, request BYTEA NOT NULL,
  checksum BIGINT NOT NULL);
CREATE TABLE budget_notices(
  scope TEXT NOT NULL,
  id TEXT NOT NULL,
  budget BIGINT NOT NULL,
  percent INTEGER NOT NULL,
  trace BYTEA NOT NULL,
  at DOUBLE PRECISION NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  body TEXT,
  PRIMARY KEY(scope, id, budget, percent)
);
CREATE INDEX budget_notices_to_post ON budget_notices(tries, at) WHERE body IS NOT NULL;
CREATE TABLE version(version INTEGER NOT NULL);
"""

_MIGRATIONS: dict[int, tuple[int, str]] = {0: (2, _TABLES)}
"""Version -> the next one, and the statements that lead there. The first was SQLite's alone."""


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

    def insert_forward(self, body: bytes, checksum: int) -> None:
        self.execute("INSERT INTO forwards(request, checksum) VALUES (?, ?)", (body, checksum))


class PostgresJournal(SqlJournal):
    """A journal in PostgreSQL. Each thread that uses it gets a connection of its own.

    Args:
        url: ``postgresql://user:password@host/database``; other parameters as libpq knows them.
        max_card_steps: see :class:`SqlJournal`.

    Raises:
        ConfigError: the URL cannot be understood.
        JournalError: the database cannot be reached, or was made by a newer version.
    """

    shared = True

    lock_row = " FOR UPDATE"

    def __init__(self, url: str, max_card_steps: int = UNLIMITED) -> None:
        parameters = _CONNECTION | _read_url(url)
        super().__init__(_without_password(parameters), max_card_steps)
        self._address = make_conninfo("", **parameters)
        self._local = threading.local()
        self._connections: list[psycopg.Connection[Rows]] = []
        self._guard = threading.Lock()
        try:
            with self.transaction() as db:
                _migrate(db, self.where)
        except JournalError:
            self.close()
            raise

    def _put_all(self, db: Transaction, rows: dict[bytes, Row]) -> dict[bytes, list[Place]]:
        """All traces in three statements, but those whose last part is full or was removed."""
        last = dict(db.execute(bulk.LAST_PARTS, (list(rows),)))
        values = bulk.columns((t, last.get(t, 2) // 2, len(row.steps)) for t, row in rows.items())
        added = db.execute(bulk.ADD, (*values, *[self._max_card_steps] * 3)) if rows else []
        placed = {trace: [Place(part, n, bool(closed))] for trace, part, n, closed in added}
        deliveries = ((t, p.part, p.number, encode_row(rows[t])) for t, (p,) in placed.items())
        if placed:
            db.execute(bulk.DELIVER, tuple(bulk.columns(deliveries)))
        others = {trace: row for trace, row in rows.items() if trace not in placed}
        return placed | super()._put_all(db, others)

    def latest_of(self, known: dict[str, Place | None]) -> dict[str, tuple[Place, list[Step]]]:
        """See :class:`.interface.Journal`. Of what is not known at all, only what is new."""
        found = dict(self.query(bulk.LAST_PARTS, ([bytes.fromhex(t) for t in known],)))
        latest: dict[str, tuple[Place, list[Step]]] = {}
        for trace_id, place in known.items():
            last = found.get(bytes.fromhex(trace_id))
            if last is None or (place is not None and last == 2 * place.part):
                latest[trace_id] = place or Place(1, 0), []
        wanted = [
            (bytes.fromhex(t), *place[:2]) for t, (place, _) in latest.items() if place.number
        ]
        rows: dict[bytes, Rows] = {}
        for trace, *row in self.query(bulk.SINCE, tuple(bulk.columns(wanted))) if wanted else ():
            rows.setdefault(bytes(trace), []).append(row)
        for trace, those in rows.items():
            place, _ = latest[trace.hex()]
            steps, _, _ = self._decode(those, card_name(trace.hex(), place.part))
            latest[trace.hex()] = Place(place.part, those[-1][0]), steps
        return latest

    def claim(self, name: str) -> bool:
        """See :class:`.interface.Journal`."""
        ((taken,),) = self.query("SELECT pg_try_advisory_lock(?)", (_lock_key(name),))
        self._local.claimed = self._local.connection
        return bool(taken)

    def confirm(self, name: str) -> None:
        """See :class:`.interface.Journal`."""
        self.query("SELECT 1")
        if self._local.connection is not self._local.claimed:
            msg = f"the right to write the card of trace {name} was lost with a connection"
            raise JournalError(msg)

    def release(self, name: str) -> None:
        """See :class:`.interface.Journal`."""
        with suppress(JournalError):  # it ended with the connection
            self.query("SELECT pg_advisory_unlock(?)", (_lock_key(name),))

    def _next_forward(self) -> Rows:
        with self._told("read"):
            db = self._connection()
            try:
                db.execute("BEGIN")
                rows = db.execute(
                    "SELECT id, request, checksum FROM forwards ORDER BY id LIMIT 1 "
                    "FOR UPDATE SKIP LOCKED"
                ).fetchall()
            except psycopg.Error:
                # Else the transaction would refuse all that follows.
                with suppress(psycopg.Error):
                    db.execute("ROLLBACK")
                raise
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
        tables = ("traces", "deliveries", "spans", "forwards", "budget_notices")
        sizes = " + ".join(f"pg_total_relation_size('{table}')" for table in tables)
        ((size,),) = self.query(f"SELECT {sizes}")
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
            connection = psycopg.connect(self._address, autocommit=True)
            connection.execute(_SESSION)
            with self._guard:
                self._connections = [c for c in self._connections if not c.closed] + [connection]
            self._local.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """See :class:`SqlJournal`."""
        with self._told("written"):
            db = self._connection()
            with db.transaction():
                yield _Statements(db)

    def query(self, sql: str, values: Values = ()) -> Rows:
        """See :class:`SqlJournal`."""
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
    """Make the tables, or bring those of an older version up to date. One replica at a time."""
    db.execute("SELECT pg_advisory_xact_lock(?)", (_MIGRATION_LOCK,))
    before = found = _version(db)
    if found > VERSION:
        msg = f"the journal {where} has version {found}; this program knows {VERSION}"
        raise JournalError(msg)
    while found < VERSION:
        found, statements = _MIGRATIONS[found]
        for statement in filter(str.strip, statements.split(";\n")):
            db.execute(statement)
    if found != before:
        db.execute("DELETE FROM version")
        db.execute("INSERT INTO version VALUES (?)", (found,))


def _version(db: Transaction) -> int:
    ((table,),) = db.execute("SELECT to_regclass('version')")
    return int(db.execute("SELECT version FROM version")[0][0]) if table else 0


def _to_postgres(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def _lock_key(name: str) -> int:
    """A name as the signed 64 bits of an advisory lock."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


def _read_url(url: str) -> dict[str, str]:
    try:
        parameters = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except psycopg.Error:
        parameters = {"port": "wrong"}  # what it says quotes the URL, and with it the password
    # A password with / or @ in it is taken for these.
    shown = parameters.get("host", "") + parameters.get("dbname", "")
    if "@" in shown or not re.fullmatch(r"[\d,]*", parameters.get("port", "")):
        msg = "journal is a URL that PostgreSQL does not understand; it must be "
        msg += "postgresql://user:password@host:port/database, with %XX for special characters"
        raise ConfigError(msg)
    return parameters


def _without_password(parameters: dict[str, str]) -> str:
    """The address for messages."""
    found = [parameters.get(key, "") for key in ("host", "port", "dbname")]
    host, port, database = found
    return f"postgresql://{host}{':' if port else ''}{port}/{database}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
