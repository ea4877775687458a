"""Whatever is done to a trace, in whatever order: every step is in one place, or was removed."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from clawtrace_otel.collector.journal.interface import Delivery, Journal, Place, Written
from clawtrace_otel.collector.journal.names import card_name
from clawtrace_otel.collector.journal.open import open_journal
from clawtrace_otel.exporters.card_folder import CardMark
from tests.journal.deliveries import A, B, ids, span_id, step

MAX_CARD_STEPS = 4
TRACES = st.sampled_from([A, B])


class Interleavings(RuleBasedStateMachine):
    """A journal, and beside it what must be in it: the steps of each part of each trace."""

    address = ""

    @initialize()
    def open(self) -> None:
        self._folder = TemporaryDirectory()
        address = self.address or str(Path(self._folder.name) / "journal.db")
        self._journal: Journal = open_journal(address, MAX_CARD_STEPS)
        self._next = 1
        self._parts: dict[str, list[list[int]]] = {}
        """Part -> the steps of each of its deliveries."""
        self._compiled: dict[str, int] = {}
        self._gone: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "_journal"):
            names = [*self._parts]
            for name in names:
                self._close(name)
            self._journal.remove(names)
            self._journal.forget(names)
            self._journal.close()
            self._folder.cleanup()

    @rule(trace=TRACES, size=st.integers(0, 10), both=st.booleans())
    def append(self, trace: str, size: int, both: bool) -> None:
        sizes = {A: size, B: size + 1} if both else {trace: size}
        delivery = Delivery()
        for one, count in sizes.items():
            numbers = range(self._next, self._next + count)
            self._next += count
            delivery.steps[one] = [step(n, one) for n in numbers]
        for one, places in self._journal.append(delivery).items():
            self._take(one, ids(delivery.steps[one]), places)

    def _take(self, trace: str, numbers: list[int], places: list[Place]) -> None:
        for place in places:
            name = card_name(trace, place.part)
            assert name not in self._gone, "what is gone takes nothing"
            deliveries = self._parts.setdefault(name, [])
            room = MAX_CARD_STEPS - sum(map(len, deliveries))
            deliveries.append(numbers[:room])
            assert place.number == len(deliveries)
            numbers = numbers[room:]
        assert not numbers

    @rule(data=st.data())
    @precondition(lambda self: self._left())
    def write_card(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self._left()))
        known = data.draw(st.integers(0, len(self._parts[name])))
        self._compiled[name] = known
        self._journal.save(name, Written(known, CardMark(1, b"digest")))

    @rule(data=st.data())
    @precondition(lambda self: self._left())
    def close_and_remove(self, data: st.DataObject) -> None:
        names = data.draw(st.lists(st.sampled_from(self._left()), min_size=1, unique=True))
        for name in names:
            self._close(name)
        assert set(names) <= set(self._journal.expired(10.0, 1000))
        self._journal.remove(names)
        self._gone |= set(names)

    def _close(self, name: str) -> None:
        self._compiled[name] = len(self._parts[name])
        mark = CardMark(1, b"digest", closed=True)
        self._journal.save(name, Written(self._compiled[name], mark, at=1.0))

    @rule(data=st.data())
    @precondition(lambda self: self._left())
    def remove_too_early(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self._left()))
        if self._compiled.get(name, 0) < len(self._parts[name]):
            self._journal.remove([name])

    @rule(data=st.data())
    @precondition(lambda self: self._left())
    def set_aside(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self._left()))
        known = self._compiled.get(name, 0)
        rest = self._journal.set_aside(name)
        assert rest not in self._parts
        self._gone.add(name)
        if left := self._parts[name][known:]:
            self._parts[rest] = left

    @invariant()
    def every_step_is_in_its_place(self) -> None:
        for name, deliveries in getattr(self, "_parts", {}).items():
            record = self._journal.read(name)
            assert record.removed == (name in self._gone)
            assert record.damaged == 0
            if not record.removed:
                assert ids(record.steps) == [n for numbers in deliveries for n in numbers]
                assert record.changes == len(deliveries)

    @invariant()
    def spans_of_full_parts_are_known(self) -> None:
        for name in self._left():
            trace, _, part = name.partition("-")
            if card_name(trace, int(part or 1) + 1) in self._parts:
                for n in ids(self._journal.steps(name)):
                    assert self._journal.holds_span(trace, span_id(n))

    def _left(self) -> list[str]:
        return [name for name in getattr(self, "_parts", {}) if name not in self._gone]


def _check(address: str, examples: int) -> None:
    machine = type("Interleavings", (Interleavings,), {"address": address})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=20, deadline=None)
    )


def test_every_step_is_in_one_part_or_was_removed_in_sqlite() -> None:
    _check("", 8)


@pytest.mark.slow
def test_every_step_is_in_one_part_or_was_removed_in_many_examples(address: str) -> None:
    _check(address if "://" in address else "", 60)


def test_every_step_is_in_one_part_or_was_removed_in_postgresql(postgres_url: str) -> None:
    _check(postgres_url, 5)
