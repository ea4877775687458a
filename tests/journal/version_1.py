"""A journal of version 1, as commit 7fea58a wrote it; ``version_1.sql`` is made by this module.

Run ``python -m tests.journal.version_1``. The dump is kept, not made by each test: later versions
of ``Step`` must still read what is in it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from clawtrace_otel.semconv.step import Evaluation, Step, Usage, encode_steps
from tests.collector.otlp import START_NS, trace_id

DUMP = Path(__file__).with_name("version_1.sql")

SCHEMA = """
CREATE TABLE steps(id INTEGER PRIMARY KEY, trace BLOB NOT NULL, steps BLOB NOT NULL);
CREATE INDEX steps_by_trace ON steps(trace);
CREATE TABLE evaluations(
  trace BLOB NOT NULL, evaluation BLOB NOT NULL, PRIMARY KEY(trace, evaluation)) WITHOUT ROWID;
CREATE TABLE traces(
  trace BLOB PRIMARY KEY,
  changes INTEGER NOT NULL DEFAULT 1,   -- deliveries so far
  compiled INTEGER NOT NULL DEFAULT 0,  -- deliveries that the last card knew
  revision INTEGER NOT NULL DEFAULT 1,
  digest BLOB NOT NULL DEFAULT x'',
  closed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE forwards(id INTEGER PRIMARY KEY, request BLOB NOT NULL);
"""

CLOSED, OPEN, TOLD, LATE = (trace_id(n) for n in (1, 2, 3, 4))
"""With a card; without; with evaluations; with a card and spans that came after it."""

DIGEST = bytes(range(16))


def llm_step(n: int, trace: str) -> Step:
    """The n-th step of a trace, a model's call."""
    return Step(
        trace_id=trace,
        span_id=f"{n:016x}",
        kind="llm",
        name="chat gpt-4o",
        start_ns=START_NS + n,
        end_ns=START_NS + n + 1,
        model="gpt-4o",
        provider="openai",
        usage=Usage(fresh=1000, output=100),
    )


STEPS = {
    CLOSED: [[1, 2], [3]],
    OPEN: [[1]],
    TOLD: [[1]],
    LATE: [[1], [2, 3]],
}
"""Trace -> numbers of the steps of each delivery."""

EVALUATIONS = {TOLD: [Evaluation(name="quality", score=0.5), Evaluation(name="tone", label="ok")]}

MARKS = {CLOSED: (2, 2, 3, DIGEST, 1), OPEN: (1, 0, 1, b"", 0), TOLD: (3, 1, 1, DIGEST, 0)}
MARKS |= {LATE: (2, 1, 1, DIGEST, 1)}
"""Trace -> changes, compiled, revision, digest, closed."""

FORWARDS = [b"first request", b"second request"]


def write(db: sqlite3.Connection) -> None:
    """Make the tables of version 1 and fill them."""
    db.executescript(SCHEMA)
    for trace, deliveries in STEPS.items():
        for numbers in deliveries:
            data = encode_steps([llm_step(n, trace) for n in numbers])
            db.execute(
                "INSERT INTO steps(trace, steps) VALUES (?, ?)", (bytes.fromhex(trace), data)
            )
    for trace, evaluations in EVALUATIONS.items():
        for evaluation in evaluations:
            row = (bytes.fromhex(trace), msgspec.msgpack.encode(evaluation))
            db.execute("INSERT INTO evaluations VALUES (?, ?)", row)
    for trace, mark in MARKS.items():
        db.execute("INSERT INTO traces VALUES (?, ?, ?, ?, ?, ?)", (bytes.fromhex(trace), *mark))
    db.executemany("INSERT INTO forwards(request) VALUES (?)", [(body,) for body in FORWARDS])
    db.commit()


def make_file(path: Path) -> None:
    """Make the file of version 1 from the dump."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA page_size = 16384")
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(DUMP.read_text())


def _dump() -> Iterator[str]:
    with closing(sqlite3.connect(":memory:")) as db:
        write(db)
        yield from db.iterdump()
    yield "PRAGMA user_version = 1;"


if __name__ == "__main__":
    DUMP.write_text("\n".join(_dump()) + "\n")
