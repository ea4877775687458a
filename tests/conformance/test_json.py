"""Points 16 to 21: JSON as OTLP writes it, and as others write it."""

import base64
import json
import math
from typing import Any

import pytest

from tests.collector import otlp
from tests.conformance.checklist import may, must
from tests.conformance.json_bodies import (
    SPAN_ID,
    Json,
    accept,
    attribute,
    post_json,
    request,
    span,
)
from tests.conformance.target import Target

RAW_SPAN_ID = bytes.fromhex(SPAN_ID)

CASES = {"lower": str.lower, "upper": str.upper, "mixed": str.title}


@must(16)
@pytest.mark.parametrize("case", CASES)
def test_ids_are_hex_in_any_case(target: Target, trace: int, case: str) -> None:
    write = CASES[case]
    raw_trace = bytes.fromhex(otlp.trace_id(trace))
    ids = {"traceId": write(otlp.trace_id(trace)), "spanId": write(SPAN_ID)}
    found = accept(target, trace, **ids, parentSpanId=write(SPAN_ID), links=[ids])
    assert (found.trace_id, found.span_id) == (raw_trace, RAW_SPAN_ID)
    assert found.parent_span_id == RAW_SPAN_ID
    assert (found.links[0].trace_id, found.links[0].span_id) == (raw_trace, RAW_SPAN_ID)


@must(16)
def test_an_id_in_base64_is_refused_or_read_but_never_taken_for_another(
    target: Target, trace: int
) -> None:
    """Exporters that use protobuf's own mapping write base64."""
    trace_id = base64.b64encode(bytes.fromhex(otlp.trace_id(trace))).decode()
    answer = post_json(target, request(span(trace, traceId=trace_id)))
    assert answer.status in (200, 400)
    if answer.status == 200 and not json.loads(answer.body).get("partialSuccess"):
        target.landed(trace)


@must(16)
def test_bytes_are_base64(target: Target, trace: int) -> None:
    found = accept(target, trace, **attribute(bytesValue="/v8A"))
    assert found.attributes[0].value.bytes_value == b"\xfe\xff\x00"


@must(17)
@pytest.mark.parametrize("kind", range(6))
def test_enums_are_numbers(target: Target, trace: int, kind: int) -> None:
    found = accept(target, trace, kind=kind, status={"code": kind % 3})
    assert (found.kind, found.status.code) == (kind, kind % 3)


@may(17)
def test_names_of_enums_are_tolerated(target: Target, trace: int) -> None:
    found = accept(target, trace, kind="SPAN_KIND_CLIENT", status={"code": "STATUS_CODE_ERROR"})
    assert (found.kind, found.status.code) == (3, 2)


@may(17)
@pytest.mark.parametrize("kind", [77, "SPAN_KIND_OF_TOMORROW"])
def test_an_enum_value_of_tomorrow_does_not_lose_the_span(
    target: Target, trace: int, kind: object
) -> None:
    assert accept(target, trace, kind=kind).name == "chat"


@must(18)
def test_unknown_fields_in_json_are_ignored_at_every_level(target: Target, trace: int) -> None:
    tomorrow = {"tomorrow": {"x": [1, None, {"y": "z"}]}}
    value = {"stringValue": "v"}
    one = span(trace, attributes=[{"key": "a", "value": value}], status={"code": 1} | tomorrow)
    body = request(one)
    resource = body["resourceSpans"][0]
    scope = resource["scopeSpans"][0]
    for holder in (body, resource, resource["resource"], scope, one, one["attributes"][0]):
        holder.update(tomorrow)
    assert post_json(target, body).status == 200
    found = target.landed(trace)[0].span
    assert (found.name, found.attributes[0].value.string_value) == ("chat", "v")


@must(19)
def test_keys_are_in_lower_camel_case(target: Target, trace: int) -> None:
    found = accept(
        target,
        trace,
        traceState="a=1",
        startTimeUnixNano="1",
        endTimeUnixNano="2",
        droppedAttributesCount=3,
        events=[{"timeUnixNano": "4", "name": "e", "droppedAttributesCount": 5}],
        droppedEventsCount=6,
        droppedLinksCount=7,
    )
    assert (found.trace_state, found.start_time_unix_nano, found.end_time_unix_nano) == (
        "a=1",
        1,
        2,
    )
    assert (found.dropped_attributes_count, found.events[0].time_unix_nano) == (3, 4)
    assert found.events[0].dropped_attributes_count == 5
    assert (found.dropped_events_count, found.dropped_links_count) == (6, 7)


@may(19)
def test_keys_in_snake_case_are_tolerated(target: Target, trace: int) -> None:
    one = {
        "trace_id": otlp.trace_id(trace),
        "span_id": SPAN_ID,
        "parent_span_id": SPAN_ID,
        "start_time_unix_nano": "1",
        "attributes": [{"key": "a", "value": {"int_value": "3"}}],
    }
    assert (
        post_json(target, {"resource_spans": [{"scope_spans": [{"spans": [one]}]}]}).status == 200
    )
    found = target.landed(trace)[0].span
    assert (found.span_id, found.parent_span_id) == (RAW_SPAN_ID, RAW_SPAN_ID)
    assert (found.start_time_unix_nano, found.attributes[0].value.int_value) == (1, 3)


LARGE = 1_793_613_600_000_000_001  # no double has this value


@must(20)
@pytest.mark.parametrize("written", [LARGE, str(LARGE)], ids=["number", "text"])
def test_integers_of_64_bits_are_numbers_or_texts(
    target: Target, trace: int, written: object
) -> None:
    found = accept(target, trace, startTimeUnixNano=written, **attribute(intValue=written))
    assert (found.start_time_unix_nano, found.attributes[0].value.int_value) == (LARGE, LARGE)


DOUBLES: dict[str, tuple[Any, float]] = {
    "a number": (2.5, 2.5),
    "a whole number": (2, 2.0),
    "a text": ("2.5", 2.5),
    "NaN": ("NaN", math.nan),
    "Infinity": ("Infinity", math.inf),
    "-Infinity": ("-Infinity", -math.inf),
}


@must(20)
@pytest.mark.parametrize("name", DOUBLES)
def test_a_double_may_be(target: Target, trace: int, name: str) -> None:
    written, expected = DOUBLES[name]
    found = accept(target, trace, **attribute(doubleValue=written)).attributes[0].value
    assert found.WhichOneof("value") == "double_value"
    assert repr(found.double_value) == repr(expected)  # nan is not equal to itself


FIELDS = [
    *("parentSpanId", "traceState", "kind", "flags", "startTimeUnixNano", "endTimeUnixNano"),
    *("attributes", "droppedAttributesCount", "events", "links", "status"),
]


@must(21)
@pytest.mark.parametrize("field", FIELDS)
def test_null_is_as_good_as_absent(target: Target, trace: int, field: str) -> None:
    assert accept(target, trace, **{field: None}).name == "chat"


@must(21)
def test_almost_everything_may_be_absent(target: Target, trace: int) -> None:
    one = {"traceId": otlp.trace_id(trace), "spanId": SPAN_ID}
    assert post_json(target, {"resourceSpans": [{"scopeSpans": [{"spans": [one]}]}]}).status == 200
    assert target.landed(trace)[0].span.name == ""


@must(21)
@pytest.mark.parametrize("body", [{}, {"resourceSpans": None}, {"resourceSpans": []}], ids=str)
def test_a_request_may_have_null_for_its_spans(target: Target, body: Json) -> None:
    assert post_json(target, body).status == 200
