"""Sessions that Claude Code writes down: JSON lines, a file a session and one a sub-agent.

What the lines hold was read from sessions of versions 2.0 to 2.1 and, for what these lack (records
of other versions, resumed sessions, compaction), from public readers of the format.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from clawtrace_otel.importers.claude_code_files import project_of, sessions
from clawtrace_otel.importers.claude_code_session import KNOWN_TYPES, SessionReader
from clawtrace_otel.importers.importer import Head, Importer, Problem, Record

_MARKS = frozenset({"sessionId", "leafUuid", "parentUuid", "snapshot"})
"""Any of them is in the first record of every session that was seen."""

_FIRST_IS_LONG = re.compile(rb'\s*\{.*"(?:sessionId|parentUuid)"\s*:', re.DOTALL)


def recognises(head: Head) -> bool:
    """Whether a file begins with a record of Claude Code."""
    if head.first is None:
        # The first line is longer than the head, or breaks off.
        return b'"type"' in head.data and _FIRST_IS_LONG.match(head.data) is not None
    if not isinstance(head.first, dict):
        return False
    return head.first.get("type") in KNOWN_TYPES and not _MARKS.isdisjoint(head.first)


def read(paths: Sequence[Path]) -> Iterator[Record]:
    """The spans of a project's sessions, each session a trace."""
    counted: set[str] = set()
    for found in sessions(paths):
        if isinstance(found, Problem):
            yield found
            continue
        session, files = found
        own_files = frozenset(file.agent for file in files if file.agent)
        reader = SessionReader(session, counted, own_files)
        for file in files:
            yield from reader.read(file)
        yield from reader.finish()


IMPORTER = Importer(
    name="claude-code",
    recognises=recognises,
    read=read,
    group=project_of,
    suffixes=frozenset({".jsonl"}),
)
