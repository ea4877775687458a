"""Runs that are spread over several traces, each of which another replica took.

What joins two traces is known to a replica that saw both. One that saw a single trace looks for the
other ones in the journal when it writes a card: those that the root links to, and those with a card
of the same conversation. A trace that is linked to and is not there yet is waited for.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from clawtrace_otel.collector.journal.interface import Journal
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.joined_traces import MAX_OF_SESSION, JoinedTraces

MAX_SESSIONS = 4
"""Conversations of one trace that are looked up."""

MAX_WAITED_FOR = 10_000
"""Traces that others link to and that nobody has seen; the oldest are given up first."""


class Elsewhere:
    """Looks into a journal that several replicas share. May be used by several threads.

    Args:
        journal: has what other replicas took.
        joined: gets the steps of traces that may belong together.
    """

    def __init__(self, journal: Journal, joined: JoinedTraces) -> None:
        self._journal = journal
        self._joined = joined
        self._lock = threading.Lock()
        self._waited_for: OrderedDict[str, set[str]] = OrderedDict()

    def take_in(self, name: str, steps: Sequence[Step]) -> None:
        """Have the traces at hand that may be one run with this one.

        Args:
            name: of a trace.
            steps: that the journal has of it.

        Raises:
            JournalError: the journal cannot be read.
        """
        sessions = dict.fromkeys(step.session for step in steps if step.session)
        for session in list(sessions)[:MAX_SESSIONS]:
            for other in self._journal.of_session(session, MAX_OF_SESSION):
                self._learn(other)
        for linked in self._joined.links(name):
            if not self._learn(linked):
                self._wait(linked, name)

    def met(self, unfinished: Iterable[str]) -> list[str]:
        """Traces that waited for one of these."""
        with self._lock:
            found = [self._waited_for.pop(name) for name in unfinished if name in self._waited_for]
        return [name for names in found for name in names]

    def _learn(self, name: str) -> bool:
        """Whether a trace is known by now. What had not ended may have gone on."""
        if not self._joined.has_ended(name):
            for step in self._journal.steps(name):
                self._joined.add(step)
        return self._joined.knows(name)

    def _wait(self, linked: str, name: str) -> None:
        with self._lock:
            self._waited_for.setdefault(linked, set()).add(name)
            if len(self._waited_for) > MAX_WAITED_FOR:
                self._waited_for.popitem(last=False)
