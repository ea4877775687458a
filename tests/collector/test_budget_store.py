"""What was told of budgets, in a journal of either kind: every crossing, each once."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from clawtrace_otel.collector.budgets.checker import Budgets
from clawtrace_otel.collector.budgets.forecast import Forecast
from clawtrace_otel.collector.budgets.notice import Budget, Notice, Spent, make_notice
from clawtrace_otel.collector.budgets.store import BudgetStore
from clawtrace_otel.collector.journal.interface import Delivery, Journal, Written
from clawtrace_otel.collector.journal.open import open_journal
from clawtrace_otel.collector.journal.rescue import mark_damaged
from clawtrace_otel.collector.telemetry.metrics import ServiceMetrics
from clawtrace_otel.errors import JournalError
from clawtrace_otel.exporters.card_folder import CardFolder, CardMark
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.semconv.step import Step
from tests.collector.otlp import trace_id
from tests.postgres import postgres, postgres_server, postgres_url

__all__ = ["postgres", "postgres_server", "postgres_url"]

BUDGETS = [Budget("trace", 100), Budget("session", 250)]
PERCENTS = (50, 75, 100)


@pytest.fixture(params=["sqlite", "postgresql"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    """An empty journal of either kind."""
    if request.param == "sqlite":
        opened = open_journal(str(tmp_path / "journal.db"))
    else:
        opened = open_journal(request.getfixturevalue("postgres_url"))
    yield opened
    opened.close()


@dataclass(frozen=True)
class Change:
    """A card that is written, with its cost in 1e-12 USD."""

    trace: int
    cost: int

    @property
    def spent(self) -> Spent:
        """Traces with even numbers are of one session, the others of none."""
        return Spent(trace_id(self.trace), "" if self.trace % 2 else "conv", "agent", 0)


def save(journal: Journal, change: Change, at: float) -> None:
    """What the journal has when the card was written."""
    name = trace_id(change.trace)
    if not journal.read(name).changes:
        journal.append(Delivery(steps={name: [Step(trace_id=name, span_id="1" * 16)]}))
    mark = CardMark(closed=True)
    journal.save(name, Written(1, mark, "", change.spent.session, change.cost, at))


def make(journal: Journal, folder: Path, clock: Iterator[int]) -> Budgets:
    forecast = Forecast(BUDGETS, Pricer())
    store = BudgetStore(journal)
    return Budgets(
        BUDGETS,
        store,
        CardFolder(folder),
        ServiceMetrics(),
        forecast.exact,
        on_notice=lambda: None,
        clock=lambda: float(next(clock)),
    )


def told(journal: Journal) -> list[tuple[str, str, int]]:
    """Scope, id and percent of all that waits to be posted."""
    store = BudgetStore(journal)
    found: list[tuple[str, str, int]] = []
    while waiting := store.next_to_post():
        notice = json.decode(waiting.body, type=Notice)
        assert notice.percent == max(notice.crossed)
        found += [(notice.scope, waiting.key[1], percent) for percent in notice.crossed]
        store.posted(waiting)
    return found


changes = st.lists(
    st.builds(Change, st.integers(1, 4), st.integers(0, 300)), min_size=1, max_size=12
)


def expected(order: list[Change]) -> set[tuple[str, str, int]]:
    """What the order of cards has reached at any time."""
    costs: dict[int, int] = {}
    found: set[tuple[str, str, int]] = set()
    for change in order:
        costs[change.trace] = change.cost
        name = trace_id(change.trace)
        found |= {("trace", name, p) for p in PERCENTS if change.cost >= p}
        of_session = sum(cost for trace, cost in costs.items() if trace % 2 == 0)
        if change.spent.session:
            found |= {("session", "conv", p) for p in PERCENTS if of_session * 100 >= 250 * p}
    return found


@given(changes, st.sets(st.integers(0, 11)))
@settings(max_examples=40)
def test_every_crossing_is_told_of_and_none_twice(order: list[Change], restarts: set[int]) -> None:
    """In any order of costs, which may fall again, and with any restarts."""
    clock = itertools.count(1)
    with TemporaryDirectory() as name:
        folder = Path(name)
        journal = open_journal(str(folder / "journal.db"))
        budgets = make(journal, folder, clock)
        budgets.look_again()
        for n, change in enumerate(order):
            if n in restarts:
                journal.close()
                journal = open_journal(str(folder / "journal.db"))
                budgets = make(journal, folder, clock)
                budgets.look_again()
            save(journal, change, float(next(clock)))
            budgets.check(change.spent)
            budgets.check(change.spent)
        found = told(journal)
        journal.close()
    assert len(found) == len(set(found))
    assert set(found) == expected(order)


def test_both_kinds_of_journal_tell_the_same(journal: Journal, tmp_path: Path) -> None:
    order = [Change(2, 60), Change(4, 80), Change(2, 120), Change(1, 10), Change(4, 140)]
    budgets = make(journal, tmp_path, itertools.count(1))
    budgets.look_again()
    for change in order:
        save(journal, change, 1.0)
        budgets.check(change.spent)
    assert set(told(journal)) == expected(order)
    assert told(journal) == []


def test_costs_that_senders_made_up_are_added(journal: Journal, tmp_path: Path) -> None:
    huge = 2**63 - 1
    budgets = make(journal, tmp_path, itertools.count(1))
    for change in (Change(2, huge), Change(4, huge)):
        save(journal, change, 1.0)
        budgets.check(change.spent)
    assert len(told(journal)) == 9


def test_notices_go_when_the_journal_forgets_the_trace(journal: Journal, tmp_path: Path) -> None:
    """And the session, when the last of its traces is forgotten."""
    budgets = make(journal, tmp_path, itertools.count(1))
    store = BudgetStore(journal)
    for change in (Change(2, 200), Change(4, 200)):
        save(journal, change, 1.0)
        budgets.check(change.spent)
    told(journal)
    two, four = Change(2, 0).spent, Change(4, 0).spent
    trace, session = BUDGETS
    for gone, left in ((two, {50, 75, 100}), (four, set())):
        journal.remove([gone.name])
        journal.forget([gone.name])
        store.prune()
        assert store.given(trace, gone.name) == set()
        assert store.given(session, "conv") == left


def test_what_cannot_be_remembered_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The journal cannot be written for a while: the check is tried again until it can."""
    path = tmp_path / "journal.db"
    with closing(open_journal(str(path))) as journal:
        budgets = make(journal, tmp_path, itertools.count(1))
        save(journal, Change(1, 60), 1.0)
        with closing(sqlite3.connect(path)) as other:
            other.execute(
                "CREATE TRIGGER full BEFORE INSERT ON budget_notices "
                "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
            for _ in range(2):
                with pytest.raises(JournalError, match="disk full"):
                    budgets.check(Change(1, 60).spent)
            other.execute("DROP TRIGGER full")
        save(journal, Change(1, 80), 1.0)
        budgets.check(Change(1, 80).spent)
        assert told(journal) == [("trace", trace_id(1), 50), ("trace", trace_id(1), 75)]
    assert [vars(record)["percent"] for record in caplog.records if "budget" in vars(record)] == [
        50,
        75,
    ]


def llm(trace: int, usd: float) -> Step:
    """A call that cost so much."""
    units = round(usd * 10**12)
    return Step(trace_id=trace_id(trace), span_id="1" * 16, kind="llm", supplied=units)


def test_a_card_is_hurried_once_for_each_part_of_a_budget() -> None:
    now = itertools.count()
    budget = Budget.of_usd("trace", 1.0)
    forecast = Forecast([budget], Pricer(), clock=lambda: float(next(now) * 10))
    names = [trace_id(1), trace_id(2)]
    hurried = []
    for _ in range(15):
        forecast.add(llm(1, 0.1))
        hurried.append(forecast.to_hurry(names))
    first = [names[0]]
    assert hurried == [first if n in (5, 8, 10) else [] for n in range(1, 16)]


def test_what_a_card_shows_corrects_the_sum() -> None:
    """Each call was seen twice; the card has it once."""
    budget = Budget.of_usd("trace", 1.0)
    now = 0.0
    forecast = Forecast([budget], Pricer(), clock=lambda: now)
    name = trace_id(1)
    forecast.add(llm(1, 0.3))
    forecast.add(llm(1, 0.3))
    assert forecast.to_hurry([name]) == [name]
    forecast.exact(budget, Spent(name, "", "agent", 0, seconds=5.0), 3 * 10**11)
    forecast.add(llm(1, 0.25))
    assert forecast.to_hurry([name]) == []  # a card that takes 5 s is not written all the time
    now = 51.0
    assert forecast.to_hurry([name]) == [name]


def test_a_changed_budget_is_a_new_one(journal: Journal, tmp_path: Path) -> None:
    save(journal, Change(1, 60), 1.0)
    budgets = make(journal, tmp_path, itertools.count(1))
    budgets.check(Change(1, 60).spent)
    assert len(told(journal)) == 1
    raised = Budgets(
        [Budget("trace", 110)],
        BudgetStore(journal),
        CardFolder(tmp_path),
        ServiceMetrics(),
        Forecast([], Pricer()).exact,
        on_notice=lambda: None,
    )
    raised.check(Change(1, 60).spent)
    assert told(journal) == [("trace", trace_id(1), 50)]


@pytest.mark.parametrize("at", [5.0, 5.5])
def test_what_was_told_survives_the_rescue_of_a_damaged_journal(tmp_path: Path, at: float) -> None:
    path = tmp_path / "journal.db"
    before = open_journal(str(path))
    change = Change(1, 60)
    save(before, change, at)
    notice = make_notice(BUDGETS[0], change.spent, 60, [50], at)
    BudgetStore(before).give(BUDGETS[0], change.spent, notice, at, post=True)
    before.close()
    mark_damaged(path)
    after = open_journal(str(path))
    store = BudgetStore(after)
    assert store.given(BUDGETS[0], change.spent.key("trace")) == {50}
    assert store.next_to_post() is not None
    after.close()
