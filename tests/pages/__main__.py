"""Try the pages that the command line names, or all; write down what was found."""

import argparse
import signal
import sys

from tests.pages import pages, results
from tests.pages.running import TryError, attempt
from tests.pages.tries import NOT_TRIED


def main() -> int:
    """Try, write `results.json` and the pages, print a table; 1 if a page does not hold."""
    every = [name for page in pages.names() for name in pages.tries_of(page)]
    parser = argparse.ArgumentParser(prog="python -m tests.pages", description=__doc__)
    parser.add_argument("name", nargs="*", metavar="PAGE[:VARIANT]", help=", ".join(every))
    parser.add_argument("--reuse", action="store_true", help="environments of the last try")
    parser.add_argument("--write", action="store_true", help="the pages alone, trying nothing")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that all that was started ends
    wanted = [n for n in every if not given.name or {n, n.partition(":")[0]} & {*given.name}]
    failed = [] if given.write else _try_all(wanted, reuse=given.reuse)
    _write(every)
    return bool(failed)


def _try_all(names: list[str], *, reuse: bool) -> list[str]:
    """Print a row of the table for each; return those that do not hold."""
    failed = []
    print("| page | tried | with |\n|---|---|---|")
    for name in names:
        try:
            result = attempt(name, reuse=reuse)
        except TryError as error:
            failed.append(name)
            print(f"| {name} | FAILED | |\n{error}", file=sys.stderr, flush=True)
            continue
        results.save(results.load() | {name: result})
        versions = ", ".join(f"{k} {v}" for k, v in result.versions.items())
        print(f"| {name} | {result.day} | {versions} |", flush=True)
    for page, why in NOT_TRIED.items():
        print(f"| {page} | no | {why} |")
    return failed


def _write(every: list[str]) -> None:
    """The generated parts of all pages; results of pages that are gone are dropped."""
    kept = {name: result for name, result in results.load().items() if name in every}
    results.save(kept)
    for page in pages.names():
        text = pages.written(page, kept)
        (pages.FOLDER / f"{page}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
