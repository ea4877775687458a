"""Which journal an address means."""

from pathlib import Path

from clawtrace_otel.collector.journal.interface import Journal
from clawtrace_otel.collector.journal.sqlite import SqliteJournal
from clawtrace_otel.collector.journal.tables import UNLIMITED
from clawtrace_otel.errors import ConfigError

_POSTGRES = ("postgresql://", "postgres://")


def open_journal(address: str, max_card_steps: int = UNLIMITED) -> Journal:
    """The journal at a PostgreSQL URL, or else in a SQLite file.

    Args:
        address: ``postgresql://…`` or a path.
        max_card_steps: see :class:`clawtrace_otel.collector.journal.tables.SqlJournal`.

    Raises:
        ConfigError: the address is a URL of another kind, or psycopg is not installed.
        JournalError: the journal cannot be opened.
    """
    if address.startswith(_POSTGRES):
        try:
            from clawtrace_otel.collector.journal.postgres import PostgresJournal
        except ImportError as e:
            msg = f"a journal in PostgreSQL needs pip install 'clawtrace-otel[postgres]' ({e})"
            raise ConfigError(msg) from e
        return PostgresJournal(address, max_card_steps)
    if "://" in address:
        # Not all of it: it may have a password.
        msg = f"journal is a URL that begins with {address.partition('://')[0] + '://'!r}; "
        msg += "it must be the path of a file or a postgresql:// URL"
        raise ConfigError(msg)
    return SqliteJournal(Path(address), max_card_steps)
