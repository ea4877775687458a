"""Sessions that Claude Code writes down: JSON lines, a file a session and one a sub-agent.

What the lines hold was read from sessions of versions 2.0 to 2.1 and, for what these lack (records
of other versions, resumed sessions, compaction), from public readers of the format.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from clawtrace_otel.importers.formats.claude_code.files import project_of, sessions
from clawtrace_otel.importers.formats.claude_code.records import KNOWN_TYPES
from clawtrace_otel.importers.formats.claude_code.session import SessionReader
from clawtrace_otel.importers.formats.json_lines import first_line_members
from clawtrace_otel.importers.importer import Head, Importer, Problem, Record

_MARKS = frozenset({"sessionId", "leafUuid", "parentUuid", "snapshot"})
"""Any of them is in the first record of every session that was seen."""

_OWN_MARK = "parentUuid"
"""It stands first, where the type may come behind what is longer than the head."""


def recognises(head: Head) -> bool:
    """Whether a file begins with a line that is, or breaks off as, a record of Claude Code."""
    members = first_line_members(head.data)
    if "type" not in members:
        return _OWN_MARK in members
    kind = members["type"]
    return isinstance(kind, str) and kind in KNOWN_TYPES and not _MARKS.isdisjoint(members)


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
