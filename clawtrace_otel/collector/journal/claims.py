"""Claims on several cards at once: all of them, or none."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from clawtrace_otel.collector.journal.interface import Journal


@contextmanager
def claimed(journal: Journal, names: Sequence[str]) -> Iterator[bool]:
    """Hold the right to write cards, and give it back at the end.

    Args:
        journal: knows who has it.
        names: of the cards.

    Yields:
        Whether all are held. If not, another replica has one of them.

    Raises:
        JournalError: the journal cannot be read.
    """
    held: list[str] = []
    try:
        yield all(_claim(journal, name, held) for name in names)
    finally:
        for name in held:
            journal.release(name)


def _claim(journal: Journal, name: str, held: list[str]) -> bool:
    if not journal.claim(name):
        return False
    held.append(name)
    return True
