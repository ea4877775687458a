"""What a commit costs: ``python -m tests.journal.measure_commits`` prints a Markdown table.

A request has 8 or 512 spans of one trace; 1 or 8 requests share a commit, as those do that wait
while a commit is under way. The time is the median; the rates follow from it. The disk is that of
the temporary folder. PostgreSQL is a server of its own on loopback, with ``fsync`` on.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from clawtrace_otel.collector.journal.interface import Delivery
from clawtrace_otel.collector.journal.postgres import PostgresJournal
from clawtrace_otel.collector.journal.sqlite import SqliteJournal
from clawtrace_otel.collector.journal.tables import SqlJournal
from clawtrace_otel.semconv.step import Step, Usage
from tests.collector.otlp import START_NS, trace_id
from tests.journal.deliveries import span_id
from tests.postgres import Postgres, missing

SECONDS = 3.0
"""How long each row is measured."""

SPANS = (8, 512)
REQUESTS = (1, 8)

Opened = Callable[[str], AbstractContextManager[SqlJournal]]


def _step(n: int, trace: str) -> Step:
    """A step of the usual size: some 300 bytes."""
    return Step(
        trace_id=trace,
        span_id=span_id(n),
        parent_id=span_id(1),
        kind="llm",
        name="chat gpt-4o",
        service="agent",
        scope="opentelemetry.instrumentation.openai",
        start_ns=START_NS + n,
        end_ns=START_NS + n + 1,
        provider="openai",
        request_model="gpt-4o",
        model="gpt-4o-2024-08-06",
        usage=Usage(fresh=1000 + n, output=100),
        response_id=f"chatcmpl-{n:020d}",
        request_hash=f"{n:032x}",
        output_hash=f"{n:032x}",
    )


def _delivery(first: int, requests: int, spans: int) -> Delivery:
    traces = [trace_id(first + n) for n in range(requests)]
    return Delivery(steps={t: [_step(n, t) for n in range(2, 2 + spans)] for t in traces})


def _commit_seconds(journal: SqlJournal, requests: int, spans: int) -> float:
    """What a commit takes, the median of all."""
    deliveries = [_delivery(1000 * n, requests, spans) for n in range(20)]
    taken: list[float] = []
    while sum(taken) < SECONDS:
        began = time.perf_counter()
        journal.append(deliveries[len(taken) % len(deliveries)])
        taken.append(time.perf_counter() - began)
    return median(taken)


@contextmanager
def _sqlite(synchronous: str) -> Iterator[SqlJournal]:
    with TemporaryDirectory() as folder:
        journal = SqliteJournal(Path(folder) / "journal.db")
        journal._connection().execute(f"PRAGMA synchronous = {synchronous}")
        yield journal
        journal.close()


@contextmanager
def _postgres(synchronous_commit: str) -> Iterator[SqlJournal]:
    server = Postgres(fsync=True)
    try:
        server.start()
        journal = PostgresJournal(server.fresh_database())
        journal.query(f"SET synchronous_commit = {synchronous_commit}")
        yield journal
        journal.close()
    finally:
        server.remove()


def _main() -> None:
    backends: list[tuple[str, Opened, str]] = [
        (f"SQLite, `synchronous={level}`", _sqlite, level) for level in ("NORMAL", "FULL")
    ]
    if not missing():
        backends += [
            (f"PostgreSQL, `synchronous_commit={level}`", _postgres, level)
            for level in ("off", "on")
        ]
    print("| journal | spans a request | requests a commit | commits/s | ms a commit | spans/s |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, opened, level in backends:
        for spans in SPANS:
            for requests in REQUESTS:
                with opened(level) as journal:
                    rate = 1 / _commit_seconds(journal, requests, spans)
                print(
                    f"| {name} | {spans} | {requests} | {rate:.0f} | {1000 / rate:.2f} "
                    f"| {rate * requests * spans:,.0f} |"
                )


if __name__ == "__main__":
    _main()
