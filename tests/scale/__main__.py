"""Throughput of several replicas on this machine: ``python -m tests.scale``.

Each run starts everything anew, warms up for 8 s, and measures for ``--seconds``. It fails if what
was acknowledged is not on cards in the end.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.postgres import Postgres, missing
from tests.scale.measure import Result, measure
from tests.scale.needed import needed

WHO = ("collector", "clawtrace", "postgresql", "sender")


def main(arguments: Sequence[str]) -> int:
    """Measure, and print a table.

    Args:
        arguments: of the command line.

    Returns:
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args(arguments)
    if reason := missing():
        sys.exit(f"PostgreSQL is not installed: {reason}")
    postgres = Postgres(fsync=True)
    try:
        postgres.start()
        with TemporaryDirectory(prefix="clawtrace-scale-") as folder:
            results = [_measure(Path(folder), postgres, n, given.seconds) for n in given.replicas]
    finally:
        postgres.remove()
    print(table(results))
    print(f"\n{needed(results[-1])}")
    return 0


def _measure(folder: Path, postgres: Postgres, replicas: int, seconds: float) -> Result:
    own = folder / f"{replicas}-replicas"
    own.mkdir()
    found = measure(own, postgres, replicas, seconds)
    print(f"{replicas} replicas: {found.rate:,.0f} spans/s", file=sys.stderr, flush=True)
    return found


def table(results: Sequence[Result]) -> str:
    """The results in Markdown, a column for each."""
    first = results[0]
    rows = [
        ("spans/s", [f"{r.rate:,.0f}" for r in results]),
        (
            f"times that of {first.replicas}",
            [f"{r.rate / max(1.0, first.rate):.2f}" for r in results],
        ),
        ("spans in all, each on a card in the end", [f"{r.spans:,}" for r in results]),
    ]
    rows += [
        (f"CPU s for 1,000 spans, {who}", [f"{r.cpu(who):.2f}" for r in results]) for who in WHO
    ]
    rows += [
        (f"bytes written a span, {who}", [f"{r.written(who):,.0f}" for r in results])
        for who in WHO[:-1]
    ]
    head = ["replicas", *(str(r.replicas) for r in results)]
    lines = [head, ["---"] * len(head), *([name, *values] for name, values in rows)]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{text}\n\n{os.cpu_count()} CPUs; load average at the end: {_load()}"


def _load() -> str:
    return " ".join(f"{one:.1f}" for one in os.getloadavg())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
