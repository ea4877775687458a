"""``python -m tests.evidence [e1 ...]``: measure, print, and write docs/evidence.md.

Each section is a module with a function ``tables``; its tables stand between ``<!-- e1 -->`` and
``<!-- /e1 -->``.
"""

import sys
import time
from importlib import import_module
from pathlib import Path

from tests.corpora.folder import CORPORA

PAGE = Path(__file__).parents[2] / "docs" / "evidence.md"
"""Where the tables stand."""

SECTIONS = ("e1", "e2", "e3", "e4", "e5", "e6", "e7", "thousand")
"""Modules of this package, in the order of the page."""


def main(names: list[str]) -> int:
    """Measure the sections named, or all of them."""
    if unknown := set(names) - set(SECTIONS):
        print(f"no such section: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
        return 2
    if not CORPORA.is_dir():
        print("the recorded agent runs are not in ../shared/corpora: nothing was measured")
        return 1
    for name in names or SECTIONS:
        start = time.monotonic()
        text: str = import_module(f"tests.evidence.{name}").tables()
        print(f"{text}\n{name}: {time.monotonic() - start:.0f} s\n", flush=True)
        page = with_tables(PAGE.read_text(encoding="utf-8"), name, text)
        PAGE.write_text(page, encoding="utf-8")
    return 0


def with_tables(page: str, name: str, text: str) -> str:
    """The page with the tables of a section in their place.

    Raises:
        ValueError: the page has no place for them.
    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    head, found, rest = page.partition(begin)
    _, ended, tail = rest.partition(end)
    if not found or not ended:
        msg = f"{PAGE.name}: {begin} ... {end} is missing"
        raise ValueError(msg)
    return f"{head}{begin}\n{text}{end}{tail}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
