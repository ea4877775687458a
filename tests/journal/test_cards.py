"""What is remembered of cards, and the right to write them, on both backends."""

import pytest

from clawtrace_otel.collector.journal.interface import Journal, Written
from clawtrace_otel.errors import JournalError
from clawtrace_otel.exporters.card_folder import CardMark
from tests.collector.peers import until
from tests.journal.conftest import Open
from tests.journal.deliveries import A, B, C, close_card, ids, steps
from tests.journal.peers import answer_of, other_process
from tests.postgres import Postgres


def test_a_trace_is_finished_once_its_card_knows_all_and_it_is_closed(journal: Journal) -> None:
    journal.append(steps(1))
    assert journal.unfinished() == [A]
    journal.save(A, Written(1, CardMark(1, b"digest", closed=False)))
    assert journal.unfinished() == [A]
    assert journal.read(A).mark == CardMark(1, b"digest", closed=False)
    journal.mark_closed([A], 5.0)
    assert journal.unfinished() == []
    assert journal.read(A).mark == CardMark(1, b"digest", closed=True)
    journal.append(steps(2))
    assert journal.unfinished() == [A]
    close_card(journal, A)
    assert journal.unfinished() == []


def test_a_card_that_does_not_know_the_last_delivery_leaves_its_trace_unfinished(
    journal: Journal,
) -> None:
    journal.append(steps(1))
    journal.append(steps(2))
    journal.save(A, Written(1, CardMark(1, b"digest", closed=True)))
    assert journal.unfinished() == [A]
    assert (journal.read(A).compiled, journal.read(A).changes) == (1, 2)


def test_traces_share_a_card_until_they_are_saved_without_it(journal: Journal) -> None:
    for trace in (A, B, C):
        journal.append(steps(1, trace=trace))
        close_card(journal, trace, card="" if trace == C else A)
    assert sorted(journal.sharing(A)) == [A, B]
    assert [journal.card_of(trace) for trace in (A, B, C)] == [A, A, ""]
    assert journal.sharing("") == []
    close_card(journal, B)
    assert (journal.sharing(A), journal.card_of(B)) == ([A], "")


def test_any_text_is_the_name_of_a_session(journal: Journal) -> None:
    for trace, name in ((A, "with\0nul"), (B, "% ? '\"; \N{SNOWMAN}"), (C, "%s")):
        journal.append(steps(1, trace=trace))
        journal.save(trace, Written(1, CardMark(), session=name, cost=5))
        assert journal.read(trace).compiled == 1


def test_who_writes_a_card_keeps_other_replicas_from_it(postgres_url: str, open_at: Open) -> None:
    one, two = open_at(postgres_url), open_at(postgres_url)
    one.append(steps(1))
    assert one.claim(A)
    assert not two.claim(A)
    assert two.claim(B), "another card is free"
    two.append(steps(2))
    one.save(A, Written(1, CardMark()))
    assert ids(two.steps(A)) == [1, 2], "a claim keeps nobody from adding spans"
    one.confirm(A)
    one.release(A)
    assert two.claim(A)


def test_a_claim_ends_with_the_process_that_has_it(postgres_url: str, open_at: Open) -> None:
    journal = open_at(postgres_url)
    with other_process(postgres_url, "claim", A) as other:
        assert answer_of(other) == "True"
        assert not journal.claim(A)
    until(lambda: journal.claim(A))


def test_a_claim_that_was_lost_with_its_connection_is_not_confirmed(
    postgres: Postgres, postgres_url: str, open_at: Open
) -> None:
    journal = open_at(postgres_url)
    assert journal.claim(A)
    postgres.stop()
    with pytest.raises(JournalError, match="cannot be read"):
        journal.confirm(A)
    postgres.start()
    with pytest.raises(JournalError, match="right to write the card"):
        journal.confirm(A)
    journal.release(A)
    assert journal.claim(A)
    journal.confirm(A)
