"""The journal of one service: a SQLite file in WAL mode.

``synchronous=FULL``: a commit survives a killed process and a power failure
(https://www.sqlite.org/pragma.html#pragma_synchronous). The file needs a local disk.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from clawtrace_otel.collector.journal import rescue, sqlite_schema
from clawtrace_otel.collector.journal.tables import UNLIMITED, Rows, SqlJournal, Transaction, Values
from clawtrace_otel.errors import JournalDamagedError, JournalError

_BUSY_SECONDS = 10.0

_LARGE_BYTES = 1 << 20

_INSERT_FORWARD = "INSERT INTO forwards(request, checksum) VALUES ({}, ?)"

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class _Statements:
    """See :class:`Transaction`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Values = ()) -> Rows:
        return self._connection.execute(sql, values).fetchall()

    def executemany(self, sql: str, values: Iterable[Values]) -> None:
        self._connection.executemany(sql, values)

    def insert_forward(self, body: bytes, checksum: int) -> None:
        """A large request is written through; else SQLite would make three copies and keep one."""
        if len(body) < _LARGE_BYTES:
            self.execute(_INSERT_FORWARD.format("?"), (body, checksum))
            return
        sql = _INSERT_FORWARD.format("zeroblob(?)")
        row = self._connection.execute(sql, (len(body), checksum)).lastrowid or 0
        with self._connection.blobopen("forwards", "request", row) as blob:
            for at in range(0, len(body), _LARGE_BYTES):
                blob.write(body[at : at + _LARGE_BYTES])


class SqliteJournal(SqlJournal):
    """A journal file. Each thread that uses it gets a connection of its own.

    Args:
        path: the SQLite file; it is made if it does not exist.
        max_card_steps: see :class:`SqlJournal`.

    Raises:
        JournalError: the file cannot be opened, is no journal, was made by a newer version or is
            in use by another service.
    """

    def __init__(self, path: Path, max_card_steps: int = UNLIMITED) -> None:
        super().__init__(str(path), max_card_steps)
        self.path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._lock = FileLock(f"{path}.lock", timeout=0, thread_local=False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            rescue.rescue_if_damaged(path)
            sqlite_schema.migrate(self._connection(), path)
        except Timeout as e:
            msg = f"the journal {path} is in use by another service; choose another with --journal"
            raise JournalError(msg) from e
        except (OSError, sqlite3.Error) as e:
            self.close()
            msg = f"the journal {path} cannot be opened: {e}; choose another file with --journal"
            raise JournalError(msg) from e
        except JournalError:
            self.close()
            raise

    def claim(self, name: str) -> bool:
        """There is only one who could."""
        del name
        return True

    def confirm(self, name: str) -> None:
        """See :meth:`claim`."""

    def release(self, name: str) -> None:
        """See :meth:`claim`."""

    def _next_forward(self) -> Rows:
        return self.query("SELECT id, request, checksum FROM forwards ORDER BY id LIMIT 1")

    def forwarded(self, forward_id: int) -> None:
        """See :class:`.interface.Journal`."""
        with self.transaction() as db:
            db.execute("DELETE FROM forwards WHERE id = ?", (forward_id,))

    def release_forward(self) -> None:
        """See :meth:`claim`."""

    def remove(self, names: Iterable[str]) -> None:
        """See :class:`.interface.Journal`. Gives the space back to the disk."""
        super().remove(names)
        with self._told("written"):
            # ``execute`` would free one page: it takes a statement without columns to be done.
            self._connection().executescript("PRAGMA incremental_vacuum")

    def size(self) -> int:
        """See :class:`.interface.Journal`."""
        files = (self.path, Path(f"{self.path}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """See :class:`.interface.Journal`."""
        with self._guard:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._lock.release()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = sqlite_schema.connect(self.path, _BUSY_SECONDS)
            with self._guard:
                self._connections.append(connection)
        return connection

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """See :class:`SqlJournal`."""
        # Threads that wait for each other here go on at once; in SQLite they would poll.
        with self._told("written"), self._writing:
            db = self._connection()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield _Statements(db)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def query(self, sql: str, values: Values = ()) -> Rows:
        """See :class:`SqlJournal`."""
        with self._told("read"):
            return self._connection().execute(sql, values).fetchall()

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as e:
            msg = f"the journal {self.where} cannot be {done}: {e}"
            if getattr(e, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                with suppress(OSError):
                    rescue.mark_damaged(self.path)
                msg = f"{msg}; start the service again, it then saves what can be read"
                raise JournalDamagedError(msg) from e
            raise JournalError(msg) from e
