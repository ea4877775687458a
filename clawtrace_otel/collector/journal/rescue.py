"""What can be read of a damaged SQLite file is put into a new one; the damaged one is kept aside.

Damage is found at the start, by ``PRAGMA quick_check`` for at most ``CHECK_SECONDS``, or by a
statement later on, which leaves a mark for the next start. A file that is no SQLite file at all is
left alone: perhaps its name was a mistake.
"""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from clawtrace_otel.collector.journal import sqlite_schema
from clawtrace_otel.collector.journal.rows import DamagedRowError, unseal
from clawtrace_otel.collector.journal.tables import VERSION

_log = logging.getLogger(__name__)

CHECK_SECONDS = 10.0

_STEPS_BETWEEN_LOOKS = 10_000
_ROWS_OF_PAGE = 1000
_BESIDE = ("", "-wal", "-shm")


def mark_damaged(path: Path) -> None:
    """Have the file rescued at the next start.

    Raises:
        OSError: the mark cannot be written.
    """
    _mark(path).touch()


def rescue_if_damaged(path: Path) -> None:
    """Put what can be read into a new file, if the file is damaged.

    Raises:
        OSError: files cannot be renamed.
        sqlite3.Error: the new file cannot be written.
    """
    fresh = Path(f"{path}.rescue")
    if not path.exists() and fresh.exists():
        _take_its_place(fresh, path)
    if path.exists() and (_mark(path).exists() or not _is_sound(path)):
        _remove(fresh)
        saved = _copy(path, fresh)
        aside = _move_aside(path)
        _take_its_place(fresh, path)
        _log.error(
            "the journal %s was damaged: %d deliveries and %d requests to be sent on were saved, "
            "%d deliveries are known to be lost; the damaged file is %s",
            *(path, saved["deliveries"], saved["forwards"], saved["lost"], aside),
        )
    _mark(path).unlink(missing_ok=True)


def _mark(path: Path) -> Path:
    return Path(f"{path}.damaged")


def _is_sound(path: Path) -> bool:
    deadline = time.monotonic() + CHECK_SECONDS
    try:
        with closing(sqlite3.connect(path, timeout=CHECK_SECONDS)) as db:
            db.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
            return bool(db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError as e:
        # An OperationalError says that the time was over, or another program has the file.
        return e.sqlite_errorcode != sqlite3.SQLITE_CORRUPT


def _copy(path: Path, fresh: Path) -> dict[str, int]:
    saved = {"deliveries": 0, "forwards": 0, "lost": 0}
    with closing(sqlite3.connect(path)) as old, closing(sqlite_schema.connect(fresh, 1.0)) as new:
        (version,) = old.execute("PRAGMA user_version").fetchone()
        if version < VERSION:
            sqlite_schema.migrate(old, path)
        new.execute("BEGIN")
        sqlite_schema.create_tables(new)
        new.execute(f"PRAGMA user_version = {VERSION}")
        for key, trace, part, number, data in _rows(old, "deliveries", "trace, part, number, data"):
            if _is_whole(data):
                row = (key, trace, part, number, data)
                new.execute("INSERT OR IGNORE INTO deliveries VALUES (?, ?, ?, ?, ?)", row)
                saved["deliveries"] += 1
        for key, request in _rows(old, "forwards", "request"):
            if _is_whole(request):
                new.execute("INSERT INTO forwards VALUES (?, ?)", (key, request))
                saved["forwards"] += 1
        saved["lost"] = _copy_traces(old, new)
        _copy_what_can_be_read(old, new, "spans")
        _copy_what_can_be_read(old, new, "notices")
        new.execute("COMMIT")
    return saved


def _rows(db: sqlite3.Connection, table: str, columns: str) -> Iterator[Any]:
    """The rows of a table by number, without those that lie on damaged pages."""
    after, last = 0, _last(db, table)
    while after <= last:
        try:
            # Reading by number goes through the table itself, not through an index.
            sql = f"SELECT id, {columns} FROM {table} WHERE id > ? ORDER BY id"
            for row in db.execute(sql, (after,)):
                after = row[0]
                yield row
            return
        except sqlite3.Error:
            after += 1


def _last(db: sqlite3.Connection, table: str) -> int:
    try:
        (last,) = db.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}").fetchone()
    except sqlite3.Error:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        last = pages * _ROWS_OF_PAGE
    return int(last)


def _copy_traces(old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    """Copy what is known of traces; how many of their deliveries are missing."""
    _copy_what_can_be_read(old, new, "traces")
    keys = new.execute("SELECT trace, part, MAX(number) FROM deliveries GROUP BY trace, part")
    for trace, part, last in keys.fetchall():
        sql = "SELECT * FROM traces WHERE trace = ? AND part = ?"
        try:
            rows = old.execute(sql, (trace, part)).fetchall()
        except sqlite3.Error:
            rows = []
        _insert(new, "traces", rows)
        new.execute(
            "INSERT INTO traces(trace, part, changes) VALUES (?, ?, ?) "
            "ON CONFLICT(trace, part) DO UPDATE SET changes = MAX(changes, excluded.changes)",
            (trace, part, last),
        )
    (lost,) = new.execute(
        "SELECT COALESCE(SUM(changes - (SELECT COUNT(*) FROM deliveries AS d "
        "WHERE d.trace = t.trace AND d.part = t.part)), 0) FROM traces AS t WHERE removed = 0"
    ).fetchone()
    return int(lost)


def _copy_what_can_be_read(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> None:
    """Copy a table without numbers up to the first damaged page, from either end."""
    for order in ("ASC", "DESC"):
        try:
            for row in old.execute(f"SELECT * FROM {table} ORDER BY 1 {order}"):
                _insert(new, table, [row])
        except sqlite3.Error:
            continue
        return


def _insert(new: sqlite3.Connection, table: str, rows: list[Any]) -> None:
    for row in rows:
        places = ", ".join("?" * len(row))
        try:
            new.execute(f"INSERT OR IGNORE INTO {table} VALUES ({places})", row)
        except sqlite3.Error as e:
            _log.warning("a row of %s is damaged and left out: %s", table, e)


def _is_whole(data: object) -> bool:
    try:
        return isinstance(data, bytes) and bool(unseal(data))
    except DamagedRowError:
        return False


def _move_aside(path: Path) -> Path:
    n = 1
    while (aside := Path(f"{path}.damaged-{n}")).exists():
        n += 1
    # The file itself last: while it is in its place, a new start begins anew.
    for end in reversed(_BESIDE):
        if (file := Path(f"{path}{end}")).exists():
            file.rename(f"{aside}{end}")
    return aside


def _take_its_place(fresh: Path, path: Path) -> None:
    fresh.rename(path)
    _remove(fresh)


def _remove(path: Path) -> None:
    for end in _BESIDE:
        Path(f"{path}{end}").unlink(missing_ok=True)
