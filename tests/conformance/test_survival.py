"""Point 27: nothing that is sent ends the receiver, or keeps it from others."""

import json
from collections.abc import Callable
from contextlib import closing, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collector import otlp
from tests.collector.peers import JSON, LOGS, METRICS, PROTOBUF, TRACES, post
from tests.conformance.checklist import must
from tests.conformance.json_bodies import request, span
from tests.conformance.target import Target
from tests.conformance.wire import call, connect, head

FEW = settings(max_examples=60)
PATHS = st.sampled_from(["/v1/traces", "/v1/logs", "/v1/metrics"])
METHODS = st.sampled_from([TRACES, LOGS, METRICS])
VALID = otlp.body(*otlp.run())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A request of which a few bytes are others, or missing."""
    content = bytearray(VALID)
    for _ in range(draw(st.integers(1, 5))):
        content[draw(st.integers(0, len(VALID) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(VALID)))])


BODIES = st.binary(max_size=200) | damaged()

TEXTS = st.text(max_size=10) | st.sampled_from([otlp.trace_id(1), "NaN", "1e999", "\ud800", "-1"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("traceId", "spanId", "attributes", "key", "value", "events", "links"),
                    *("stringValue", "intValue", "arrayValue", "kvlistValue", "values", "status"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@must(27)
@FEW
@given(content=BODIES, path=PATHS)
def test_any_bytes_are_taken_or_refused_over_http(
    target: Target, content: bytes, path: str
) -> None:
    assert post(target.http, content, path).status in (200, 400, 404)


@must(27)
@FEW
@given(content=BODIES, method=METHODS)
def test_any_bytes_are_taken_or_refused_over_grpc(
    target: Target, content: bytes, method: str
) -> None:
    code = call(target.grpc, content, method).code
    assert code in ("OK", "INVALID_ARGUMENT", "INTERNAL", "UNIMPLEMENTED")


@must(27)
@FEW
@given(ANYTHING)
def test_any_json_is_taken_or_refused(target: Target, value: object) -> None:
    one = value if isinstance(value, dict) else {"attributes": value}
    for body in (value, request(span(1) | one)):
        answer = post(target.http, json.dumps(body).encode(), content_type=JSON)
        assert answer.status in (200, 400)


DEEP = 100_000


@must(27)
@pytest.mark.parametrize("opening", ["[", '{"a":', '{"resourceSpans":['])
def test_json_that_is_nested_without_end_is_refused(target: Target, opening: str) -> None:
    assert post(target.http, opening.encode() * DEEP, content_type=JSON).status == 400
    target.check_alive()


@must(27)
def test_protobuf_that_is_nested_without_end_is_taken_or_refused(
    target: Target, trace: int
) -> None:
    """Values in values, 2,000 deep; the innermost comes first."""
    value = b""
    for _ in range(2_000):
        array = b"\x0a" + varint(len(value)) + value
        value = b"\x2a" + varint(len(array)) + array
    item = b"\x0a\x01a\x12" + varint(len(value)) + value
    made = otlp.llm(2, trace).SerializeToString() + b"\x4a" + varint(len(item)) + item
    scope = b"\x12" + varint(len(made)) + made
    resource = b"\x12" + varint(len(scope)) + scope
    content = b"\x0a" + varint(len(resource)) + resource
    assert post(target.http, content).status in (200, 400)
    assert call(target.grpc, content).code in ("OK", "INVALID_ARGUMENT", "INTERNAL")
    target.check_alive()


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


KIND = f"Content-Type: {PROTOBUF}"

NO_HTTP: dict[str, bytes] = {
    "nothing": b"",
    "garbage": bytes(range(256)) * 4,
    "a head that does not end": b"POST /v1/traces HTTP/1.1\r\nHost: tests\r\n",
    "a body that ends early": head(1000, KIND) + b"short",
    "a chunk that ends early": head(None, KIND, "Transfer-Encoding: chunked") + b"ff\r\nshort",
    "a chunk without a size": head(None, KIND, "Transfer-Encoding: chunked") + b"xyz\r\nabc",
    "a negative length": head(-1, KIND),
    "a length that is none": head(None, KIND, "Content-Length: many"),
    "two lengths": head(1, KIND, "Content-Length: 2") + b"ab",
    "a length and chunks": head(3, KIND, "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "a long line": head(None, "X-Long: " + "x" * 200_000),
    "many lines": head(None, *(f"X-{n}: x" for n in range(10_000))),
    "a zero in a line": head(0, "X-Zero: \0"),
    "another version": b"POST /v1/traces HTTP/9.9\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "gRPC": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
}

FRAMES: dict[str, bytes] = {
    "HTTP/1.1": head(0, KIND),
    "a preface alone": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a frame of 16 MiB": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff\xff\xff\x00\x00\0\0\0\1",
    "garbage behind a preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(range(256)) * 4,
}

PLACES: dict[str, tuple[Callable[[Target], str], bytes]] = {
    **{f"HTTP, {name}": (lambda target: target.http, content) for name, content in NO_HTTP.items()},
    **{
        f"gRPC, {name}": (lambda target: target.grpc, content)
        for name, content in (NO_HTTP | FRAMES).items()
    },
}


@must(27)
@pytest.mark.parametrize("name", PLACES)
def test_a_connection_is_survived_that_brings_to(target: Target, name: str) -> None:
    address, content = PLACES[name]
    with closing(connect(address(target))) as connection:
        with suppress(ConnectionError):
            connection.sendall(content)
        connection.settimeout(0.2)
        with suppress(OSError):
            connection.recv(1000)
    target.check_alive()


@must(27)
def test_a_damaged_span_does_not_keep_the_next_from_being_taken(target: Target, trace: int) -> None:
    content = otlp.body(otlp.llm(2, trace, note="@@"))
    answer = post(target.http, content.replace(b"@@", b"\xff\xfe"))
    assert answer.status in (200, 400)
    assert call(target.grpc, otlp.body(otlp.llm(3, trace))).code == "OK"
    target.arrived(trace)
