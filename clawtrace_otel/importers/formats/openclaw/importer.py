"""Sessions of the pi agent and of OpenClaw, which embeds it: JSON lines, a file a session.

Also the runs that UniClawBench publishes: one JSON document, in which the messages of each attempt
have the same form, without the arguments and results of tools.

What the entries hold was read from a session of pi, a run of UniClawBench, and pi's own sources for
what these lack (versions 2 and 3: entries with ids, branches, forks).
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from clawtrace_otel.importers.formats.json_lines import read_json_lines
from clawtrace_otel.importers.formats.json_object import mapping, name_in
from clawtrace_otel.importers.formats.openclaw.session import KNOWN_TYPES, PiReader
from clawtrace_otel.importers.formats.openclaw.uniclawbench import (
    is_uniclawbench,
    read_uniclawbench,
)
from clawtrace_otel.importers.formats.span_maker import SpanMaker
from clawtrace_otel.importers.importer import HEAD_BYTES, Head, Importer, Problem, Record

AGENT_NAME = "pi"

_TIME = re.compile(rb'"timestamp"\s*:\s*"?([^",}]+)')


def recognises(head: Head) -> bool:
    """Whether a file begins with the header of a pi session, or is a run of UniClawBench."""
    first = head.first
    if isinstance(first, dict) and first.get("type") == "session":
        return isinstance(first.get("id"), str) and "timestamp" in first
    return is_uniclawbench(head.data)


def read(paths: Sequence[Path]) -> Iterator[Record]:
    """The spans of the sessions in one folder, each session a trace.

    A forked session begins with a copy of the one that it was forked from, so that what began first
    is read first.
    """
    counted: set[str] = set()
    for path in sorted(paths, key=_beginning):
        try:
            with path.open("rb") as file:
                head = file.read(HEAD_BYTES)
            if is_uniclawbench(head):
                yield from read_uniclawbench(path)
            else:
                yield from _read_session(path, counted)
        except OSError as e:
            yield Problem(path, 0, e.strerror or str(e))


def _read_session(path: Path, counted: set[str]) -> Iterator[Record]:
    reader: PiReader | None = None
    unknown: set[str] = set()
    for line in read_json_lines(path):
        if isinstance(line, Problem):
            yield line
            continue
        number, entry = line[0], mapping(line[1])
        kind = name_in(entry, "type")
        if reader is None:
            session = name_in(entry, "id") if kind == "session" else ""
            spans = SpanMaker.of_session("pi_session", session or path.stem, AGENT_NAME)
            reader = PiReader(spans, AGENT_NAME, counted)
        if kind in KNOWN_TYPES:
            yield from reader.add(entry)
        elif kind not in unknown:
            unknown.add(kind)
            yield Problem(path, number, f"entries of unknown type {kind!r} are ignored")
    if reader is not None:
        yield from reader.finish()


def _beginning(path: Path) -> tuple[str, str]:
    """Time of the header, which is when a session was begun or forked; files without one last."""
    try:
        with path.open("rb") as file:
            found = _TIME.search(file.read(HEAD_BYTES))
    except OSError:
        found = None
    return found[1].decode(errors="replace") if found else "~", str(path)


IMPORTER = Importer(
    name="openclaw",
    recognises=recognises,
    read=read,
    group=lambda path: str(path.parent),
    suffixes=frozenset({".jsonl", ".json"}),
)
