"""What is appended can be read again, on both backends."""

import threading
from functools import partial

import pytest

from clawtrace_otel.collector.journal.interface import Delivery, Journal, Place, Written
from clawtrace_otel.exporters.card_folder import CardMark
from clawtrace_otel.semconv.step import Evaluation
from tests.collector.otlp import trace_id
from tests.collector.peers import until
from tests.journal.conftest import Open
from tests.journal.deliveries import A, B, close_card, forwards, ids, span_id, step, steps, told
from tests.journal.peers import answer_of, other_process, rows_of, sql


def test_deliveries_of_a_trace_are_numbered_from_1(journal: Journal) -> None:
    assert journal.append(steps(1, 2)) == {A: [Place(1, 1)]}
    assert journal.append(told("quality")) == {A: [Place(1, 2)]}
    both = Delivery(steps={B: [step(1, B)], A: [step(3)]})
    assert journal.append(both) == {A: [Place(1, 3)], B: [Place(1, 1)]}


def test_a_record_has_what_was_delivered_in_order(journal: Journal) -> None:
    journal.append(steps(2, 1))
    journal.append(Delivery(steps={A: [step(3)]}, evaluations=[(A, Evaluation(name="first"))]))
    journal.append(told("second"))
    record = journal.read(A)
    assert record.steps == [step(2), step(1), step(3)] == journal.steps(A)
    assert [e.name for e in record.evaluations] == ["first", "second"]
    assert (record.changes, record.compiled, record.damaged) == (3, 0, 0)
    assert (record.mark, record.card, record.removed) == (CardMark(), "", False)


def test_an_evaluation_that_is_delivered_again_is_read_once(journal: Journal) -> None:
    for _ in range(2):
        journal.append(told("quality"))
    assert [e.name for e in journal.read(A).evaluations] == ["quality"]


def test_of_an_unknown_trace_there_is_nothing(journal: Journal) -> None:
    assert journal.read(A).changes == 0
    assert journal.steps(A) == []
    assert journal.card_of(A) == ""
    assert journal.latest(A) == (Place(1, 0), [])
    assert not journal.holds_span(A, span_id(1))


def test_what_cannot_be_appended_in_full_leaves_nothing(journal: Journal, address: str) -> None:
    """The second trace id is none, which is found when the first is written."""
    journal.append(steps(1))
    before = rows_of(address)
    broken = Delivery(steps={A: [step(2)], "no hex": [step(3)]}, forwards=[b"request"])
    with pytest.raises(ValueError, match="hex"):
        journal.append(broken)
    assert rows_of(address) == before
    assert journal.append(steps(4)) == {A: [Place(1, 2)]}


def test_all_is_there_after_the_journal_was_opened_again(
    address: str, open_at: Open, journal: Journal
) -> None:
    journal.append(Delivery(steps={A: [step(1)]}, forwards=[b"request"]))
    close_card(journal, A)
    journal.append(told("quality"))
    journal.close()
    again = open_at(address)
    record = again.read(A)
    assert (ids(record.steps), record.changes, record.compiled) == ([1], 2, 1)
    assert record.mark == CardMark(1, b"digest", closed=True)
    assert again.next_forward() == (1, b"request")


def test_only_what_is_not_known_yet_is_read_of_a_trace(journal: Journal) -> None:
    journal.append(steps(1))
    first, found = journal.latest(A)
    assert (first, ids(found)) == (Place(1, 1), [1])
    journal.append(steps(2))
    journal.append(steps(3))
    place, found = journal.latest(A, first)
    assert (place, ids(found)) == (Place(1, 3), [2, 3])
    assert journal.latest(A, place) == (place, [])


def test_what_is_known_of_an_earlier_part_says_nothing_of_the_next(
    address: str, open_at: Open
) -> None:
    journal = open_at(address, max_card_steps=2)
    journal.append(steps(1, 2))
    known, _ = journal.latest(A)
    journal.append(steps(3))
    place, found = journal.latest(A, known)
    assert (place, ids(found)) == (Place(2, 1), [3])


def test_what_does_not_fit_into_a_part_goes_to_the_next_which_knows_its_spans(
    address: str, open_at: Open
) -> None:
    journal = open_at(address, max_card_steps=3)
    assert journal.append(steps(1, 2)) == {A: [Place(1, 1)]}
    assert journal.append(steps(3, 4)) == {A: [Place(1, 2), Place(2, 1)]}
    assert [journal.holds_span(A, span_id(n)) for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert not journal.holds_span(B, span_id(1))
    assert (ids(journal.steps(A)), ids(journal.steps(f"{A}-2"))) == ([1, 2, 3], [4])
    assert set(journal.unfinished()) == {A, f"{A}-2"}


def test_a_delivery_of_any_size_is_cut_into_parts(address: str, open_at: Open) -> None:
    journal = open_at(address, max_card_steps=2)
    delivery = steps(*range(1, 2022))
    delivery.evaluations.append((A, Evaluation(name="quality")))
    places = journal.append(delivery)[A]
    assert places == [Place(part, 1) for part in range(1, 1012)]
    names = [A, f"{A}-2", f"{A}-1011"]
    assert [ids(journal.steps(name)) for name in names] == [[1, 2], [3, 4], [2021]]
    assert [len(journal.read(name).evaluations) for name in names] == [1, 0, 0]


def test_a_damaged_delivery_is_counted_and_takes_no_other_with_it(
    address: str, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    for n in (1, 2, 3, 4):
        journal.append(steps(n))
    damage = b"\x00\x00\x00\x00\x91\x90"
    sql(address, "UPDATE deliveries SET data = ? WHERE number = 2", (damage,))
    record = journal.read(A)
    assert (ids(record.steps), record.changes, record.damaged) == ([1, 3, 4], 4, 1)
    assert f"delivery 2 of trace {A} is damaged" in caplog.text
    sql(address, "DELETE FROM deliveries WHERE number = 4")
    assert journal.read(A).damaged == 2
    assert journal.append(steps(5)) == {A: [Place(1, 5)]}


def test_a_delivery_to_a_closed_trace_is_late(journal: Journal) -> None:
    journal.append(steps(1))
    close_card(journal, A)
    assert journal.append(steps(2)) == {A: [Place(1, 2, late=True)]}


def test_what_a_card_knew_is_set_aside_and_the_rest_goes_to_a_new_part(
    address: str, open_at: Open
) -> None:
    journal = open_at(address, max_card_steps=3)
    for n in (1, 2):
        journal.append(steps(n))
    close_card(journal, A)
    journal.append(steps(3))
    assert journal.set_aside(A) == f"{A}-2"
    kept, rest = journal.read(A), journal.read(f"{A}-2")
    assert (kept.removed, kept.steps, kept.damaged) == (True, [], 0)
    assert (ids(rest.steps), rest.changes, rest.damaged, rest.removed) == ([3], 1, 0, False)
    assert journal.unfinished() == [f"{A}-2"]
    assert [journal.holds_span(A, span_id(n)) for n in (1, 2, 3)] == [True, True, False]
    filled = {A: [Place(2, 2), Place(3, 1)]}
    assert journal.append(steps(4, 5, 6)) == filled, "the rest counts for what is full"


def test_of_a_trace_that_is_set_aside_without_rest_the_next_delivery_makes_the_part(
    journal: Journal,
) -> None:
    journal.append(steps(1))
    close_card(journal, A)
    assert journal.set_aside(A) == f"{A}-2"
    assert journal.unfinished() == []
    assert journal.read(f"{A}-2").changes == 0
    assert journal.append(steps(2)) == {A: [Place(2, 1)]}


def _numbers(placed: list[dict[str, list[Place]]], trace: str) -> list[int]:
    return sorted(place.number for one in placed for place in one[trace])


def test_threads_that_append_at_once_leave_no_gap(journal: Journal) -> None:
    """Each has all traces in another order."""
    traces = [trace_id(n) for n in range(1, 5)]
    placed: list[dict[str, list[Place]]] = []

    def append(first: int) -> None:
        for n in range(25):
            order = traces[first:] + traces[:first]
            number = first * 100 + n
            one = Delivery(steps={trace: [step(number, trace)] for trace in order})
            placed.append(journal.append(one))

    threads = [threading.Thread(target=append, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for trace in traces:
        assert _numbers(placed, trace) == list(range(1, 101))
        record = journal.read(trace)
        assert (record.changes, record.damaged) == (100, 0)
        assert sorted(ids(record.steps)) == [k * 100 + n for k in range(4) for n in range(25)]


def test_processes_that_append_at_once_leave_no_gap(postgres_url: str, open_at: Open) -> None:
    """They begin with an empty database, at once: one of them makes the tables."""
    with (
        other_process(postgres_url, "append", 100, 15) as one,
        other_process(postgres_url, "append", 200, 15) as two,
        other_process(postgres_url, "append", 300, 15) as three,
    ):
        assert {answer_of(process) for process in (one, two, three)} == {"done"}
    record = open_at(postgres_url).read(A)
    assert (record.changes, record.damaged) == (45, 0)
    assert sorted(ids(record.steps)) == [n * 100 + k for n in (1, 2, 3) for k in range(15)]


def test_appends_go_on_while_a_trace_is_set_aside_and_none_is_lost(
    address: str, journal: Journal
) -> None:
    journal.append(steps(0))
    stop = threading.Event()
    appended = [0]

    def append() -> None:
        while not stop.is_set():
            journal.append(steps(appended[-1] + 1))
            appended.append(appended[-1] + 1)

    def changes_of(name: str) -> int:
        return journal.read(name).changes

    thread = threading.Thread(target=append)
    thread.start()
    names = [A]
    kept = [ids(journal.steps(A))]
    try:
        for _ in range(4):
            record = journal.read(names[-1])
            known = record.changes
            journal.save(names[-1], Written(known, CardMark(digest=b"digest")))
            kept[-1] = ids(record.steps)
            names.append(journal.set_aside(names[-1]))
            kept.append([])
            until(partial(changes_of, names[-1]))
    finally:
        stop.set()
        thread.join()
    kept[-1] = ids(journal.steps(names[-1]))
    assert [n for part in kept for n in part] == appended
    assert journal.read(names[-1]).damaged == 0
    gaps = "SELECT COUNT(*), MAX(number) FROM deliveries GROUP BY part"
    assert all(count == last for count, last in sql(address, gaps))


def test_forwards_are_kept_with_their_delivery(journal: Journal) -> None:
    journal.append(forwards(b"one", b"two"))
    assert journal.forward_backlog() == (2, len(b"onetwo"))
