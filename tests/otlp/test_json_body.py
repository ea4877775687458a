"""OTLP/JSON, which is read more leniently than it is specified."""

import base64
import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from clawtrace_otel.errors import DecodeError
from clawtrace_otel.otlp.json_body import MAX_REASON, logs_to_protobuf, traces_to_protobuf
from clawtrace_otel.otlp.traces import decode_traces
from tests.otlp.requests import SPAN_ID, TRACE_ID

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "otlp").glob("*.jsonl"))
Json = dict[str, Any]


def request(**fields: Any) -> Json:
    """A request of one span, as the specification writes it."""
    span = {"traceId": TRACE_ID.hex(), "spanId": SPAN_ID.hex(), "name": "chat", **fields}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


def value(**given: Any) -> Json:
    return request(attributes=[{"key": "input.value", "value": given}])


def read(body: object) -> Span:
    """The one span of a request."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    proto = ExportTraceServiceRequest.FromString(traces_to_protobuf(data))
    return proto.resource_spans[0].scope_spans[0].spans[0]


def attribute(body: object) -> Any:
    """The one attribute of the one span."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode_traces(traces_to_protobuf(data)).received[0].span.attributes["input.value"]


def snake(item: Any) -> Any:
    """All keys in snake_case."""
    if isinstance(item, list):
        return [snake(inner) for inner in item]
    if not isinstance(item, dict):
        return item
    return {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in key): snake(inner)
        for key, inner in item.items()
    }


class TestIds:
    @pytest.mark.parametrize(
        "write",
        [
            bytes.hex,
            lambda raw: raw.hex().upper(),
            lambda raw: raw.hex().title(),
            lambda raw: base64.b64encode(raw).decode(),
        ],
        ids=["lower", "upper", "mixed", "base64"],
    )
    def test_an_id_is_hex_in_any_case_or_base64(self, write: Any) -> None:
        link = {"traceId": write(TRACE_ID), "spanId": write(SPAN_ID)}
        span = read(request(**link, parentSpanId=write(SPAN_ID), links=[link]))
        assert (span.trace_id, span.span_id, span.parent_span_id) == (TRACE_ID, SPAN_ID, SPAN_ID)
        assert (span.links[0].trace_id, span.links[0].span_id) == (TRACE_ID, SPAN_ID)

    @given(st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8))
    def test_no_base64_id_is_taken_for_hex(self, trace_id: bytes, span_id: bytes) -> None:
        encoded = [base64.b64encode(raw).decode() for raw in (trace_id, span_id)]
        span = read(request(traceId=encoded[0], spanId=encoded[1]))
        assert (span.trace_id, span.span_id) == (trace_id, span_id)

    @pytest.mark.parametrize("wrong", ["", "zz", "4bf9", "?" * 32, "ä" * 32, "4" * 31, None])
    def test_a_wrong_id_rejects_its_span_alone(self, wrong: str | None) -> None:
        body = request()
        spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
        spans.insert(0, {"traceId": wrong, "spanId": SPAN_ID.hex()})
        batch = decode_traces(traces_to_protobuf(json.dumps(body).encode()))
        assert [received.span.name for received in batch.received] == ["chat"]
        assert "spans[0]: trace_id has" in batch.rejection

    def test_an_empty_parent_is_none(self) -> None:
        assert read(request(parentSpanId="")).parent_span_id == b""


class TestLeniency:
    def test_keys_may_be_in_snake_case(self) -> None:
        body = request(
            parentSpanId=SPAN_ID.hex(),
            startTimeUnixNano="1",
            attributes=[{"key": "a", "value": {"arrayValue": {"values": [{"intValue": "3"}]}}}],
        )
        assert read(snake(body)) == read(body)

    @pytest.mark.parametrize("kind", [3, "SPAN_KIND_CLIENT"])
    @pytest.mark.parametrize("code", [2, "STATUS_CODE_ERROR"])
    def test_enums_are_numbers_or_names(self, kind: object, code: object) -> None:
        span = read(request(kind=kind, status={"code": code}))
        assert (span.kind, span.status.code) == (Span.SPAN_KIND_CLIENT, Status.STATUS_CODE_ERROR)

    @pytest.mark.parametrize(("number", "kind"), [("SPAN_KIND_OF_TOMORROW", 0), (77, 77)])
    def test_an_unknown_enum_value_loses_nothing_else(self, number: object, kind: int) -> None:
        assert read(request(kind=number)).kind == kind
        assert read(request(kind=number)).name == "chat"

    @pytest.mark.parametrize("written", [1_793_613_600_000_000_000, "1793613600000000000"])
    def test_integers_of_64_bits_are_numbers_or_texts(self, written: object) -> None:
        assert read(request(startTimeUnixNano=written)).start_time_unix_nano == int(str(written))

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"intValue": "-9223372036854775808"}, -(2**63)),
            ({"intValue": 5}, 5),
            ({"intValue": 5.0}, 5),
            ({"doubleValue": 1}, 1.0),
            ({"doubleValue": "2.5"}, 2.5),
            ({"doubleValue": "Infinity"}, math.inf),
            ({"boolValue": False}, False),
            ({"stringValue": ""}, ""),
            ({"bytesValue": "/w=="}, b"\xff"),
            ({"arrayValue": {}}, []),
            ({"kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}]}}, {"a": 1}),
            ({}, None),
            ({"stringValue": None}, None),
        ],
    )
    def test_values_are_read(self, given: Json, expected: object) -> None:
        found = attribute(value(**given))
        assert (found, type(found)) == (expected, type(expected))

    def test_nan_is_a_text_in_the_mapping_of_protobuf(self) -> None:
        assert math.isnan(attribute(value(doubleValue="NaN")))
        with pytest.raises(DecodeError, match="NaN"):
            attribute(value(doubleValue=math.nan))

    def test_null_is_as_if_it_were_not_there(self) -> None:
        nothing = dict.fromkeys(
            ["parentSpanId", "kind", "startTimeUnixNano", "attributes", "status", "links"]
        )
        assert read(request(**nothing)) == read(request())
        assert traces_to_protobuf(b'{"resourceSpans": null}') == b""

    def test_unknown_fields_are_ignored_at_every_level(self) -> None:
        body = request(attributes=[{"key": "a", "value": {"intValue": 1}}])
        more = copy.deepcopy(body)
        resource = more["resourceSpans"][0]
        scope = resource["scopeSpans"][0]
        span = scope["spans"][0]
        for holder in (more, resource, scope, span, span["attributes"][0]):
            holder["tomorrow"] = {"x": [1, None, "y"]}
        assert read(more) == read(body)

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
    def test_a_byte_order_mark_is_no_damage(self, encoding: str) -> None:
        assert read(json.dumps(request(name="ä")).encode(encoding)).name == "ä"


class TestRefusal:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"\xff",
            b"null",
            b"[]",
            b'"x"',
            b"17",
            b'{"resourceSpans": {}}',
            b'{"resourceSpans": [null]}',
            b'{"resourceSpans": [5]}',
            b'{"resourceSpans": "x"}',
            b'{"resourceSpans": [' * 30_000,
            b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"flags": ' + b"9" * 5000 + b"}]}]}]}",
        ],
        ids=lambda body: body[:24].decode(errors="replace"),
    )
    def test_what_is_no_request_is_told(self, body: bytes) -> None:
        with pytest.raises(DecodeError):
            traces_to_protobuf(body)

    @pytest.mark.parametrize(
        "body",
        [
            request(traceId=5),
            request(name=5),
            request(startTimeUnixNano=-1),
            request(startTimeUnixNano="1.5"),
            request(kind=10**30),
            request(kind="\ud800"),
            {"\ud800": 1},
            request(attributes={"a": 1}),
            request(name="\ud800"),
            value(intValue=2**63),
            value(intValue=10**400),
            value(intValue=True),
            value(doubleValue=10**400),
            value(doubleValue=math.inf),
            value(stringValue="a", intValue=1),
            value(stringValue="lone \udfff surrogate"),
            value(boolValue="true"),
        ],
        ids=lambda body: json.dumps(body)[80:150],
    )
    def test_a_value_that_does_not_fit_is_told(self, body: Json) -> None:
        with pytest.raises(DecodeError):
            traces_to_protobuf(json.dumps(body).encode())

    @pytest.mark.parametrize("depth", [60, 300])
    def test_a_value_that_is_nested_too_deeply_is_refused(self, depth: int) -> None:
        nested: Json = {"stringValue": "deep"}
        for _ in range(depth):
            nested = {"arrayValue": {"values": [nested]}}
        with pytest.raises(DecodeError):
            traces_to_protobuf(json.dumps(value(**nested)).encode())

    def test_unknown_fields_may_be_nested_as_deeply_as_json_can_be(self) -> None:
        nested: Json = {}
        for _ in range(900):
            nested = {"a": nested}
        assert read(request(tomorrow=nested)).name == "chat"

    def test_a_long_value_that_does_not_fit_is_quoted_in_part(self) -> None:
        body = json.dumps({"resourceSpans": [{"scopeSpans": "x" * 5_000_000}]}).encode()
        with pytest.raises(DecodeError, match=r"scopeSpans field.* … .*resourceSpans\[0\]") as e:
            traces_to_protobuf(body)
        assert len(str(e.value)) < MAX_REASON + 100

    def test_a_reason_that_quotes_half_a_surrogate_pair_can_be_sent(self) -> None:
        with pytest.raises(DecodeError, match=r"which is \\ud800") as e:
            traces_to_protobuf(json.dumps(request(attributes="\ud800")).encode())
        assert str(e.value).encode()

    def test_lone_surrogates_in_raw_bytes_are_refused(self) -> None:
        with pytest.raises(DecodeError):
            read(json.dumps(request(name="x")).encode().replace(b'"x"', b'"\xed\xa0\x80"'))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for convert in (traces_to_protobuf, logs_to_protobuf):
        try:
            convert(body)
        except DecodeError:
            continue


NAMES = st.sampled_from(
    [
        *("resourceSpans", "scopeSpans", "spans", "resourceLogs", "scopeLogs", "logRecords"),
        *("attributes", "key", "value", "arrayValue", "values", "kvlistValue"),
        *("intValue", "doubleValue", "stringValue", "bytesValue", "boolValue"),
        *("traceId", "span_id", "startTimeUnixNano", "kind", "status", "code", "flags"),
        *("links", "events", "body", "x", "\ud800"),
    ]
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([TRACE_ID.hex(), "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=25,
)


@given(ANYTHING)
def test_any_json_is_read_or_refused(item: object) -> None:
    for body in (item, request(attributes=[{"key": "a", "value": item}]), request(events=item)):
        data = json.dumps(body).encode()
        for convert in (traces_to_protobuf, logs_to_protobuf):
            try:
                convert(data)
            except DecodeError:
                continue


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_captured_requests_are_the_same_in_json_and_protobuf(path: Path) -> None:
    """Hex ids against the mapping of protobuf, which writes base64 and the names of enums."""
    for line in path.read_bytes().splitlines():
        if "resourceLogs" in json.loads(line):
            logs = ExportLogsServiceRequest.FromString(logs_to_protobuf(line))
            again = logs_to_protobuf(json.dumps(MessageToDict(logs)).encode())
            assert ExportLogsServiceRequest.FromString(again) == logs
            continue
        data = traces_to_protobuf(line)
        proto = ExportTraceServiceRequest.FromString(data)
        again = traces_to_protobuf(json.dumps(MessageToDict(proto)).encode())
        assert ExportTraceServiceRequest.FromString(again) == proto
        batch = decode_traces(data)
        assert batch.rejected == 0
        assert len(batch.received) == sum(
            len(scope["spans"])
            for resource in json.loads(line)["resourceSpans"]
            for scope in resource["scopeSpans"]
        )
