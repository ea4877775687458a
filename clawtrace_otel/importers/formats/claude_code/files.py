"""Which files of a Claude Code project hold which session, and in what order they are read.

    ~/.claude/projects/<project>/<session>.jsonl
    ~/.claude/projects/<project>/agent-<id>.jsonl                        (2.0)
    ~/.claude/projects/<project>/<session>/subagents/agent-<id>.jsonl    (2.1)

A resumed session may begin with a copy of the one that it continues. What began first comes first,
so that a call which is in both belongs to the session that made it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from clawtrace_otel.importers.importer import HEAD_BYTES, Problem
from clawtrace_otel.times import time_ns

AGENT_FILE_PREFIX = "agent-"
_SUBAGENTS = "subagents"
_SESSION_NAME = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

# In text that a record quotes, the quotation marks are escaped: these match no such text.
_SESSION_ID = re.compile(rb'"sessionId"\s*:\s*"([^"\\]+)"')
_TIME = re.compile(rb'"timestamp"\s*:\s*"([^"\\]+)"')


@dataclass(frozen=True, slots=True)
class SessionFile:
    """A file and what its beginning and end say.

    Attributes:
        session: id of the session that it is a part of.
        agent: id of the sub-agent whose file it is; empty for the session's own.
        first_ns, last_ns: times of its first and last record, 0 if unknown.
    """

    path: Path
    session: str
    agent: str = ""
    first_ns: int = 0
    last_ns: int = 0


def project_of(path: Path) -> str:
    """The project's folder: in it, calls of one session turn up in the files of others."""
    for folder in path.parents:
        if folder.name == _SUBAGENTS:
            return str(folder.parent.parent)
    return str(path.parent)


def sessions(paths: Sequence[Path]) -> Iterator[tuple[str, list[SessionFile]] | Problem]:
    """The sessions of a project in order of their beginning, each with its files.

    The files of sub-agents come before the session's own, which repeats parts of them. A file that
    cannot be read is a problem.
    """
    looked = [_look(path) for path in paths]
    yield from (found for found in looked if isinstance(found, Problem))
    files = [found for found in looked if isinstance(found, SessionFile)]
    by_session = groupby(sorted(files, key=lambda file: file.session), lambda file: file.session)
    grouped = [(session, list(found)) for session, found in by_session]
    for session, found in sorted(grouped, key=lambda item: _beginning(item[1])):
        yield session, sorted(found, key=lambda file: (not file.agent, *_times(file)))


def _look(path: Path) -> SessionFile | Problem:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            file.seek(0, 2)
            file.seek(max(file.tell() - HEAD_BYTES, 0))
            tail = file.read(HEAD_BYTES)
    except OSError as e:
        return Problem(path, 0, e.strerror or str(e))
    is_agent = path.stem.startswith(AGENT_FILE_PREFIX)
    times = _TIME.findall(tail)
    first = _TIME.search(head)
    return SessionFile(
        path=path,
        session=_session(path, head, is_agent=is_agent),
        agent=path.stem.removeprefix(AGENT_FILE_PREFIX) if is_agent else "",
        first_ns=time_ns(first[1].decode(errors="replace")) if first else 0,
        last_ns=time_ns(times[-1].decode(errors="replace")) if times else 0,
    )


def _session(path: Path, head: bytes, *, is_agent: bool) -> str:
    """The id of a session: its file is named so, and the records in it that are copies are not."""
    if not is_agent and _SESSION_NAME.fullmatch(path.stem):
        return path.stem
    if is_agent and path.parent.name == _SUBAGENTS:
        return path.parent.parent.name
    found = _SESSION_ID.search(head)
    return found[1].decode(errors="replace") if found else path.stem


def _times(file: SessionFile) -> tuple[int, int, str]:
    return file.first_ns, file.last_ns, str(file.path)


def _beginning(files: Iterable[SessionFile]) -> tuple[int, int, str]:
    """Of sessions that begin with the same record, the one that ended first was continued."""
    own = list(files)
    return min(_times(file) for file in [f for f in own if not f.agent] or own)
