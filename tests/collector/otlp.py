"""Spans and requests with fixed ids and times."""

import base64
import json
from collections.abc import Sequence

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

START_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000


def trace_id(n: int) -> str:
    """The id of the n-th trace, in hex."""
    return f"{n:032x}"


def span(n: int, trace: int = 1, parent: int = 0, **attributes: object) -> Span:
    """The n-th span of a trace: it starts n seconds after the root, and takes a second."""
    return Span(
        trace_id=bytes.fromhex(trace_id(trace)),
        span_id=n.to_bytes(8, "big"),
        parent_span_id=parent.to_bytes(8, "big") if parent else b"",
        name=f"span {n}",
        start_time_unix_nano=START_NS + n * SECOND_NS,
        end_time_unix_nano=START_NS + (n + 1) * SECOND_NS,
        attributes=[key_value(key.replace("__", "."), v) for key, v in attributes.items()],
    )


def key_value(key: str, value: object) -> KeyValue:
    """An attribute."""
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    if isinstance(value, float):
        return KeyValue(key=key, value=AnyValue(double_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=str(value)))


def llm(n: int, trace: int = 1, parent: int = 0, **attributes: object) -> Span:
    """An LLM call whose price is known."""
    given: dict[str, object] = {
        "gen_ai__operation__name": "chat",
        "gen_ai__provider__name": "openai",
        "gen_ai__request__model": "gpt-4o",
        "gen_ai__usage__input_tokens": 1000,
        "gen_ai__usage__output_tokens": 100,
    }
    return span(n, trace, parent, **given | attributes)


def tool(n: int, trace: int = 1, parent: int = 0, **attributes: object) -> Span:
    """A tool call."""
    given: dict[str, object] = {
        "gen_ai__operation__name": "execute_tool",
        "gen_ai__tool__name": "read_file",
        "gen_ai__tool__call__arguments": '{"path": "report.txt"}',
        "gen_ai__tool__call__result": "text",
    }
    return span(n, trace, parent, **given | attributes)


def root(trace: int = 1, seconds: int = 10) -> Span:
    """The agent span that is the root of a trace."""
    made = span(1, trace, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="planner")
    made.end_time_unix_nano = START_NS + seconds * SECOND_NS
    return made


def run(trace: int = 1) -> list[Span]:
    """A run of an agent: model, tool, model, the same tool call again; the root comes last."""
    return [
        llm(2, trace, 1),
        tool(3, trace, 1),
        llm(4, trace, 1),
        tool(5, trace, 1),
        root(trace),
    ]


def request(*spans: Span, scope: str = "tests") -> ExportTraceServiceRequest:
    """An export of spans."""
    made = ExportTraceServiceRequest()
    resource_spans = made.resource_spans.add()
    resource_spans.resource.attributes.append(key_value("service.name", "agent"))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = scope
    scope_spans.spans.extend(spans)
    return made


def body(*spans: Span, scope: str = "tests") -> bytes:
    """An encoded export of spans."""
    return request(*spans, scope=scope).SerializeToString()


def as_json(message: ExportTraceServiceRequest) -> bytes:
    """A request as OTLP says that it is written in JSON: ids in hex, enums as numbers."""
    value = MessageToDict(message, use_integers_for_enums=True)
    for resource_spans in value["resourceSpans"]:
        for scope_spans in resource_spans["scopeSpans"]:
            for one in scope_spans["spans"]:
                for key in ("traceId", "spanId", "parentSpanId"):
                    if key in one:
                        one[key] = base64.b64decode(one[key]).hex()
    return json.dumps(value).encode()


def spans_of(requests: Sequence[bytes]) -> list[Span]:
    """All spans of encoded requests."""
    return [
        one
        for data in requests
        for resource_spans in ExportTraceServiceRequest.FromString(data).resource_spans
        for scope_spans in resource_spans.scope_spans
        for one in scope_spans.spans
    ]


def attributes_of(one: Span) -> dict[str, object]:
    """The attributes of a span, whose values must be scalars; none may be there twice."""
    found: dict[str, object] = {}
    for item in one.attributes:
        assert item.key not in found
        found[item.key] = getattr(item.value, item.value.WhichOneof("value") or "string_value")
    return found
