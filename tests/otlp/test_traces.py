"""Trace requests in protobuf."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from clawtrace_otel.errors import DecodeError
from clawtrace_otel.otlp.rebuild import rebuild
from clawtrace_otel.otlp.traces import MAX_REASONS, TraceBatch, decode_traces
from clawtrace_otel.otlp.values import Scalar, encode_attributes
from tests.otlp.requests import SPAN_ID, TRACE_ID, any_value, attributes, field, request, span

UNKNOWN = field(1999, b"from a later version")


def decode(*scopes: list[Span]) -> TraceBatch:
    return decode_traces(request(*scopes).SerializeToString())


def rebuilt(batch: TraceBatch, max_bytes: int = 1 << 20, added: bytes = b"") -> list[bytes]:
    return list(rebuild(batch, [(received, added) for received in batch.received], max_bytes))


class TestDecode:
    def test_a_span_is_read(self) -> None:
        proto = span(
            parent_span_id=SPAN_ID,
            start_time_unix_nano=1,
            end_time_unix_nano=2**64 - 1,
            attributes={"gen_ai.tool.name": "read_file", "http.method": "GET"},
            status=Status(code=Status.STATUS_CODE_ERROR, message="boom"),
            events=[
                Span.Event(name="exception", attributes=attributes({"exception.type": "KeyError"})),
                Span.Event(name="something else"),
            ],
        )
        batch = decode([proto])
        assert (batch.rejected, batch.rejection) == (0, "")
        found = batch.received[0].span
        assert (found.trace_id, found.span_id) == (TRACE_ID.hex(), "0000000000000001")
        assert (found.parent_id, found.name) == (SPAN_ID.hex(), "span 1")
        assert (found.start_ns, found.end_ns) == (1, 2**64 - 1)
        assert (found.failed, found.status_message) == (True, "boom")
        assert (found.scope, found.service) == ("scope 0", "planner")
        assert [(e.name, e.attributes) for e in found.events] == [
            ("exception", {"exception.type": "KeyError"})
        ]

    def test_only_attributes_that_some_dialect_names_are_read(self) -> None:
        batch = decode([span(attributes={"gen_ai.tool.name": "x", "http.method": "GET"})])
        assert batch.received[0].span.attributes == {"gen_ai.tool.name": "x"}

    def test_of_a_key_that_is_there_twice_the_first_is_read(self) -> None:
        proto = span(attributes={"gen_ai.tool.name": "first"})
        proto.attributes.extend(attributes({"gen_ai.tool.name": "second"}))
        assert decode([proto]).received[0].span.attributes == {"gen_ai.tool.name": "first"}

    @pytest.mark.parametrize(
        "value",
        ["", "text", True, False, 0, -(2**63), 2.5, b"\x00", [], [1, "a", [None]], {"a": {"b": 1}}],
    )
    def test_values_of_every_kind_are_read(self, value: object) -> None:
        batch = decode([span(attributes={"input.value": value})])
        assert batch.received[0].span.attributes == {"input.value": value}

    def test_an_unset_value_is_none(self) -> None:
        batch = decode([span(attributes={"input.value": None})])
        assert batch.received[0].span.attributes == {"input.value": None}

    def test_a_request_without_spans_is_accepted(self) -> None:
        for body in (b"", request().SerializeToString(), request([], []).SerializeToString()):
            batch = decode_traces(body)
            assert (batch.received, batch.rejected) == ([], 0)
            assert rebuilt(batch) == []

    def test_a_root_has_no_parent(self) -> None:
        for parent in (b"", bytes(8), b"abc"):
            assert decode([span(parent_span_id=parent)]).received[0].span.parent_id == ""

    def test_places_tell_resources_and_scopes_apart(self) -> None:
        two = request([span(1)], [span(2), span(3)])
        two.resource_spans.extend(request([span(4)]).resource_spans)
        places = [received.place for received in decode_traces(two.SerializeToString()).received]
        assert places == [(0, 0), (0, 1), (0, 1), (1, 0)]


class TestRejection:
    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"trace_id": b""}, "trace_id has 0 bytes, not 16"),
            ({"trace_id": TRACE_ID[:8]}, "trace_id has 8 bytes, not 16"),
            ({"trace_id": bytes(16)}, "trace_id is all zero"),
            ({"span_id": b"?"}, "span_id has 1 bytes, not 8"),
            ({"span_id": bytes(8)}, "span_id is all zero"),
        ],
    )
    def test_a_span_with_a_bad_id_is_rejected_alone(
        self, fields: dict[str, Any], reason: str
    ) -> None:
        batch = decode([span(1)], [span(2), span(**fields), span(3)])
        assert [received.span.name for received in batch.received] == ["span 1", "span 2", "span 3"]
        assert batch.rejected == 1
        assert batch.rejection == f"resource_spans[0].scope_spans[1].spans[1]: {reason}"

    @pytest.mark.parametrize(
        "damage",
        [field(5, b"\xff\xfe"), field(9, field(1, b"\xff")), b"\x0a\x7f", b"\xff" * 11],
        ids=["name", "attribute", "cut-off", "tag"],
    )
    def test_a_damaged_span_is_rejected_alone(self, damage: bytes) -> None:
        damaged = span(9).SerializeToString() + damage
        scope = ScopeSpans(spans=[span(1), span(2)]).SerializeToString()
        batch = decode_traces(field(1, field(2, scope + field(2, damaged))))
        assert [received.span.name for received in batch.received] == ["span 1", "span 2"]
        assert batch.rejected == 1
        assert batch.rejection.startswith("resource_spans[0].scope_spans[0].spans[2]: the span")

    def test_a_value_that_is_nested_too_deeply_rejects_its_span_alone(self) -> None:
        value = b""
        for _ in range(80):
            value = field(5, field(1, value))
        deep = span(1).SerializeToString() + field(9, field(1, b"input.value") + field(2, value))
        scope = field(2, deep) + ScopeSpans(spans=[span(2)]).SerializeToString()
        batch = decode_traces(field(1, field(2, scope)))
        assert [received.span.name for received in batch.received] == ["span 2"]

    def test_only_the_first_few_reasons_are_told(self) -> None:
        batch = decode([span(span_id=b"?") for _ in range(MAX_REASONS + 3)])
        assert batch.rejected == MAX_REASONS + 3
        assert batch.rejection.count("span_id has 1 bytes") == MAX_REASONS
        assert batch.rejection.endswith("; and 3 more")

    def test_a_damaged_resource_or_scope_loses_its_name_only(self) -> None:
        scope = field(1, b"\xff") + field(2, span(1).SerializeToString())
        batch = decode_traces(field(1, field(1, b"\xff") + field(2, scope)))
        assert [(r.span.service, r.span.scope) for r in batch.received] == [("", "")]

    @pytest.mark.parametrize("body", [b"\xff", b"\x0a\x05abc", b"hello", b"\x00", b"{}"])
    def test_other_bytes_are_no_request(self, body: bytes) -> None:
        with pytest.raises(DecodeError, match="no ExportTraceServiceRequest"):
            decode_traces(body)


class TestRebuild:
    def test_without_anything_added_a_request_is_as_it_came_in(self) -> None:
        proto = request([span(1), span(2, attributes={"a": [1, {"b": 2.5}]})], [span(3)])
        proto.resource_spans[0].schema_url = "https://example.com/1"
        proto.resource_spans[0].scope_spans[1].schema_url = "https://example.com/2"
        proto.resource_spans.extend(request([span(4)]).resource_spans)
        body = proto.SerializeToString()
        assert rebuilt(decode_traces(body)) == [body]

    def test_fields_that_nobody_knows_are_kept_at_every_level(self) -> None:
        raw = span(1).SerializeToString() + UNKNOWN
        scope = ScopeSpans(scope=InstrumentationScope(name="s")).SerializeToString() + UNKNOWN
        named = Resource(attributes=attributes({"service.name": "planner"}))
        resource = ResourceSpans(resource=named).SerializeToString() + UNKNOWN
        body = field(1, resource + field(2, scope + field(2, raw))) + UNKNOWN
        out = rebuilt(decode_traces(body))
        assert len(out) == 1
        assert out[0].count(UNKNOWN) == 4
        parsed = ExportTraceServiceRequest.FromString(out[0])
        assert parsed == ExportTraceServiceRequest.FromString(body)

    def test_added_attributes_are_read_back_behind_those_of_the_sender(self) -> None:
        added: dict[str, Scalar] = {
            "clawtrace.cost.usd": 0.25,
            "s": "x",
            "i": -1,
            "b": True,
            "big": 2**63 - 1,
        }
        batch = decode([span(1, attributes={"a": "1"})])
        out = rebuilt(batch, added=encode_attributes(added))
        expected = span(1, attributes={"a": "1", **added})
        assert ExportTraceServiceRequest.FromString(out[0]) == request([expected])

    def test_nothing_added_is_no_byte(self) -> None:
        assert encode_attributes({}) == b""

    def test_the_attributes_that_are_written_are_read_so_that_none_is_written_twice(self) -> None:
        """``collector/ingest.py`` leaves out what ``Span.attributes`` has."""
        written: dict[str, Scalar] = {
            "clawtrace.cost.usd": 1.5,
            "clawtrace.repeat.of": "00f067aa0ba902b7",
            "clawtrace.trace.llm_calls": 3,
        }
        once = rebuilt(decode([span(1)]), added=encode_attributes(written))
        assert decode_traces(once[0]).received[0].span.attributes == written

    def test_only_the_chosen_spans_are_sent(self) -> None:
        batch = decode([span(1), span(2)], [span(3)])
        out = list(rebuild(batch, [(batch.received[2], b"")], 1000))
        spans = request([], [span(3)])
        del spans.resource_spans[0].scope_spans[0]
        assert out == [spans.SerializeToString()]

    @given(
        st.lists(
            st.lists(st.lists(st.integers(0, 120), max_size=4), max_size=4),
            max_size=4,
        ),
        st.integers(1, 1000),
        st.integers(0, 60),
    )
    def test_no_request_is_larger_than_allowed_unless_one_span_is(
        self, sizes: list[list[list[int]]], max_bytes: int, added_size: int
    ) -> None:
        proto = ExportTraceServiceRequest()
        for r, scopes in enumerate(sizes):
            resource = proto.resource_spans.add(schema_url="u" * 20)
            resource.resource.attributes.extend(attributes({"service.name": "x" * 40 * r}))
            for s, spans in enumerate(scopes):
                scope = resource.scope_spans.add(scope=InstrumentationScope(name="y" * 30 * s))
                scope.spans.extend(span(1, name="z" * size) for size in spans)
        batch = decode_traces(proto.SerializeToString() + UNKNOWN)
        added = encode_attributes({"a": "x" * added_size})
        out = rebuilt(batch, max_bytes, added)
        parts = [ExportTraceServiceRequest.FromString(part) for part in out]
        counts = [
            sum(len(s.spans) for r in part.resource_spans for s in r.scope_spans) for part in parts
        ]
        assert all(
            len(body) <= max_bytes or count == 1 for body, count in zip(out, counts, strict=True)
        )
        assert 0 not in counts
        assert [r.raw for body in out for r in decode_traces(body).received] == [
            r.raw + added for r in batch.received
        ]
        assert all(UNKNOWN in body for body in out)

    def test_requests_are_filled(self) -> None:
        """A hundred small spans do not become a hundred requests."""
        batch = decode([span(n, name="x" * 50) for n in range(1, 101)])
        size = len(batch.received[0].raw)
        assert len(rebuilt(batch, 10 * (size + 12))) <= 13


@given(st.binary(max_size=400))
def test_any_bytes_are_decoded_or_refused(body: bytes) -> None:
    try:
        batch = decode_traces(body)
    except DecodeError:
        return
    for part in rebuilt(batch, 100):
        decode_traces(part)


@given(st.data())
def test_a_request_with_flipped_bytes_is_decoded_or_refused(data: st.DataObject) -> None:
    proto = request([span(1, attributes={"input.value": {"a": ["b", 1.5]}})], [span(2)])
    body = bytearray(proto.SerializeToString())
    for _ in range(data.draw(st.integers(1, 5))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        batch = decode_traces(bytes(body))
    except DecodeError:
        return
    assert len(batch.received) + batch.rejected <= 10
    rebuilt(batch)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"))
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_any_value_survives_the_wire(value: object) -> None:
    proto = span(1)
    proto.attributes.add(key="input.value", value=any_value(value))
    assert decode([proto]).received[0].span.attributes == {"input.value": value}
