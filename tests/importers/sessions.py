"""What the tests of recorded sessions share: write a session, read it, compile its cards."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hypothesis import strategies as st

from clawtrace_otel.importers.compile_group import compile_records
from clawtrace_otel.importers.importer import Importer, Problem, Record, TraceEnd
from clawtrace_otel.importers.registry import read_head
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card, StepLine

Json = dict[str, object]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
"""Any JSON value."""

UNFOLDED = 10_000_000
"""Bytes that no card of a test needs."""


def write(path: Path, *records: object) -> Path:
    """Write records as JSON lines; a text is written as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [r if isinstance(r, str) else json.dumps(r) for r in records]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def read(importer: Importer, *paths: Path) -> list[Record]:
    """All records; each file is recognised, and all are of one group."""
    assert all(importer.recognises(read_head(path)) for path in paths)
    assert len({importer.group(path) for path in paths}) == 1
    return list(importer.read(paths))


def spans(records: Iterable[Record], operation: str = "") -> list[Span]:
    """The spans, or those of one operation."""
    return [
        record
        for record in records
        if isinstance(record, Span)
        and operation in ("", record.attributes["gen_ai.operation.name"])
    ]


def problems(records: Iterable[Record]) -> list[str]:
    """What could not be read, as ``line: text``."""
    return [f"{r.line}: {r.text}" for r in records if isinstance(r, Problem)]


def cards(records: Iterable[Record]) -> list[Card]:
    """The cards of the traces, in the order in which they ended."""
    return list(_cards(list(records)))


def the_card(records: Iterable[Record]) -> Card:
    """The only card."""
    (card,) = cards(records)
    return card


def steps(card: Card, kind: str) -> list[StepLine]:
    """The steps of a kind: ``llm``, ``tool`` or ``agent``."""
    return [step for step in card["steps"] if kind in step]


def by_time(found: Iterable[Span]) -> list[Span]:
    """Spans in order of their start."""
    return sorted(found, key=lambda span: (span.start_ns, -span.end_ns))


def _cards(records: list[Record]) -> Iterator[Card]:
    made: list[Card] = []

    def keep(compiled: Callable[[int], Card | None]) -> Card | None:
        card = compiled(1)
        made.extend([card] if card is not None else [])
        return card

    done = compile_records(records, Compiler(max_bytes=UNFOLDED), keep)
    ends = [r.trace_id for r in records if isinstance(r, TraceEnd)]
    assert sorted(ends) == sorted({s.trace_id for s in spans(records)})
    assert not [p for p in done.problems if "fault of ours" in p.text]
    yield from made
