"""What an importer makes of one file, sorted by kind."""

from dataclasses import dataclass, field
from pathlib import Path

from clawtrace_otel.importers.formats.otlp_file import IMPORTER
from clawtrace_otel.importers.importer import Importer, Problem, Told
from clawtrace_otel.span import Span


@dataclass(slots=True)
class FileContent:
    """What was read.

    Attributes:
        problems: what could not be read, each with file and line.
    """

    spans: list[Span] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_file(path: Path, importer: Importer = IMPORTER) -> FileContent:
    """Read one file."""
    content = FileContent()
    for record in importer.read([path]):
        if isinstance(record, Span):
            content.spans.append(record)
        elif isinstance(record, Told):
            content.told.append(record)
        elif isinstance(record, Problem):
            content.problems.append(str(record))
    return content
