"""The journal's tables, and what is done with them: the same SQL for SQLite and PostgreSQL.

``traces`` has a row for each card (a trace, or a part of one), ``deliveries`` one for each
(request, trace), numbered without gaps, so that one that is missing is noticed. Rows of deliveries
are only added: that a span was delivered before is seen when they are read.
"""

import logging
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from clawtrace_otel.collector.journal.interface import (
    Delivery,
    OnOthers,
    Place,
    TraceRecord,
    Written,
)
from clawtrace_otel.collector.journal.names import card_name, key_of, name_of
from clawtrace_otel.collector.journal.rows import (
    DamagedRowError,
    Row,
    decode_row,
    encode_row,
)
from clawtrace_otel.exporters.card_folder import CardMark
from clawtrace_otel.semconv.step import Evaluation, Step

_log = logging.getLogger(__name__)

VERSION = 2

UNLIMITED = 1 << 62

Values = tuple[object, ...]
Rows = list[Any]


class Transaction(Protocol):
    """Statements of one transaction; parameters are written ``?``."""

    def execute(self, sql: str, values: Values = ()) -> Rows:
        """Run a statement; its rows."""

    def executemany(self, sql: str, values: Iterable[Values]) -> None:
        """Run a statement for each of several tuples of values."""

    def insert_forward(self, body: bytes, checksum: int) -> None:
        """Insert a request that is to be sent on."""


class SqlJournal(ABC):
    """What SQLite and PostgreSQL have in common. See :class:`.interface.Journal`.

    Args:
        where: address, for messages.
        max_card_steps: steps that one card is made of; more of a trace go to a further part.
    """

    shared = False

    lock_row = ""
    """What makes a SELECT keep others from changing the row."""

    def __init__(self, where: str, max_card_steps: int) -> None:
        self.where = where
        self._max_card_steps = max_card_steps

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Transaction]:
        """Statements that are committed together.

        Raises:
            JournalError: they were not, and nothing of them was kept.
        """

    @abstractmethod
    def query(self, sql: str, values: Values = ()) -> Rows:
        """The rows of one statement; parameters are written ``?``.

        Raises:
            JournalError: the journal cannot be read.
        """

    def append(
        self, delivery: Delivery, on_others: OnOthers | None = None
    ) -> dict[str, list[Place]]:
        """See :class:`.interface.Journal`."""
        told: dict[str, list[Evaluation]] = {}
        for trace_id, evaluation in delivery.evaluations:
            told.setdefault(trace_id, []).append(evaluation)
        # In one order, so that two replicas never wait for each other.
        rows = {
            bytes.fromhex(trace_id): Row(delivery.steps.get(trace_id, []), told.get(trace_id, []))
            for trace_id in sorted(delivery.traces())
        }
        with self.transaction() as db:
            placed = {trace.hex(): places for trace, places in self._put_all(db, rows).items()}
            if on_others and (changed := _changed_by_others(delivery.known, placed)):
                on_others(changed)
            for body in delivery.forwards:
                db.insert_forward(body, zlib.crc32(body))
        return placed

    def _put_all(self, db: Transaction, rows: dict[bytes, Row]) -> dict[bytes, list[Place]]:
        return {trace: self._put(db, trace, row) for trace, row in rows.items()}

    def _put(self, db: Transaction, trace: bytes, row: Row) -> list[Place]:
        places: list[Place] = []
        taken = 0
        while not places or taken < len(row.steps):
            part, room = self._filling(db, trace)
            here = row.steps[taken : taken + room]
            place = self._put_into(db, trace, part, Row(here, [] if places else row.evaluations))
            if place is not None:
                places.append(place)
                taken += room
        return places

    def _put_into(self, db: Transaction, trace: bytes, part: int, row: Row) -> Place | None:
        """Add a row to a part; ``None`` if the part was removed just now by another replica."""
        added = db.execute(
            "INSERT INTO traces(trace, part, steps) VALUES (?, ?, ?) ON CONFLICT(trace, part) "
            "DO UPDATE SET changes = traces.changes + 1, steps = traces.steps + excluded.steps "
            "WHERE traces.removed = 0 RETURNING changes, closed",
            (trace, part, len(row.steps)),
        )
        if not added:
            return None
        ((number, closed),) = added
        db.execute(
            "INSERT INTO deliveries(trace, part, number, data) VALUES (?, ?, ?, ?)",
            (trace, part, number, encode_row(row)),
        )
        return Place(part, number, bool(closed))

    def _filling(self, db: Transaction, trace: bytes) -> tuple[int, int]:
        """The part that takes the next delivery, and the steps that it has room for."""
        found = db.execute(
            "SELECT part, steps, removed FROM traces WHERE trace = ? ORDER BY part DESC LIMIT 1"
            + self.lock_row,
            (trace,),
        )
        if not found:
            return 1, self._max_card_steps
        part, steps, removed = found[0]
        if removed:
            return part + 1, self._max_card_steps
        if steps < self._max_card_steps:
            return part, self._max_card_steps - steps
        self._note_spans(db, trace, part)
        return part + 1, self._max_card_steps

    def _note_spans(self, db: Transaction, trace: bytes, part: int, last: int = UNLIMITED) -> None:
        """A span that is delivered again must not count in the next part, too."""
        rows = [row for row in self._rows(db.execute, trace, part) if row[0] <= last]
        steps, _, _ = self._decode(rows, name_of(trace, part))
        db.executemany(
            "INSERT INTO spans(trace, span) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(trace, step.span_id) for step in steps],
        )

    def latest(self, trace_id: str, known: Place | None = None) -> tuple[Place, list[Step]]:
        """See :class:`.interface.Journal`."""
        trace = bytes.fromhex(trace_id)
        found = self.query(
            "SELECT part, removed FROM traces WHERE trace = ? ORDER BY part DESC LIMIT 1", (trace,)
        )
        part, removed = found[0] if found else (1, 0)
        if removed:
            return Place(part + 1, 0), []
        after = known.number if known and known.part == part else 0
        rows = self._rows(self.query, trace, part, after)
        steps, _, _ = self._decode(rows, card_name(trace_id, part))
        return Place(part, rows[-1][0] if rows else after), steps

    def latest_of(self, known: dict[str, Place | None]) -> dict[str, tuple[Place, list[Step]]]:
        """See :class:`.interface.Journal`."""
        return {trace_id: self.latest(trace_id, place) for trace_id, place in known.items()}

    def before(self, trace_id: str, place: Place) -> list[Step]:
        """See :class:`.interface.Journal`."""
        rows = self._rows(self.query, bytes.fromhex(trace_id), place.part)
        rows = [row for row in rows if row[0] < place.number]
        return self._decode(rows, card_name(trace_id, place.part))[0]

    def holds_span(self, trace_id: str, span_id: str) -> bool:
        """See :class:`.interface.Journal`."""
        sql = "SELECT 1 FROM spans WHERE trace = ? AND span = ?"
        return bool(self.query(sql, (bytes.fromhex(trace_id), span_id)))

    def steps(self, name: str) -> list[Step]:
        """See :class:`.interface.Journal`."""
        return self._decode(self._rows(self.query, *key_of(name)), name)[0]

    def read(self, name: str) -> TraceRecord:
        """See :class:`.interface.Journal`."""
        found = self.query(
            "SELECT changes, compiled, revision, digest, closed, card, removed "
            "FROM traces WHERE trace = ? AND part = ?",
            key_of(name),
        )
        if not found:
            return TraceRecord()
        changes, compiled, revision, digest, closed, card, removed = found[0]
        rows = [] if removed else self._rows(self.query, *key_of(name))
        # What has come in since the first statement is for the next card.
        rows = [row for row in rows if row[0] <= changes]
        steps, evaluations, unreadable = self._decode(rows, name)
        return TraceRecord(
            steps=steps,
            evaluations=evaluations,
            changes=changes,
            compiled=compiled,
            damaged=0 if removed else max(0, changes - len(rows)) + unreadable,
            mark=CardMark(revision, bytes(digest), bool(closed)),
            card=card,
            removed=bool(removed),
        )

    def _rows(self, query: Any, trace: bytes, part: int, after: int = 0) -> Rows:
        rows: Rows = query(
            "SELECT number, data FROM deliveries WHERE trace = ? AND part = ? AND number > ? "
            "ORDER BY number",
            (trace, part, after),
        )
        return rows

    def _decode(self, rows: Rows, name: str) -> tuple[list[Step], list[Evaluation], int]:
        """Steps, evaluations without doubles, and how many rows are damaged."""
        steps: list[Step] = []
        evaluations: dict[Evaluation, None] = {}
        damaged = 0
        for number, data in rows:
            try:
                row = decode_row(data)
            except DamagedRowError as e:
                damaged += 1
                _log.error(
                    "%s: delivery %d of trace %s is damaged: %s", self.where, number, name, e
                )
                continue
            steps += row.steps
            evaluations.update(dict.fromkeys(row.evaluations))
        return steps, list(evaluations), damaged

    def card_of(self, name: str) -> str:
        """See :class:`.interface.Journal`."""
        found = self.query("SELECT card FROM traces WHERE trace = ? AND part = ?", key_of(name))
        return str(found[0][0]) if found else ""

    def sharing(self, card: str) -> list[str]:
        """See :class:`.interface.Journal`."""
        rows = self.query("SELECT trace, part FROM traces WHERE card = ? AND card != ''", (card,))
        return [name_of(bytes(trace), part) for trace, part in rows]

    def of_session(self, session: str, limit: int) -> list[str]:
        """See :class:`.interface.Journal`."""
        rows = self.query(
            "SELECT trace, part FROM traces WHERE session = ? AND session != '' AND part = 1 "
            "AND removed = 0 ORDER BY closed_at DESC LIMIT ?",
            (_text(session), limit),
        )
        return [name_of(bytes(trace), part) for trace, part in rows]

    def save(self, name: str, written: Written) -> None:
        """See :class:`.interface.Journal`."""
        mark = written.mark
        with self.transaction() as db:
            db.execute(
                "UPDATE traces SET compiled = ?, revision = ?, digest = ?, closed = ?, "
                "closed_at = ?, card = ?, session = COALESCE(?, session), cost = COALESCE(?, cost) "
                "WHERE trace = ? AND part = ?",
                (
                    *(written.changes, mark.revision, mark.digest, int(mark.closed), written.at),
                    *(written.card, _text(written.session), written.cost, *key_of(name)),
                ),
            )

    def mark_closed(self, names: Iterable[str], at: float) -> None:
        """See :class:`.interface.Journal`."""
        with self.transaction() as db:
            db.executemany(
                "UPDATE traces SET closed = 1, closed_at = ? WHERE trace = ? AND part = ?",
                [(at, *key) for key in sorted(map(key_of, names))],
            )

    def set_aside(self, name: str) -> str:
        """See :class:`.interface.Journal`."""
        trace, part = key_of(name)
        with self.transaction() as db:
            ((compiled, changes),) = db.execute(
                "SELECT compiled, changes FROM traces WHERE trace = ? AND part = ?" + self.lock_row,
                (trace, part),
            )
            ((last,),) = db.execute("SELECT MAX(part) FROM traces WHERE trace = ?", (trace,))
            self._note_spans(db, trace, part, compiled)
            if last != part:  # it is not filled any further
                self._note_spans(db, trace, last)
            db.execute(
                "DELETE FROM deliveries WHERE trace = ? AND part = ? AND number <= ?",
                (trace, part, compiled),
            )
            db.execute(
                "UPDATE deliveries SET part = ?, number = number - ? WHERE trace = ? AND part = ?",
                (last + 1, compiled, trace, part),
            )
            db.execute(
                "UPDATE traces SET removed = 1, compiled = changes, closed = 1 "
                "WHERE trace = ? AND part = ?",
                (trace, part),
            )
            if changes > compiled:
                steps, _, _ = self._decode(self._rows(db.execute, trace, last + 1), name)
                db.execute(
                    "INSERT INTO traces(trace, part, changes, steps) VALUES (?, ?, ?, ?)",
                    (trace, last + 1, changes - compiled, len(steps)),
                )
        return name_of(trace, last + 1)

    def unfinished(self) -> list[str]:
        """See :class:`.interface.Journal`."""
        rows = self.query(
            "SELECT trace, part FROM traces WHERE compiled < changes OR closed = 0", ()
        )
        return [name_of(bytes(trace), part) for trace, part in rows]

    def next_forward(self) -> tuple[int, bytes] | None:
        """See :class:`.interface.Journal`."""
        while rows := self._next_forward():
            ((forward_id, body, checksum),) = rows
            if zlib.crc32(body) == checksum:
                return int(forward_id), bytes(body)
            _log.error("%s: request %d is damaged and not sent on", self.where, forward_id)
            self.forwarded(forward_id)
        return None

    @abstractmethod
    def _next_forward(self) -> Rows: ...

    @abstractmethod
    def forwarded(self, forward_id: int) -> None:
        """See :class:`.interface.Journal`."""

    def forward_backlog(self) -> tuple[int, int]:
        """See :class:`.interface.Journal`."""
        sql = "SELECT COUNT(*), COALESCE(SUM(LENGTH(request)), 0) FROM forwards"
        ((requests, size),) = self.query(sql)
        return int(requests), int(size)

    def expired(self, before: float, limit: int) -> list[str]:
        """See :class:`.interface.Journal`. Traces that share a card expire together."""
        rows = self.query(
            "SELECT trace, part FROM traces AS t WHERE removed = 0 AND closed_at < ? "
            "AND closed = 1 AND compiled = changes AND NOT EXISTS ("
            "SELECT 1 FROM traces AS o WHERE o.card = t.card AND t.card != '' AND o.removed = 0 "
            "AND NOT (o.closed_at < ? AND o.closed = 1 AND o.compiled = o.changes)) LIMIT ?",
            (before, before, limit),
        )
        return self._with_sharers([name_of(bytes(trace), part) for trace, part in rows])

    def _with_sharers(self, names: list[str]) -> list[str]:
        """Traces that share a card with these are removed in the same transaction."""
        cards = filter(None, dict.fromkeys(map(self.card_of, names)))
        return list(dict.fromkeys([*names, *(n for card in cards for n in self.sharing(card))]))

    def remove(self, names: Iterable[str]) -> None:
        """See :class:`.interface.Journal`."""
        with self.transaction() as db:
            for trace, part in sorted(map(key_of, names)):
                done = db.execute(
                    "UPDATE traces AS t SET removed = 1 WHERE trace = ? AND part = ? "
                    "AND closed = 1 AND compiled = changes AND NOT EXISTS ("
                    "SELECT 1 FROM traces AS o WHERE o.card = t.card AND t.card != '' "
                    "AND o.removed = 0 AND NOT (o.closed = 1 AND o.compiled = o.changes)) "
                    "RETURNING part",
                    (trace, part),
                )
                if not done:
                    continue  # there is news since
                db.execute("DELETE FROM deliveries WHERE trace = ? AND part = ?", (trace, part))
                db.execute(
                    "DELETE FROM spans WHERE trace = ? AND NOT EXISTS "
                    "(SELECT 1 FROM traces WHERE trace = ? AND removed = 0)",
                    (trace, trace),
                )

    def removed(self, after: str, limit: int) -> list[str]:
        """See :class:`.interface.Journal`."""
        rows = self.query(
            "SELECT trace, part FROM traces WHERE removed = 1 AND (trace, part) > (?, ?) "
            "ORDER BY trace, part LIMIT ?",
            (*(key_of(after) if after else (b"", 0)), limit),
        )
        return [name_of(bytes(trace), part) for trace, part in rows]

    def forget(self, names: Iterable[str]) -> None:
        """See :class:`.interface.Journal`."""
        with self.transaction() as db:
            db.executemany(
                "DELETE FROM traces WHERE trace = ? AND part = ? AND removed = 1",
                [key_of(name) for name in names],
            )


def _changed_by_others(known: dict[str, Place], placed: dict[str, list[Place]]) -> dict[str, Place]:
    """Traces whose delivery does not follow the one that was known, and where it stands."""
    firsts = {trace_id: places[0] for trace_id, places in placed.items() if trace_id in known}
    return {
        trace_id: place
        for trace_id, place in firsts.items()
        if (place.part, place.number) != (known[trace_id].part, known[trace_id].number + 1)
    }


def _text(value: str | None) -> str | None:
    """PostgreSQL has no text with NUL in it."""
    return value and value.replace("\0", "")
