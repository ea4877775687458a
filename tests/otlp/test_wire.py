"""Protobuf's wire format."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clawtrace_otel.errors import DecodeError
from clawtrace_otel.otlp.wire import fields, length_delimited
from tests.otlp.requests import attributes, span


@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 5000))
def test_what_is_framed_is_found_again(parts: list[bytes], number: int) -> None:
    message = b"".join(length_delimited(number, *parts)) * 2
    assert [n for n, _, _ in fields(message)] == [number, number]
    assert [end for _, _, end in fields(message)] == [len(message) // 2, len(message)]


def test_the_fields_of_a_span_joined_again_are_the_span() -> None:
    made = span(attributes={"a": "x" * 1000, "b": 1, "c": 2.5}, start_time_unix_nano=2**63)
    made.events.append(Span.Event(name="e", attributes=attributes({"k": "v"})))
    raw = made.SerializeToString()
    assert b"".join(raw[begin:end] for _, begin, end in fields(raw)) == raw


@given(st.binary(max_size=60))
def test_bytes_that_are_no_message_are_refused_or_read_to_their_end(data: bytes) -> None:
    try:
        found = list(fields(data))
    except DecodeError:
        return
    assert [end for _, _, end in found][-1:] == ([len(data)] if data else [])


@pytest.mark.parametrize("data", [b"\x0a", b"\x0a\x05abc", b"\x80", b"\x0b", b"\x09\x01"])
def test_what_ends_early_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        list(fields(data))
