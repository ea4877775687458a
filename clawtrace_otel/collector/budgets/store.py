"""What budgets keep in the journal: which notices were given, and which are still to be posted.

A notice and its body are written in one transaction, so that what was told of and what is to be
posted survive together. They go when the journal forgets the trace or the session.
"""

from dataclasses import dataclass

from clawtrace_otel.collector.budgets.notice import Budget, Notice, Spent
from clawtrace_otel.collector.journal.interface import Journal
from clawtrace_otel.collector.journal.names import key_of, name_of
from clawtrace_otel.collector.journal.tables import SqlJournal
from clawtrace_otel.collector.telemetry.table import Scope

# Sums in floating point, exact up to 9,000 USD: SQLite's of integers fails if they are huge.
_SUM = "SELECT COALESCE(SUM(CAST(cost AS DOUBLE PRECISION)), 0) FROM traces"

_COST: dict[Scope, str] = {
    "trace": f"{_SUM} WHERE trace = ?",
    "session": f"{_SUM} WHERE session = ? AND session != ''",
}

_KEY = "scope = ? AND id = ? AND budget = ? AND percent = ?"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that is to be posted.

    Attributes:
        key: of its row.
        tries: how often it was tried.
    """

    key: tuple[str, str, int, int]
    tries: int
    body: bytes


class BudgetStore:
    """Every method raises JournalError if the journal cannot be read or written.

    Args:
        journal: of the service.
    """

    def __init__(self, journal: Journal) -> None:
        assert isinstance(journal, SqlJournal)
        self._tables = journal

    def begin(self, budget: Budget, now: float) -> float:
        """Since when a budget is known, in Unix seconds."""
        key = (budget.scope, "", budget.amount, 0)
        with self._tables.transaction() as db:
            db.execute(
                "INSERT INTO budget_notices(scope, id, budget, percent, trace, at) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*key, b"", now),
            )
            ((since,),) = db.execute(f"SELECT at FROM budget_notices WHERE {_KEY}", key)
        return float(since)

    def cost(self, budget: Budget, spent: Spent) -> int:
        """What a trace, with all of its parts, or a session costs by now, in 1e-12 USD."""
        values: tuple[object, ...] = (spent.session,)
        if budget.scope == "trace":
            values = key_of(spent.name)[:1]
        ((cost,),) = self._tables.query(_COST[budget.scope], values)
        units: int = round(cost)
        return units

    def given(self, budget: Budget, key: str) -> set[int]:
        """The percents that were told of a trace or session."""
        rows = self._tables.query(
            "SELECT percent FROM budget_notices WHERE scope = ? AND id = ? AND budget = ?",
            (budget.scope, key, budget.amount),
        )
        return {percent for (percent,) in rows}

    def give(self, budget: Budget, spent: Spent, notice: Notice, at: float, *, post: bool) -> None:
        """All that a notice tells of was told.

        Args:
            budget: that was crossed.
            spent: the card that showed it.
            notice: that was given.
            at: Unix seconds.
            post: it is still to be posted.
        """
        key = (budget.scope, spent.key(budget.scope), budget.amount)
        trace, _ = key_of(spent.name)
        body = notice.body().decode() if post else None
        with self._tables.transaction() as db:
            db.executemany(
                "INSERT INTO budget_notices(scope, id, budget, percent, trace, at, body) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [
                    (*key, percent, trace, at, body if percent == notice.percent else None)
                    for percent in notice.crossed
                ],
            )

    def next_to_post(self) -> Waiting | None:
        """The notice that was tried the least, of these the oldest."""
        rows = self._tables.query(
            "SELECT scope, id, budget, percent, tries, body FROM budget_notices "
            "WHERE body IS NOT NULL ORDER BY tries, at LIMIT 1"
        )
        if not rows:
            return None
        ((*key, tries, body),) = rows
        scope, of, amount, percent = key
        return Waiting((scope, of, amount, percent), tries, body.encode())

    def tried(self, waiting: Waiting) -> None:
        """A notice could not be posted."""
        with self._tables.transaction() as db:
            db.execute(f"UPDATE budget_notices SET tries = tries + 1 WHERE {_KEY}", waiting.key)

    def posted(self, waiting: Waiting) -> None:
        """A notice is not to be posted any more."""
        with self._tables.transaction() as db:
            db.execute(f"UPDATE budget_notices SET body = NULL WHERE {_KEY}", waiting.key)

    def claim(self, what: str) -> bool:
        """Take the right to do something; ``False`` if another replica has it."""
        return self._tables.claim(what)

    def release(self, what: str) -> None:
        """Give it back."""
        self._tables.release(what)

    def written_since(self, at: float, limit: int) -> list[str]:
        """Names of the cards that cost something and were written last, since a time."""
        rows = self._tables.query(
            "SELECT trace, part FROM traces WHERE closed_at >= ? AND cost > 0 AND removed = 0 "
            "ORDER BY closed_at DESC LIMIT ?",
            (at, limit),
        )
        return [name_of(bytes(trace), part) for trace, part in rows]

    def prune(self) -> None:
        """Forget the notices of traces and sessions that the journal has forgotten."""
        with self._tables.transaction() as db:
            db.execute(
                "DELETE FROM budget_notices AS n WHERE body IS NULL AND percent > 0 AND NOT EXISTS "
                "(SELECT 1 FROM traces AS t WHERE n.scope = 'trace' AND t.trace = n.trace) "
                "AND NOT EXISTS (SELECT 1 FROM traces AS t WHERE n.scope = 'session' "
                "AND t.session = n.id AND t.session != '')"
            )
