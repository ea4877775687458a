"""A span that two replicas take at the same moment, which neither saw when it read its request."""

from collections.abc import Sequence
from functools import partial

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clawtrace_otel.collector.journal.interface import Delivery
from clawtrace_otel.collector.journal.postgres import PostgresJournal
from clawtrace_otel.collector.reader import Accepted, Body, Reader
from clawtrace_otel.processors.enrich import Enricher
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.settings import load_settings
from clawtrace_otel.tracecard.factory import make_compiler
from tests.collector import otlp
from tests.journal.conftest import Open
from tests.journal.deliveries import A, ids


class Replica:
    """What reads requests and commits them, without the threads around it."""

    def __init__(self, journal: PostgresJournal) -> None:
        enricher = Enricher(make_compiler(load_settings({}, environment={})))
        self.journal = journal
        self._reader = Reader(journal, enricher, forwarding=True)
        self._delivery = Delivery()

    def read(self, *spans: Span) -> None:
        """Read a request; it is not committed."""
        self._delivery = Delivery()
        self._reader.begin()
        for _ in self._reader.read("traces", Body(otlp.body(*spans)), self._delivery, Accepted()):
            pass

    def commit(self) -> list[Span]:
        """Commit what was read; the spans that are sent on."""
        again = partial(self._reader.look_again, self._delivery)
        self._reader.committed(self.journal.append(self._delivery, again))
        return otlp.spans_of(self._delivery.forwards)

    def take(self, *spans: Span) -> list[Span]:
        """Both."""
        self.read(*spans)
        return self.commit()


@pytest.fixture(name="replicas")
def _replicas(postgres_url: str, open_at: Open) -> tuple[Replica, Replica]:
    return Replica(_opened(open_at(postgres_url, 4))), Replica(_opened(open_at(postgres_url, 4)))


def _opened(journal: object) -> PostgresJournal:
    assert isinstance(journal, PostgresJournal)
    return journal


def numbers(spans: Sequence[Span]) -> list[int]:
    return [int.from_bytes(span.span_id) for span in spans]


def test_a_span_that_two_replicas_take_at_once_is_sent_on_once(
    replicas: tuple[Replica, Replica],
) -> None:
    one, other = replicas
    one.read(otlp.llm(2, 1, 1), otlp.llm(3, 1, 1))
    other.read(otlp.llm(2, 1, 1), otlp.llm(4, 1, 1))
    assert numbers(one.commit()) == [2, 3]
    assert numbers(other.commit()) == [4]


def test_traces_that_nobody_else_has_are_sent_on_with_one_that_was_taken_twice(
    replicas: tuple[Replica, Replica],
) -> None:
    one, other = replicas
    one.read(otlp.llm(2, 1, 1))
    other.read(otlp.llm(2, 2, 1), otlp.llm(2, 1, 1), otlp.llm(3, 3, 1))
    one.commit()
    assert {(s.trace_id[-1], s.span_id[-1]) for s in other.commit()} == {(2, 2), (3, 3)}


def test_a_repeat_is_found_whose_first_call_another_replica_took_meanwhile(
    replicas: tuple[Replica, Replica],
) -> None:
    one, other = replicas
    one.read(otlp.tool(2, 1, 1))
    other.read(otlp.tool(3, 1, 1))
    assert a.CLAWTRACE_REPEAT_OF not in otlp.attributes_of(one.commit()[0])
    (span,) = other.commit()
    found = otlp.attributes_of(span)
    assert found[a.CLAWTRACE_REPEAT_OF] == f"{2:016x}"
    assert found[a.CLAWTRACE_REPEAT_VERDICT] == "same"


def test_what_comes_next_is_known_to_who_looked_again(replicas: tuple[Replica, Replica]) -> None:
    one, other = replicas
    one.read(otlp.tool(2, 1, 1))
    other.read(otlp.llm(3, 1, 1))
    one.commit()
    other.commit()
    assert other.take(otlp.tool(2, 1, 1), otlp.llm(3, 1, 1)) == []
    assert one.take(otlp.tool(2, 1, 1), otlp.llm(3, 1, 1)) == []
    assert ids(one.journal.steps(A)) == [2, 3]


def test_a_span_is_sent_on_once_although_its_part_became_full_meanwhile(
    replicas: tuple[Replica, Replica],
) -> None:
    one, other = replicas
    spans = [otlp.llm(n, 1, 1) for n in range(2, 6)]
    one.read(*spans)
    other.read(spans[0], otlp.llm(6, 1, 1))
    assert numbers(one.commit()) == [2, 3, 4, 5]
    assert numbers(other.commit()) == [6]
