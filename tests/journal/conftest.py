"""What the tests of the journal share: the two backends."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clawtrace_otel.collector.journal.interface import Journal
from clawtrace_otel.collector.journal.open import open_journal
from tests.postgres import postgres, postgres_server, postgres_url

__all__ = ["postgres", "postgres_server", "postgres_url"]

Open = Callable[..., Journal]


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty journal is, of either kind."""
    if request.param == "sqlite":
        return str(tmp_path / "journal.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def open_at() -> Iterator[Open]:
    """Opens journals, and closes them after the test."""
    opened: list[Journal] = []

    def open_it(address: str, max_card_steps: int = 1 << 62) -> Journal:
        opened.append(open_journal(address, max_card_steps))
        return opened[-1]

    yield open_it
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(address: str, open_at: Open) -> Journal:
    """An empty journal of either kind."""
    return open_at(address)
