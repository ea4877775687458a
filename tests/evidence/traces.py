"""Traces to measure on: their spans, and the steps of the card that is made of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clawtrace_otel.importers.compile_group import compile_records, read
from clawtrace_otel.importers.importer import Importer, Record
from clawtrace_otel.importers.plan import make_plan
from clawtrace_otel.importers.registry import importer
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.processors.redundancy import RedundancyIndex
from clawtrace_otel.processors.tool_effects import ToolEffects
from clawtrace_otel.semconv.dialects import FIELDS
from clawtrace_otel.semconv.shells import read_arguments, read_result
from clawtrace_otel.semconv.step import Evaluation, Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.items import Item, build_items
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.tree import build_tree
from tests.evidence.known_tools import NOTHING_KNOWN


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of a trace.

    Attributes:
        n: its step number on the card.
        context: span id of the agent that made it; empty for the main one.
        recorded: the arguments as they were recorded; ``None`` if they were not.
        recorded_result: likewise.
        arguments, result: as our own canonical text; empty if there are none.
    """

    n: int
    span_id: str
    tool: str
    context: str
    recorded: str | None
    recorded_result: str | None
    arguments: str
    result: str
    failed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A run.

    Attributes:
        file: where it was recorded; empty if it was generated.
        spans: by span id.
        steps: what was read from the spans, in their order.
        passed: what an evaluator said; ``None`` if nobody said anything.
    """

    file: Path
    trace_id: str
    spans: Mapping[str, Span]
    steps: Sequence[Step]
    passed: bool | None = None

    def items(self, known: ToolEffects = NOTHING_KNOWN) -> list[Item]:
        """The steps of its card, with our findings.

        Args:
            known: what is known of the tools.
        """
        index = RedundancyIndex(known)
        return build_items(build_tree(self.steps), Pricer(), index)

    def calls(self) -> list[Call]:
        """Its tool calls, in the order of their step numbers."""
        return [self._call(item) for item in self.items() if item.step.kind == "tool"]

    def _call(self, item: Item) -> Call:
        span = self.spans[item.step.span_id]
        arguments, result = _first(span, "arguments"), _first(span, "result")
        return Call(
            n=item.n,
            span_id=span.span_id,
            tool=item.step.tool,
            context=item.agent.step.span_id if item.agent else "",
            recorded=None if arguments is None else _text(arguments),
            recorded_result=None if result is None else _text(result),
            arguments=read_arguments(arguments).text,
            result="" if result is None else read_result(result).text,
            failed=item.step.error is not None,
        )


def _text(value: object) -> str:
    """As it was recorded, keys in their order."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _first(span: Span, field: str) -> object:
    """What the span has in that field, by the most trusted dialect that has it."""
    keys = FIELDS["tool"].get(field, ())
    return next((span.attributes[key] for key in keys if key in span.attributes), None)


class _Watching(Compiler):
    """Keeps what each card is made of."""

    def __init__(self) -> None:
        super().__init__(Pricer())
        self.seen: list[tuple[list[Step], bool | None]] = []

    def compile(
        self, steps: Iterable[Step], evaluations: Iterable[Evaluation] = (), revision: int = 1
    ) -> Card | None:
        """Compile the card, and keep its steps and outcome."""
        kept = list(steps)
        card = super().compile(kept, evaluations, revision)
        if card is not None:
            outcome = card.get("outcome")
            self.seen.append((kept, outcome["passed"] if outcome else None))
        return card


def of_records(records: Iterable[Record], file: Path = Path()) -> list[Trace]:
    """The traces of records that belong together, in the order in which they ended."""
    compiler, spans = _Watching(), dict[tuple[str, str], Span]()

    def see(span: Span, _: Step) -> None:
        spans[span.trace_id, span.span_id] = span

    compile_records(records, compiler, see=see)
    return [_trace(file, steps, passed, spans) for steps, passed in compiler.seen]


def _trace(
    file: Path, steps: list[Step], passed: bool | None, spans: Mapping[tuple[str, str], Span]
) -> Trace:
    keys = [(step.trace_id, step.span_id) for step in steps]
    own = {span_id: spans[trace_id, span_id] for trace_id, span_id in keys}
    return Trace(file, steps[0].trace_id, own, steps, passed)


def of_folder(folder: Path) -> list[Trace]:
    """The traces of all recorded runs below a folder; the file is named from there."""
    traces: list[Trace] = []
    for group in make_plan([folder]).groups:
        reader = importer(group.kind)
        files = _files_of(reader, group.paths) if len(group.paths) > 1 else {}
        for trace in of_records(read(reader, group.paths)):
            file = files.get(trace.trace_id, group.paths[0])
            traces.append(replace(trace, file=file.relative_to(folder)))
    return traces


def _files_of(reader: Importer, paths: Sequence[Path]) -> dict[str, Path]:
    """The file that each trace begins in, of files that are read together."""
    files: dict[str, Path] = {}
    for path in paths:
        for record in read(reader, [path]):
            if isinstance(record, Span):
                files.setdefault(record.trace_id, path)
    return files
