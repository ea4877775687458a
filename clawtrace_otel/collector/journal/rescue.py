"""What can be read of a damaged SQLite file is put into a new one; the damaged one is kept aside.

Damage is found at the start, in the write-ahead log and by ``PRAGMA integrity_check`` for at most
``CHECK_SECONDS``, or by a statement later on, which leaves a mark for the next start. A file that
is no SQLite file at all is left alone: perhaps its name was a mistake.

A crash may come at any moment: the new file gets the name ``….rescued`` when it is complete, and
from then on a start only has to put it in its place.
"""

import logging
import sqlite3
import time
import zlib
from contextlib import closing
from pathlib import Path

from clawtrace_otel.collector.journal import sqlite_schema
from clawtrace_otel.collector.journal.log_file import LogFile, read_log
from clawtrace_otel.collector.journal.pages import FoundRow, Pages
from clawtrace_otel.collector.journal.rows import DamagedRowError, unseal
from clawtrace_otel.collector.journal.tables import VERSION
from clawtrace_otel.errors import JournalError

_log = logging.getLogger(__name__)

CHECK_SECONDS = 10.0

_STEPS_BETWEEN_LOOKS = 10_000
_BESIDE = ("", "-wal", "-shm")

_UNKNOWN_CARD = b"unknown"
"""The digest of a card that there may be: it must not be replaced by a smaller one."""

_KEEP_DELIVERY = """
INSERT INTO deliveries(trace, part, number, data) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"""

_KEEP_NOTICE = "INSERT OR IGNORE INTO budget_notices VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

_KEEP_TRACE = f"""
INSERT INTO traces VALUES ({", ".join("?" * 13)}) ON CONFLICT(trace, part) DO NOTHING"""

_KEEP_FORWARD = "INSERT INTO forwards VALUES (?, ?, ?) ON CONFLICT DO NOTHING"

# Of a trace whose own row is lost nobody knows how many deliveries there were.
_MAKE_LOST_TRACES = """
INSERT INTO traces(trace, part, changes, digest)
SELECT trace, part, MAX(number) + 1, ? FROM deliveries GROUP BY trace, part HAVING true
ON CONFLICT(trace, part) DO UPDATE SET changes = MAX(traces.changes, excluded.changes - 1)"""

_DROP_REMOVED = """
DELETE FROM deliveries WHERE EXISTS (SELECT 1 FROM traces AS t
  WHERE t.trace = deliveries.trace AND t.part = deliveries.part AND t.removed = 1)"""

_COUNT_LOST = """
SELECT COALESCE(SUM(changes - (SELECT COUNT(*) FROM deliveries AS d
  WHERE d.trace = t.trace AND d.part = t.part)), 0) FROM traces AS t WHERE removed = 0"""


def mark_damaged(path: Path) -> None:
    """Have the file rescued at the next start.

    Raises:
        OSError: the mark cannot be written.
    """
    _mark(path).touch()


def rescue_if_damaged(path: Path) -> None:
    """Put what can be read into a new file, if the file is damaged.

    Raises:
        OSError: files cannot be read or renamed.
        JournalError: the file is damaged and of an older version.
        sqlite3.Error: the new file cannot be written.
    """
    if not _rescued(path).exists():
        log = read_log(Path(f"{path}-wal"))
        if not path.exists() or not (_mark(path).exists() or _is_damaged(path, log)):
            _mark(path).unlink(missing_ok=True)
            return
        _copy(path, log)
    aside = _move_aside(path)
    _rescued(path).rename(path)
    _mark(path).unlink(missing_ok=True)
    _log.error("the damaged journal is now %s; the service goes on with what was saved", aside)


def _mark(path: Path) -> Path:
    return Path(f"{path}.damaged")


def _rescued(path: Path) -> Path:
    return Path(f"{path}.rescued")


def _is_damaged(path: Path, log: LogFile) -> bool:
    """Whether there is damage. SQLite comes last: it removes what it does not like of a log."""
    if log.is_damaged or (log.frames and not path.stat().st_size):
        return True
    deadline = time.monotonic() + CHECK_SECONDS
    try:
        # Read-only: else SQLite would move the log into the file at the end.
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, timeout=CHECK_SECONDS, uri=True)) as db:
            db.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
            return bool(db.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",))
    except sqlite3.DatabaseError as e:
        # Other errors say that the time was over, or another program has the file.
        return (e.sqlite_errorcode & 0xFF) == sqlite3.SQLITE_CORRUPT


def _copy(path: Path, log: LogFile) -> None:
    """Make the new file."""
    fresh = Path(f"{path}.rescue")
    _remove(fresh)
    with closing(Pages(path, log)) as pages:
        if 0 < pages.version < VERSION:
            msg = f"the journal {path} is damaged, and of version {pages.version}, which cannot be "
            msg += "mended; choose another file with --journal"
            raise JournalError(msg)
        with closing(sqlite_schema.connect(fresh, 1.0)) as db:
            db.execute("BEGIN")
            sqlite_schema.create_tables(db)
            db.execute(f"PRAGMA user_version = {VERSION}")
            for row in pages.rows():
                _keep(db, row)
            _complete(db, path)
            db.execute("COMMIT")
    fresh.rename(_rescued(path))


def _keep(db: sqlite3.Connection, row: FoundRow) -> None:
    """Put a row into the table that it is of, if there is one that it fits."""
    try:
        match row.key, row.values:
            case int(), (None, bytes(), int(), int(), bytes(data)) if _is_whole(data):
                db.execute(_KEEP_DELIVERY, row.values[1:])
            case int(key), (None, bytes(body), int(crc)) if zlib.crc32(body) == crc:
                db.execute(_KEEP_FORWARD, (key, body, crc))
            case None, (bytes(trace), int(part), int(), *rest) if len(rest) == 10 and part > 0:
                if len(trace) == 16:
                    db.execute(_KEEP_TRACE, row.values)
            case None, (bytes(), str()):
                db.execute("INSERT OR IGNORE INTO spans VALUES (?, ?)", row.values)
            case None, (str(), str(), int(), int(), bytes(), float() | int(), int(), str() | None):
                db.execute(_KEEP_NOTICE, row.values)
            case _:
                pass  # of an index, or of the list of tables
    except sqlite3.Error as e:
        _log.warning("a damaged row is left out: %s", e)


def _is_whole(data: bytes) -> bool:
    try:
        return bool(unseal(data))
    except DamagedRowError:
        return False


def _complete(db: sqlite3.Connection, path: Path) -> None:
    """Make the tables fit each other, and say what was saved."""
    db.execute(_DROP_REMOVED)
    db.execute(_MAKE_LOST_TRACES, (_UNKNOWN_CARD,))
    counts = [
        db.execute(f"SELECT COUNT(*) FROM {t}").fetchone() for t in ("deliveries", "forwards")
    ]
    _log.error(
        "the journal %s is damaged: %d deliveries and %d requests to be sent on were saved, "
        "%d deliveries are missing",
        *(path, *(count for (count,) in counts), *db.execute(_COUNT_LOST).fetchone()),
    )


def _move_aside(path: Path) -> Path:
    n = 1
    while (aside := Path(f"{path}.damaged-{n}")).exists():
        n += 1
    # The file itself last: if it is still there, so is the name that the others got.
    for end in reversed(_BESIDE):
        if (file := Path(f"{path}{end}")).exists():
            file.rename(f"{aside}{end}")
    return aside


def _remove(path: Path) -> None:
    for end in _BESIDE:
        Path(f"{path}{end}").unlink(missing_ok=True)
