"""OTLP files: JSON, JSON lines (the Collector's ``file`` exporter) and protobuf.

Ids may be hex, as OTLP says, or base64, as plain protobuf-JSON mappings write them. A JSON file may
hold one request, a list of them, or one a line.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clawtrace_otel.errors import DecodeError
from clawtrace_otel.otlp.json_body import logs_to_protobuf, message_from_json, parse_json
from clawtrace_otel.otlp.logs import decode_evaluations
from clawtrace_otel.otlp.traces import decode_traces
from clawtrace_otel.semconv.step import Evaluation
from clawtrace_otel.span import Span

PROTOBUF_SUFFIXES = frozenset({".pb", ".bin", ".binpb", ".protobuf"})
JSON_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})


@dataclass(slots=True)
class FileContent:
    """What was read from a file.

    Attributes:
        problems: what could not be read, each with file and line.
    """

    spans: list[Span] = field(default_factory=list)
    evaluations: list[tuple[str, Evaluation]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_file(path: Path) -> FileContent:
    """Read one OTLP file; what cannot be read is listed, and loses nothing else.

    Raises:
        OSError: the file cannot be opened.
    """
    content = FileContent()
    data = path.read_bytes()
    if path.suffix in PROTOBUF_SUFFIXES:
        _add_traces(content, data, str(path))
        return content
    for where, body in _requests(path, data, content.problems):
        _add_json(content, body, where)
    return content


def _requests(path: Path, data: bytes, problems: list[str]) -> Iterator[tuple[str, object]]:
    """The JSON values of a file that are requests, and where they stand."""
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError) as e:
        yield from _lines(path, data, problems, f"{path}: neither JSON ({e}) nor lines of it")
        return
    values = whole if isinstance(whole, list) else [whole]
    for n, value in enumerate(values):
        yield (f"{path}[{n}]" if len(values) > 1 else str(path)), value


def _lines(
    path: Path, data: bytes, problems: list[str], no_lines: str
) -> Iterator[tuple[str, object]]:
    damaged: list[str] = []
    any_object = False
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            value = parse_json(line)
        except DecodeError as e:
            damaged.append(f"{where}: {e}")
            continue
        any_object = any_object or isinstance(value, dict)
        yield where, value
    # One text over many lines that breaks off is one problem, not one a line.
    problems += damaged if any_object or len(damaged) < 2 else [no_lines]


def _add_json(content: FileContent, value: object, where: str) -> None:
    try:
        if isinstance(value, dict) and not value.keys().isdisjoint(
            ("resourceLogs", "resource_logs")
        ):
            content.evaluations += decode_evaluations(logs_to_protobuf(json.dumps(value).encode()))
            return
        request = message_from_json(value, ExportTraceServiceRequest())
    except DecodeError as e:
        content.problems.append(f"{where}: {e}")
        return
    _add_traces(content, request.SerializeToString(), where)


def _add_traces(content: FileContent, body: bytes, where: str) -> None:
    try:
        batch = decode_traces(body)
    except DecodeError as e:
        content.problems.append(f"{where}: {e}")
        return
    content.spans += [received.span for received in batch.received]
    if batch.rejected:
        content.problems.append(f"{where}: {batch.rejected} spans left out: {batch.rejection}")
