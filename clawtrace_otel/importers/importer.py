"""What an importer is: a format of recorded runs, and how its files become spans.

The spans carry the attributes of the OpenTelemetry GenAI conventions, so that from there on a
recorded run goes the way of any other: the cards are the same cards.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clawtrace_otel.semconv.step import Evaluation
from clawtrace_otel.span import Span

HEAD_BYTES = 65_536
"""How much of a file is looked at to recognise its format."""


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file.

    Attributes:
        path: of the file.
        data: its first ``HEAD_BYTES`` bytes.
        first: its first line as JSON; ``None`` if that is none.
    """

    path: Path
    data: bytes
    first: object = None


@dataclass(frozen=True, slots=True)
class Told:
    """An evaluation of a trace."""

    trace_id: str
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class TraceEnd:
    """Nothing more of this trace follows: its card can be written and its steps forgotten."""

    trace_id: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read.

    Attributes:
        path: of the file.
        line: from 1; 0 if the file has no lines or all of it is meant.
        text: what is wrong, in a few words.
    """

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


Record = Span | Told | TraceEnd | Problem


def alone(path: Path) -> str:
    """The group of a file that has nothing to do with any other."""
    return str(path)


@dataclass(frozen=True, slots=True)
class Importer:
    """A format.

    Attributes:
        name: as ``--format`` has it.
        recognises: whether a file is of the format.
        read: the records of the files of one group, in their order. Memory is bounded however large
            the files are. Bad input gives a ``Problem`` and loses nothing else; only ``OSError`` is
            raised.
        group: a key; files with the same one may hold parts of the same traces, or the same parts,
            and are read together.
        suffixes: of the files that are looked for in folders.
    """

    name: str
    recognises: Callable[[Head], bool]
    read: Callable[[Sequence[Path]], Iterator[Record]]
    group: Callable[[Path], str] = alone
    suffixes: frozenset[str] = frozenset({".json", ".jsonl", ".ndjson"})
