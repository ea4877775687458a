"""When a trace's card is due, it is compiled from the journal and written."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from clawtrace_otel.collector.elsewhere import Elsewhere
from clawtrace_otel.collector.journal.claims import claimed
from clawtrace_otel.collector.journal.interface import Journal, TraceRecord, Written
from clawtrace_otel.collector.journal.names import split_name
from clawtrace_otel.collector.schedule import Schedule, Told
from clawtrace_otel.errors import JournalDamagedError, JournalError
from clawtrace_otel.exporters.card_folder import CardFolder, CardMark
from clawtrace_otel.exporters.revise import revise
from clawtrace_otel.money import to_units
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.joined_traces import JoinedTraces
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.tree import unique

_log = logging.getLogger(__name__)

MAX_COST = (1 << 63) - 1
"""What a database can store: 9 million USD."""

Records = dict[str, TraceRecord]


@dataclass(frozen=True, slots=True)
class CardWritten:
    """A card that was written.

    Attributes:
        name: of the card, which is that of its file.
        before: the card of the closed trace that this one is a revision of.
        seconds: that it took to compile and to write.
    """

    name: str
    card: Card
    before: Card | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told what happens to cards.

    Attributes:
        on_step: each step that an earlier run left in an open trace.
        on_card: each card that was written.
        on_closed: name of each card whose traces were closed, and how many they are.
        on_damage: name of a trace, and how many of its deliveries can no longer be read.
        on_obstacle: why cards cannot be written, and "" when they can again.
        on_failure: why the service must end.
    """

    on_step: Callable[[Step], None]
    on_card: Callable[[CardWritten], None]
    on_closed: Callable[[str, int], None]
    on_damage: Callable[[str, int], None]
    on_obstacle: Callable[[str], None]
    on_failure: Callable[[JournalDamagedError], None]


class CardWriter:
    """Writes cards when they are due, on a thread of its own.

    Args:
        journal: holds the traces.
        compiler: makes the cards.
        folder: takes them. Replicas that share a journal share it, too.
        joined: runs that are spread over several traces.
        schedule: says when a card is due.
        listeners: are told what happens.
    """

    def __init__(
        self,
        journal: Journal,
        compiler: Compiler,
        folder: CardFolder,
        joined: JoinedTraces,
        schedule: Schedule,
        listeners: Listeners,
    ) -> None:
        self._journal = journal
        self._compiler = compiler
        self._folder = folder
        self._joined = joined
        self._elsewhere = Elsewhere(journal, joined)
        self._schedule = schedule
        self._listeners = listeners
        self._failing: set[str] = set()
        self._damaged: set[str] = set()
        self._fails_slowly = False
        self._thread = threading.Thread(target=self._run, name="clawtrace-cards")

    def start(self) -> None:
        """Take up what an earlier run left unfinished, and start the thread.

        Raises:
            JournalError: the journal cannot be read.
        """
        for name in self._journal.unfinished():
            record = self._journal.read(name)
            for step in record.steps:
                self._listeners.on_step(step)
            self._schedule.tell({name: _told(record)})
        self._thread.start()

    def adopted(self, unfinished: Iterable[str]) -> list[str]:
        """Traces whose cards may belong to others that came in by another replica."""
        return self._elsewhere.met(unfinished)

    def stop(self) -> None:
        """Write all cards that have changed, and end the thread."""
        self._schedule.stop()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while (name := self._schedule.wait()) is not None:
            self._write_or_retry(name)
        for name in self._schedule.changed():
            if self._fails_slowly:
                # Each would wait as long as the last one did.
                _log.warning("cards that could not be written are written at the next start")
                return
            self._write_or_retry(name)

    def _write_or_retry(self, name: str) -> None:
        self._fails_slowly = False
        try:
            done = self._write(name)
        except JournalDamagedError as e:
            self._listeners.on_failure(e)
            self._fail(name, str(e))
        except (OSError, JournalError) as e:
            self._fails_slowly = isinstance(e, JournalError) or self._folder.store.is_remote
            self._fail(name, f"the card of trace {name} cannot be written: {e}")
        except Exception:
            # A card that cannot be compiled must not keep the others from being written.
            _log.exception("trace %s has no card", name)
            self._schedule.drop(name)
            self._succeed(name)
        else:
            # What failed before is written once more, whatever another one wrote meanwhile.
            if done:
                self._succeed(name)

    def _fail(self, name: str, reason: str) -> None:
        if not self._failing:
            _log.error("%s; nothing is acknowledged until it can", reason)
        self._failing.add(name)
        self._listeners.on_obstacle(reason)
        self._schedule.retry(name)

    def _succeed(self, name: str) -> None:
        if name not in self._failing:
            return
        self._failing.remove(name)
        if not self._failing:
            _log.info("cards can be written again")
            self._listeners.on_obstacle("")

    def _write(self, name: str) -> bool:
        """Write a card; ``False`` if another replica is at it."""
        self._schedule.begin(name)
        names, before = self._joined_with(name)
        # All of them: who would write one of them alone must not do so meanwhile.
        with claimed(self._journal, names) as is_held:
            if not is_held or self._is_regrouped(name, before):
                self._schedule.retry(name)  # another replica is, or was just now, at it
                return False
            self._write_group(name, names)
            self._let_go(before - set(names))
        return True

    def _is_regrouped(self, name: str, before: set[str]) -> bool:
        """Whether a trace came onto another card since it was looked at."""
        return self._journal.shared and self._sharing(name) != before

    def _sharing(self, name: str) -> set[str]:
        """The traces that are on one card with this one, by the journal."""
        card = self._journal.card_of(name) if split_name(name)[1] == 1 else ""
        return set(self._journal.sharing(card)) if card else set()

    def _joined_with(self, name: str) -> tuple[list[str], set[str]]:
        """The traces that are on one card with this one now, that card's first; and before."""
        if split_name(name)[1] > 1:
            return [name], set()
        before = self._sharing(name)
        # What another replica, or an earlier run of this one, knew of them.
        for other in before:
            self._take_in(other)
        if self._journal.shared:
            self._elsewhere.take_in(name, self._take_in(name))
        return self._joined.traces(name), before

    def _take_in(self, name: str) -> list[Step]:
        steps = self._journal.steps(name)
        for step in steps:
            self._joined.add(step)
        return steps

    def _write_group(self, name: str, names: list[str]) -> None:
        read = {n: self._journal.read(n) for n in names}
        records = {n: r for n, r in read.items() if not r.removed and r.changes}
        if name not in records:
            self._schedule.drop(name)
            return
        if any(r.damaged for r in records.values()) and self._set_aside(records):
            return
        closing = self._schedule.closes(name, _told(records[name]))
        first = next(iter(records))
        of_first = closing if first == name else self._is_closed(first, records[first])
        is_behind = any(record.compiled < record.changes for record in records.values())
        is_joined_anew = len(records) > 1 and any(r.card != first for r in records.values())
        # After a failure nobody knows which card is in the folder.
        if is_behind or is_joined_anew or name in self._failing:
            self._compile(first, records, closing=of_first)
        elif of_first:
            self._journal.mark_closed(list(records), time.time())
        if of_first:
            new = sum(not record.mark.closed for record in records.values())
            self._listeners.on_closed(first, new)
        self._schedule.written(name, closed=closing)

    def _is_closed(self, name: str, record: TraceRecord) -> bool:
        """Whether a trace that something was joined to is closed, or could be now."""
        if self._schedule.knows(name):
            return self._schedule.closes(name, _told(record))
        # Another replica may watch it.
        return record.mark.closed or not self._journal.shared

    def _set_aside(self, records: Records) -> bool:
        """A card that has more than the journal can still read is kept; whether there is one."""
        first = next(iter(records))
        damaged = {name for name, record in records.items() if record.damaged} - self._damaged
        for name in damaged:
            self._listeners.on_damage(name, records[name].damaged)
        self._damaged |= damaged
        if not damaged or not records[first].mark.digest or self._folder.missing([first]):
            return False
        for name in records:
            rest = self._journal.set_aside(name)
            self._schedule.drop(name)
            self._schedule.tell({rest: Told()})
            _log.error("the card of trace %s is left as it is; what follows is %s", name, rest)
        return True

    def _compile(self, first: str, records: Records, *, closing: bool) -> None:
        began = time.monotonic()
        last = records[first].mark
        before = self._folder.read(first) if last.closed else None
        steps = [step for record in records.values() for step in record.steps]
        told = [e for record in records.values() for e in record.evaluations]
        revised = revise(self._compiler, steps, told, last, closing=closing)
        self._journal.confirm(first)
        mark = last
        if revised is not None:
            mark = revised.mark
            self._folder.write(first, revised.text)
        elif last.digest and all(step.kind == "span" for step in unique(steps)):
            # All of its records turned out to be of other traces.
            self._folder.remove(first)
            mark = CardMark(last.revision, b"", last.closed)
        self._save(first, records, revised and revised.card, mark, closing=closing)
        if revised is not None:
            seconds = time.monotonic() - began
            self._listeners.on_card(CardWritten(first, revised.card, before, seconds))

    def _save(
        self, first: str, records: Records, card: Card | None, mark: CardMark, *, closing: bool
    ) -> None:
        now = time.time()
        shared = first if len(records) > 1 else ""
        for twin in list(records)[1:]:
            self._folder.remove(twin)
            # Not closed before the card that it is on: a restart must take up all of its traces.
            twin_mark = CardMark(records[twin].mark.revision, b"", closed=closing)
            written = Written(records[twin].changes, twin_mark, shared, cost=0, at=now)
            self._journal.save(twin, written)
        closed = CardMark(mark.revision, mark.digest, mark.closed or closing)
        session = card.get("session", "") if card is not None else None
        cost = min(to_units(card["total"]["cost_usd"]), MAX_COST) if card is not None else None
        changes = records[first].changes
        self._journal.save(first, Written(changes, closed, shared, session, cost, now))

    def _let_go(self, names: Iterable[str]) -> None:
        """Traces that were on a card with others, and are no more, get their own."""
        for name in names:
            record = self._journal.read(name)
            if not record.removed:
                self._journal.save(name, Written(0, record.mark))
                self._schedule.tell({name: _told(record)})


def _told(record: TraceRecord) -> Told:
    root_ended = any(not step.parent_id and step.end_ns for step in record.steps)
    return Told(root_ended, record.changes)
