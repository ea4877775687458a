"""Requests in JSON, written by hand so that they may be unusual."""

import json
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector import otlp
from tests.collector.peers import JSON, Answer, post
from tests.conformance.target import Target

Json = dict[str, Any]

SPAN_ID = "00f067aa0ba902b7"


def span(trace: int, **fields: Any) -> Json:
    """A span as the specification writes it; ``None`` stands for null."""
    return {"traceId": otlp.trace_id(trace), "spanId": SPAN_ID, "name": "chat"} | fields


def request(*spans: Json) -> Json:
    """A request."""
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": list(spans)}]}]}


def attribute(**value: Any) -> Json:
    """The field of a span that has one attribute."""
    return {"attributes": [{"key": "a", "value": value}]}


def post_json(target: Target, value: object) -> Answer:
    """Send a JSON value."""
    return post(target.http, json.dumps(value).encode(), content_type=JSON)


def accept(target: Target, trace: int, **fields: Any) -> Span:
    """Send a span that must be taken; the span that came out behind the receiver."""
    answer = post_json(target, request(span(trace, **fields)))
    assert answer.status == 200, answer
    return target.landed(trace)[0].span
