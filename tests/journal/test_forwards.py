"""Requests that are to be sent on, on both backends."""

import pytest

from clawtrace_otel.collector.journal.interface import Journal
from clawtrace_otel.errors import JournalError
from tests.collector.peers import until
from tests.journal.conftest import Open
from tests.journal.deliveries import forwards
from tests.journal.peers import answer_of, other_process, sql
from tests.postgres import Postgres


def sent(journal: Journal) -> bytes | None:
    """Send the next request on."""
    found = journal.next_forward()
    if found is None:
        return None
    journal.forwarded(found[0])
    return found[1]


def test_requests_are_sent_on_in_order_and_once(journal: Journal) -> None:
    journal.append(forwards(b"one", b""))
    journal.append(forwards(b"three"))
    assert [sent(journal) for _ in range(4)] == [b"one", b"", b"three", None]
    assert journal.forward_backlog() == (0, 0)


def test_a_request_that_was_not_sent_is_given_again(journal: Journal) -> None:
    journal.append(forwards(b"one", b"two"))
    first = journal.next_forward()
    journal.release_forward()
    assert journal.next_forward() == first
    journal.release_forward()
    assert [sent(journal), sent(journal)] == [b"one", b"two"]


def test_a_damaged_request_is_told_of_and_takes_no_other_with_it(
    journal: Journal, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    journal.append(forwards(b"one", b"two", b"three"))
    sql(address, "UPDATE forwards SET request = ? WHERE id < 3", (b"damage!",))
    assert sent(journal) == b"three"
    assert sent(journal) is None
    assert "request 1 is damaged and not sent on" in caplog.text
    assert "request 2 is damaged and not sent on" in caplog.text


def test_two_replicas_never_send_the_same_request_at_once(postgres_url: str, open_at: Open) -> None:
    one, two, three = (open_at(postgres_url) for _ in range(3))
    one.append(forwards(b"one", b"two"))
    first, second = one.next_forward(), two.next_forward()
    assert first is not None
    assert second is not None
    assert (first[1], second[1]) == (b"one", b"two")
    assert three.next_forward() is None
    two.release_forward()
    one.forwarded(first[0])
    assert sent(three) == b"two"
    assert sent(one) is None


def test_the_request_of_a_process_that_was_killed_is_free_again(
    postgres_url: str, open_at: Open
) -> None:
    journal = open_at(postgres_url)
    journal.append(forwards(b"one"))
    with other_process(postgres_url, "next_forward") as other:
        assert answer_of(other) == "one"
        assert journal.next_forward() is None
    assert until(lambda: sent(journal)) == b"one"


def test_a_request_that_is_being_sent_is_counted_and_keeps_nothing_from_being_appended(
    postgres_url: str, open_at: Open
) -> None:
    one, two = open_at(postgres_url), open_at(postgres_url)
    one.append(forwards(b"one"))
    assert one.next_forward()
    two.append(forwards(b"two"))
    assert two.forward_backlog()[0] == 2


def test_a_request_that_could_not_be_asked_for_is_got_later(
    postgres_url: str, open_at: Open
) -> None:
    """A statement that fails leaves a transaction in which all others fail, too."""
    journal = open_at(postgres_url)
    journal.append(forwards(b"one"))
    sql(postgres_url, "ALTER TABLE forwards RENAME TO elsewhere")
    with pytest.raises(JournalError, match="cannot be read"):
        journal.next_forward()
    sql(postgres_url, "ALTER TABLE elsewhere RENAME TO forwards")
    assert sent(journal) == b"one"


def test_a_request_that_was_claimed_before_the_server_went_is_got_again(
    postgres: Postgres, postgres_url: str, open_at: Open
) -> None:
    journal = open_at(postgres_url)
    journal.append(forwards(b"one"))
    found = journal.next_forward()
    assert found is not None
    postgres.stop()
    with pytest.raises(JournalError):
        journal.forwarded(found[0])
    with pytest.raises(JournalError):
        journal.release_forward()
    postgres.start()
    assert sent(journal) == b"one"
