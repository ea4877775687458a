"""All targets, one after the other: ``python -m tests.fuzz [--seconds N] [TARGET...]``.

The corpus of each is kept in the folder, and the inputs that crashed. Prints a Markdown table; the
exit status is 1 if anything crashed.
"""

import argparse
import os
import sys
from pathlib import Path

from tests.fuzz.session import Session, fuzz
from tests.fuzz.targets import TARGETS

FOLDER = Path(__file__).parents[2] / ".fuzz"


def main() -> None:
    """Fuzz and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz all targets.")
    default = int(os.environ.get("FUZZ_SECONDS") or 600)
    parser.add_argument("--seconds", type=int, default=default, help="of each target")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of corpus and crashes")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="; ".join(TARGETS))
    given = parser.parse_args()
    done = []
    for name in given.targets or TARGETS:
        print(f"{name}, {given.seconds} s", file=sys.stderr, flush=True)
        done.append(fuzz(TARGETS[name], given.folder, given.seconds))
        print(done[-1].failure, file=sys.stderr, end="", flush=True)
    print(table(done))
    sys.exit(any(session.crashes for session in done))


def table(sessions: list[Session]) -> str:
    """The sessions as a table in Markdown, with their sums."""
    rows = [
        f"| {s.target} | {s.seconds} | {s.executions:,} | {s.edges:,} | {s.inputs:,} "
        f"| {s.peak_mb} | {len(s.crashes)} |"
        for s in sessions
    ]
    seconds, executions = sum(s.seconds for s in sessions), sum(s.executions for s in sessions)
    crashes = sum(len(s.crashes) for s in sessions)
    head = [
        "| target | seconds | executions | edges | inputs kept | peak MB | crashes |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, f"| all | {seconds} | {executions:,} | | | | {crashes} |"])


if __name__ == "__main__":
    main()
