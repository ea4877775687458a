"""The log of OpenClaw's telemetry plugin: JSON lines, an event a line, all sessions in one file.

What the events hold was read from a published log and, for usage events and times, from the
plugin's sources.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from clawtrace_otel.importers.formats.json_lines import first_line_members, read_json_lines
from clawtrace_otel.importers.formats.json_object import mapping, name_in
from clawtrace_otel.importers.formats.openclaw_telemetry.log import KNOWN_TYPES, TelemetryReader
from clawtrace_otel.importers.importer import Head, Importer, Problem, Record
from clawtrace_otel.semconv.canonical import digest, text_of

_MARKS = frozenset({"sessionKey", "channel", "agentId"})
"""Any of them is in every event."""


def recognises(head: Head) -> bool:
    """Whether a file begins with a line that is, or breaks off as, an event of the plugin."""
    members = first_line_members(head.data)
    kind = members.get("type")
    return isinstance(kind, str) and kind in KNOWN_TYPES and not _MARKS.isdisjoint(members)


def read(paths: Sequence[Path]) -> Iterator[Record]:
    """The spans of each log."""
    for path in paths:
        reader: TelemetryReader | None = None
        unknown: set[str] = set()
        for line in read_json_lines(path):
            if isinstance(line, Problem):
                yield line
                continue
            number, event = line[0], mapping(line[1])
            kind = name_in(event, "type")
            if reader is None:
                reader = TelemetryReader(f"{path.name} {digest(text_of(event))}")
            if kind not in KNOWN_TYPES and kind not in unknown:
                unknown.add(kind)
                yield Problem(path, number, f"events of unknown type {kind!r} are ignored")
            yield from reader.add(event, number)
        if reader is not None:
            yield from reader.finish()


IMPORTER = Importer(
    name="openclaw-telemetry",
    recognises=recognises,
    read=read,
    suffixes=frozenset({".jsonl"}),
)
