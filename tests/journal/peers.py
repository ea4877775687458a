"""Other processes at the same journal, and a look into its tables."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from clawtrace_otel.collector.journal.interface import Journal
from clawtrace_otel.collector.journal.open import open_journal
from tests.collector.otlp import trace_id
from tests.journal.deliveries import steps


def sql(address: str, statement: str, values: Sequence[object] = ()) -> list[Any]:
    """Run a statement past the journal; parameters are written ``?``."""
    if "://" in address:
        with psycopg.connect(address, autocommit=True) as db:
            cursor = db.execute(statement.replace("?", "%s").encode(), values)
            return cursor.fetchall() if cursor.description else []
    with closing(sqlite3.connect(address, isolation_level=None)) as file:
        return file.execute(statement, values).fetchall()


def rows_of(address: str) -> dict[str, int]:
    """How many rows each table has."""
    tables = ("traces", "deliveries", "spans", "forwards", "budget_notices")
    return {table: sql(address, f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables}


@contextmanager
def other_process(address: str, task: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process with a journal of its own, that has done a task of this module and waits.

    Its answer is the first line of its ``stdout``. It is killed at the end.
    """
    command = [sys.executable, "-m", __name__, address, task, *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def answer_of(process: "subprocess.Popen[str]") -> str:
    """What its task gave."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _claim(journal: Journal, name: str) -> object:
    return journal.claim(name)


def _next_forward(journal: Journal) -> object:
    found = journal.next_forward()
    return found and found[1].decode()


def _append(journal: Journal, first: str, count: str) -> object:
    """Append deliveries of one step to each of three traces."""
    for n in range(int(first), int(first) + int(count)):
        delivery = steps(n)
        for trace in (2, 3):
            delivery.steps |= steps(n, trace=trace_id(trace)).steps
        journal.append(delivery)
    return "done"


def _open(journal: Journal) -> object:
    return journal.unfinished()


_TASKS: dict[str, Callable[..., object]] = {
    "claim": _claim,
    "next_forward": _next_forward,
    "append": _append,
    "open": _open,
}


def _main(address: str, task: str, *arguments: str) -> None:
    journal = open_journal(address)
    print(_TASKS[task](journal, *arguments), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _main(*sys.argv[1:])
