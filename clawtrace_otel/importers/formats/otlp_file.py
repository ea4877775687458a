"""OTLP files: JSON, JSON lines (the Collector's ``file`` exporter) and protobuf.

Ids may be hex, as OTLP says, or base64, as plain protobuf-JSON mappings write them. A JSON file may
hold one request, a list of them, or one a line.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clawtrace_otel.errors import DecodeError
from clawtrace_otel.importers.formats.json_document import read_document
from clawtrace_otel.importers.formats.json_lines import (
    MAX_LINE_BYTES,
    opening_members,
    read_first_value,
    read_json_lines,
)
from clawtrace_otel.importers.formats.reading import took
from clawtrace_otel.importers.importer import HEAD_BYTES, Head, Importer, Problem, Record, Told
from clawtrace_otel.otlp.json_body import message_from_json
from clawtrace_otel.otlp.logs import decode_logs
from clawtrace_otel.otlp.traces import decode_traces

PROTOBUF_SUFFIXES = frozenset({".pb", ".bin", ".binpb", ".protobuf"})
JSON_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})

MAX_PROTOBUF_BYTES = 512 * 1024 * 1024
"""A protobuf file is read as a whole; a larger one is not."""

_KEY = re.compile(r"resource_?(?:spans|logs|metrics)", re.IGNORECASE)
_LOGS = frozenset({"resourceLogs", "resource_logs"})
_CHUNK_BYTES = 1024 * 1024


def recognises(head: Head) -> bool:
    """Whether a file is OTLP: protobuf by its suffix, JSON by the keys of its first request."""
    return head.path.suffix in PROTOBUF_SUFFIXES or any(map(_KEY.fullmatch, _first_keys(head.data)))


def _first_keys(data: bytes) -> Iterable[str]:
    """The keys of the object that the data begins with, else of the first line that has one."""
    found = opening_members(data)
    if found:
        return found
    return next(filter(None, map(opening_members, data.split(b"\n"))), {})


def read(paths: Sequence[Path]) -> Iterator[Record]:
    """The spans and evaluations of files.

    Raises:
        ModuleNotFoundError: a file is one JSON document, and the extra ``importers`` is missing.
    """
    for path in paths:
        try:
            yield from _read_file(path)
        except OSError as e:
            yield Problem(path, 0, e.strerror or str(e))


IMPORTER = Importer(
    name="otlp",
    recognises=recognises,
    read=read,
    group=lambda path: "",  # noqa: ARG005 a trace may be spread over any number of files
    suffixes=PROTOBUF_SUFFIXES | JSON_SUFFIXES,
)


def _read_file(path: Path) -> Iterator[Record]:
    if path.suffix in PROTOBUF_SUFFIXES:
        return _protobuf(path)
    return _document(path) if _is_document(path) else _lines(path)


def _protobuf(path: Path) -> Iterator[Record]:
    size = path.stat().st_size
    if size > MAX_PROTOBUF_BYTES:
        text = f"{size:,} bytes of protobuf, more than {MAX_PROTOBUF_BYTES:,}: write JSON lines"
        yield Problem(path, 0, text)
        return
    body = path.read_bytes()
    took(size)
    yield from _spans(path, 0, "", body)


def _lines(path: Path) -> Iterator[Record]:
    for item in read_json_lines(path):
        if isinstance(item, Problem):
            yield item
        else:
            yield from _request(path, item[0], "", item[1])


def _document(path: Path) -> Iterator[Record]:
    for item in read_document(path):
        if isinstance(item, Problem):
            yield item
        else:
            yield from _request(path, 0, f"[{item[0]}]: ", item[1])


def _request(path: Path, line: int, where: str, value: object) -> Iterator[Record]:
    is_logs = isinstance(value, dict) and not value.keys().isdisjoint(_LOGS)
    kind = ExportLogsServiceRequest if is_logs else ExportTraceServiceRequest
    try:
        body = message_from_json(value, kind()).SerializeToString()
    except DecodeError as e:
        yield Problem(path, line, f"{where}{e}")
        return
    if is_logs:
        logs = decode_logs(body)
        yield from logs.spans
        yield from (Told(trace_id, told) for trace_id, told in logs.evaluations)
    else:
        yield from _spans(path, line, where, body)


def _spans(path: Path, line: int, where: str, body: bytes) -> Iterator[Record]:
    try:
        batch = decode_traces(body)
    except DecodeError as e:
        yield Problem(path, line, f"{where}{e}")
        return
    yield from (received.span for received in batch.received)
    if batch.rejected:
        text = f"{where}{batch.rejected} spans left out: {batch.rejection}"
        yield Problem(path, line, text)


def _is_document(path: Path) -> bool:
    """Whether a JSON file is one value over many lines, or one that is too large for a line."""
    with path.open("rb") as file:
        data = file.read(HEAD_BYTES)
        text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
        if text.startswith(b"["):
            return True
        first, newline, rest = text.partition(b"\n")
        if not newline:
            return len(data) == HEAD_BYTES and _is_long(file, len(data))
    is_line = isinstance(read_first_value(first), dict)
    return not is_line and not isinstance(read_first_value(rest), dict)


def _is_long(file: BinaryIO, size: int) -> bool:
    while size <= MAX_LINE_BYTES and (chunk := file.read(_CHUNK_BYTES)):
        if b"\n" in chunk:
            return False
        size += len(chunk)
    return size > MAX_LINE_BYTES
