"""Targets: the bodies of requests, packed and not, and spans and records that tables name."""

import gzip
from contextlib import suppress

from google.protobuf.json_format import MessageToJson

from clawtrace_otel.collector.receivers.unpack import TooLargeError, gunzip
from clawtrace_otel.errors import DecodeError
from clawtrace_otel.otlp.json_body import logs_to_protobuf, traces_to_protobuf
from clawtrace_otel.otlp.logs import decode_logs
from clawtrace_otel.otlp.rebuild import rebuild
from clawtrace_otel.otlp.traces import TraceBatch, decode_in_parts, decode_traces
from clawtrace_otel.otlp.values import encode_attributes
from clawtrace_otel.settings import Content
from tests.fuzz.checks import check_run
from tests.fuzz.choices import Choices, chance, pick
from tests.fuzz.spans import log_request, trace_request

POLICIES: list[Content] = ["sample", "hash", "none"]
MAX_UNPACKED = 1 << 20
MAX_SENT_ON = 20_000
MAX_PART = 3_000


def traces_protobuf(data: bytes) -> None:
    """A request of spans in protobuf."""
    try:
        batch = decode_traces(data)
    except DecodeError:
        return
    _check_batch(batch)
    parts = list(decode_in_parts(data, MAX_PART))
    assert [r.raw for part in parts for r in part.received] == [r.raw for r in batch.received]
    assert sum(part.rejected for part in parts) == batch.rejected


def traces_json(data: bytes) -> None:
    """A request of spans in JSON."""
    try:
        body = traces_to_protobuf(data)
    except DecodeError:
        return
    _check_batch(decode_traces(body))


def logs_protobuf(data: bytes) -> None:
    """A request of log records in protobuf."""
    try:
        logs = decode_logs(data)
    except DecodeError:
        return
    check_run(logs.spans, logs.evaluations)


def logs_json(data: bytes) -> None:
    """A request of log records in JSON."""
    try:
        body = logs_to_protobuf(data)
    except DecodeError:
        return
    logs = decode_logs(body)
    check_run(logs.spans, logs.evaluations)


def packed(data: bytes) -> None:
    """A body that is said to be packed; and one that is, whole, in two members and cut."""
    with suppress(DecodeError, TooLargeError):
        assert len(gunzip(data, MAX_UNPACKED)) <= MAX_UNPACKED
    whole = gzip.compress(data, 1, mtime=0)
    assert gunzip(whole, len(data)) == data
    assert gunzip(whole + whole, 2 * len(data)) == 2 * data
    for body, most in ((whole[:-1], MAX_UNPACKED), (whole + whole, max(2 * len(data) - 1, 0))):
        try:
            unpacked = gunzip(body, most)
        except (DecodeError, TooLargeError):
            continue
        assert not data, unpacked


def spans(choices: Choices) -> int:
    """Spans of any dialect with any values, in both encodings."""
    content = pick(choices, POLICIES)
    request = trace_request(choices)
    body = request.SerializeToString()
    batch = decode_traces(body)
    _check_batch(batch, content)
    if chance(choices, 10):
        said = decode_traces(traces_to_protobuf(MessageToJson(request, indent=None).encode()))
        assert repr([r.span for r in said.received]) == repr([r.span for r in batch.received])
    return len(body)


def records(choices: Choices) -> int:
    """Log records of coding agents, and evaluations, with any values, and spans beside them."""
    content = pick(choices, POLICIES)
    body = log_request(choices).SerializeToString()
    beside = trace_request(choices, most=2).SerializeToString()
    logs, batch = decode_logs(body), decode_traces(beside)
    known = [received.span for received in batch.received]
    check_run([*logs.spans, *known], logs.evaluations, content)
    return len(body) + len(beside)


def _check_batch(batch: TraceBatch, content: Content = "sample") -> None:
    """Spans become steps and cards, and those that are sent on are as they came in, and more."""
    in_order = sorted(enumerate(batch.received), key=lambda entry: entry[1].span.end_ns)
    added = check_run([received.span for _, received in in_order], content=content)
    chosen = [
        (received, {k: v for k, v in more.items() if k not in received.span.attributes})
        for (_, received), more in sorted(
            zip(in_order, added, strict=True), key=lambda pair: pair[0][0]
        )
        if more is not None
    ]
    as_bytes = [(received, encode_attributes(more)) for received, more in chosen]
    sent = rebuild(batch, as_bytes, MAX_SENT_ON)
    again = [received for body in sent for received in decode_traces(body).received]
    assert [received.raw for received in again] == [r.raw + more for r, more in as_bytes]
    for received, (before, more) in zip(again, chosen, strict=True):
        assert repr(received.span.attributes) == repr({**before.span.attributes, **more})
        assert (received.span.service, received.span.scope) == (
            before.span.service,
            before.span.scope,
        )
