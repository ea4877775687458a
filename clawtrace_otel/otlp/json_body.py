"""OTLP/JSON to protobuf bytes, so that there is one way to read a request.

Source: OTLP 1.11, "JSON Protobuf Encoding": ids are hex (case does not matter), enums are numbers,
64-bit integers may be strings, unknown fields are ignored. Read leniently: base64 ids (the plain
protobuf mapping, which file exporters write), enum names and snake_case keys are accepted too.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import TypeVar

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clawtrace_otel.errors import DecodeError

M = TypeVar("M", bound=Message)

_ID_KEYS = ("traceId", "trace_id", "spanId", "span_id", "parentSpanId", "parent_span_id")
_ID_SIZES = (16, 8)
MAX_REASON = 1000
"""Characters; protobuf quotes the value that does not fit, which may be the whole body."""

_UNFIT = (
    *(ParseError, ValueError, TypeError, AttributeError, OverflowError, RecursionError),
    SystemError,  # what protobuf raises for the name of a field with half a surrogate pair
)


def traces_to_protobuf(body: bytes) -> bytes:
    """An ``ExportTraceServiceRequest`` in JSON as protobuf bytes.

    Raises:
        DecodeError: the body is no JSON, or no such request.
    """
    return message_from_json(parse_json(body), ExportTraceServiceRequest()).SerializeToString()


def logs_to_protobuf(body: bytes) -> bytes:
    """An ``ExportLogsServiceRequest`` in JSON as protobuf bytes.

    Raises:
        DecodeError: the body is no JSON, or no such request.
    """
    return message_from_json(parse_json(body), ExportLogsServiceRequest()).SerializeToString()


def parse_json(body: bytes) -> object:
    """The JSON value of a body.

    Raises:
        DecodeError: it is none, is not UTF-8 or is nested too deeply.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as e:
        msg = f"the body is no JSON: {e}"
        raise DecodeError(msg) from e


def message_from_json(value: object, message: M) -> M:
    """Fill ``message`` from a JSON object; ids in it are put into the protobuf mapping on the way.

    Raises:
        DecodeError: the value does not fit the message.
    """
    if not isinstance(value, dict):
        msg = f"the body is a JSON {type(value).__name__}, not an object"
        raise DecodeError(msg)
    for holder in _id_holders(value):
        _mend_ids(holder)
    try:
        return ParseDict(value, message, ignore_unknown_fields=True)
    except _UNFIT as e:
        msg = f"the JSON is no {message.DESCRIPTOR.name}: {_shortened(str(e))}"
        raise DecodeError(msg) from e


def _shortened(reason: str) -> str:
    """Both ends of it: what is wrong stands at its beginning, where at its end.

    Half a surrogate pair, which JSON can write and UTF-8 cannot, is written as JSON would.
    """
    reason = reason.encode("utf-8", "backslashreplace").decode()
    if len(reason) <= MAX_REASON:
        return reason
    half = MAX_REASON // 2
    return f"{reason[:half]} … {reason[-half:]}"


def _id_holders(request: dict[str, object]) -> Iterator[dict[str, object]]:
    """Everything in a request that has ids: spans, their links, and log records."""
    for resource in _children(request, "resourceSpans", "resource_spans"):
        for scope in _children(resource, "scopeSpans", "scope_spans"):
            for span in _children(scope, "spans"):
                yield span
                yield from _children(span, "links")
    for resource in _children(request, "resourceLogs", "resource_logs"):
        for scope in _children(resource, "scopeLogs", "scope_logs"):
            yield from _children(scope, "logRecords", "log_records")


def _children(holder: dict[str, object], *names: str) -> Iterator[dict[str, object]]:
    for name in names:
        items = holder.get(name)
        if isinstance(items, list):
            yield from (item for item in items if isinstance(item, dict))


def _mend_ids(holder: dict[str, object]) -> None:
    for key in _ID_KEYS:
        if isinstance(text := holder.get(key), str):
            holder[key] = base64.b64encode(_id_bytes(text)).decode()


def _id_bytes(text: str) -> bytes:
    """The bytes of an id, or bytes of an impossible length: then the span alone is rejected."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b"?"
    return raw if len(raw) in _ID_SIZES else b"?"
