"""Files to cards."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clawtrace_otel.importers.otlp_file import JSON_SUFFIXES, PROTOBUF_SUFFIXES, read_file
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Evaluation, Step
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.lone_calls import LoneCalls
from clawtrace_otel.tracecard.model import Card


@dataclass(slots=True)
class Compiled:
    """What became of files.

    Attributes:
        cards: in the order in which their traces were met.
        problems: what could not be read, each with file and line.
    """

    cards: list[Card] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    spans: int = 0
    traces: int = 0


def compile_files(paths: Iterable[Path], compiler: Compiler) -> Compiled:
    """The cards of all traces in OTLP files.

    Args:
        paths: files, or folders that are searched for files with a known suffix.
        compiler: makes the cards.
    """
    done = Compiled()
    traces: dict[str, list[Step]] = {}
    told: dict[str, list[Evaluation]] = {}
    for path in _files(paths):
        try:
            content = read_file(path)
        except OSError as e:
            done.problems.append(f"{path}: {e}")
            continue
        done.problems += content.problems
        done.spans += len(content.spans)
        for span in content.spans:
            traces.setdefault(span.trace_id, []).append(normalize(span))
        for trace_id, evaluation in content.evaluations:
            told.setdefault(trace_id, []).append(evaluation)
    done.traces = len(traces)
    done.cards += compile_traces(traces, told, compiler)
    return done


def compile_traces(
    traces: dict[str, list[Step]], told: dict[str, list[Evaluation]], compiler: Compiler
) -> Iterator[Card]:
    """The cards of traces.

    Args:
        traces: steps by trace id.
        told: evaluations that came in log records, by trace id.
        compiler: makes the cards.
    """
    lone_calls = LoneCalls(limit=len(traces) + 1)
    for steps in traces.values():
        for step in steps:
            lone_calls.add(step)
    for trace_id in traces:
        first, *twins = lone_calls.traces(trace_id)
        if first != trace_id:
            continue
        steps = [step for t in (first, *twins) for step in traces[t]]
        evaluations = [e for t in (first, *twins) for e in told.get(t, ())]
        if card := compiler.compile(steps, evaluations):
            yield card


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            known = JSON_SUFFIXES | PROTOBUF_SUFFIXES
            yield from sorted(p for p in path.rglob("*") if p.is_file() and p.suffix in known)
        else:
            yield path
