"""Traces whose time is over, on both backends."""

from clawtrace_otel.collector.journal.interface import Journal, Place, Written
from clawtrace_otel.exporters.card_folder import CardMark
from tests.collector.otlp import trace_id
from tests.journal.conftest import Open
from tests.journal.deliveries import A, B, close_card, ids, span_id, steps, told
from tests.journal.peers import rows_of


def expired(journal: Journal, before: float = 1000.0) -> list[str]:
    return sorted(journal.expired(before, 100))


def test_a_trace_expires_when_it_was_closed_before_and_has_not_changed(journal: Journal) -> None:
    journal.append(steps(1))
    assert expired(journal) == []
    journal.save(A, Written(1, CardMark(), at=100.0))
    assert expired(journal) == [], "it is open"
    journal.mark_closed([A], 200.0)
    assert expired(journal, 200.0) == []
    assert expired(journal, 200.5) == [A]
    journal.append(steps(2))
    assert expired(journal) == [], "there is news"


def test_of_a_removed_trace_nothing_is_left_but_that_it_was_there(
    journal: Journal, address: str
) -> None:
    journal.append(steps(1))
    journal.append(told("quality"))
    close_card(journal, A)
    journal.remove([A])
    record = journal.read(A)
    assert (record.removed, record.steps, record.evaluations) == (True, [], [])
    assert (record.damaged, record.changes) == (0, 2)
    assert journal.unfinished() == []
    assert expired(journal) == []
    assert journal.removed("", 10) == [A]
    assert rows_of(address) == {
        "traces": 1, "deliveries": 0, "spans": 0, "forwards": 0, "budget_notices": 0
    }  # fmt: skip


def test_what_comes_after_a_trace_was_removed_makes_a_new_part(journal: Journal) -> None:
    journal.append(steps(1))
    close_card(journal, A)
    journal.remove([A])
    assert journal.latest(A) == (Place(2, 0), [])
    assert journal.append(steps(2)) == {A: [Place(2, 1)]}
    assert journal.append(steps(3)) == {A: [Place(2, 2)]}
    assert journal.unfinished() == [f"{A}-2"]
    close_card(journal, f"{A}-2")
    journal.remove([f"{A}-2"])
    assert journal.append(steps(4)) == {A: [Place(3, 1)]}
    assert sorted(journal.removed("", 10)) == [A, f"{A}-2"]


def test_a_trace_with_news_is_not_removed(journal: Journal) -> None:
    journal.append(steps(1))
    close_card(journal, A)
    journal.append(steps(2))
    journal.remove([A])
    assert ids(journal.steps(A)) == [1, 2]
    journal.append(steps(1, trace=B))
    journal.remove([B])
    assert ids(journal.steps(B)) == [1], "it is open"


def test_traces_that_share_a_card_are_kept_as_long_as_one_of_them_may_change(
    journal: Journal,
) -> None:
    for trace in (A, B):
        journal.append(steps(1, trace=trace))
        close_card(journal, trace, 100.0, card=A)
    journal.append(steps(2, trace=B))
    assert expired(journal) == []
    journal.remove([A])
    assert ids(journal.steps(A)) == [1]
    close_card(journal, B, 300.0, card=A)
    assert expired(journal, 200.0) == []
    assert expired(journal, 400.0) == [A, B]
    journal.remove([A, B])
    assert sorted(journal.removed("", 10)) == [A, B]


def test_traces_that_share_a_card_expire_in_one_go_whatever_the_limit(journal: Journal) -> None:
    traces = [trace_id(n) for n in range(1, 7)]
    for trace in traces:
        journal.append(steps(1, trace=trace))
    for n, trace in enumerate(traces):
        close_card(journal, trace, card=traces[n % 2])
    names = journal.expired(1000.0, 1)
    assert sorted(names) in (traces[0::2], traces[1::2])


def test_spans_of_earlier_parts_are_known_until_the_last_part_is_removed(
    address: str, open_at: Open
) -> None:
    journal = open_at(address, max_card_steps=1)
    for n in (1, 2):
        journal.append(steps(n))
    for name in (A, f"{A}-2"):
        assert journal.holds_span(A, span_id(1))
        close_card(journal, name)
        journal.remove([name])
    assert not journal.holds_span(A, span_id(1))


def test_removed_traces_are_listed_in_order_and_forgotten_for_good(journal: Journal) -> None:
    traces = [trace_id(n) for n in (1, 2, 10, 300)]
    for trace in traces:
        journal.append(steps(1, trace=trace))
        close_card(journal, trace)
    journal.remove(traces)
    assert journal.removed("", 3) == traces[:3]
    assert journal.removed(traces[2], 3) == traces[3:]
    journal.forget(traces[:2])
    assert journal.removed("", 9) == traces[2:]
    assert journal.read(traces[0]).changes == 0
    assert journal.append(steps(1, trace=traces[0])) == {traces[0]: [Place(1, 1)]}


def test_what_is_not_removed_is_not_forgotten(journal: Journal) -> None:
    journal.append(steps(1))
    close_card(journal, A)
    journal.forget([A])
    assert ids(journal.steps(A)) == [1]


def test_the_size_grows_with_what_is_kept(journal: Journal) -> None:
    empty = journal.size()
    for n in range(1, 60):
        journal.append(steps(*range(n * 1000, n * 1000 + 200)))
    full = journal.size()
    assert full > empty + 100_000
