"""``python -m tests.soak``: load with kills, and a table of what came of it.

The exit status is 3 if anything was lost or doubled.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.soak.run import soak


def main() -> None:
    """Run a soak and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Hold load, kill.")
    parser.add_argument("--minutes", type=float, default=10, help="for which the load is held")
    parser.add_argument("--senders", type=int, default=2, help="processes that send")
    parser.add_argument("--seed", type=int, default=1, help="of what is sent and killed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clawtrace-soak-") as folder:
        result = soak(Path(folder), minutes=given.minutes, processes=given.senders, seed=given.seed)
    print(result.table())
    for line in [*result.balance.problems[:20], *result.sent.failures]:
        print(line, file=sys.stderr)
    sys.exit(0 if result.is_well else 3)


if __name__ == "__main__":
    main()
