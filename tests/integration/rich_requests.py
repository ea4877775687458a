"""Export requests with whatever OTLP's spans may have."""

import itertools
from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from clawtrace_otel.semconv import attributes as a
from tests.otlp.requests import any_value

_count = itertools.count(1)

_uint32 = st.integers(0, 2**32 - 1)
_uint64 = st.integers(0, 2**63 - 1)
_words = st.text(max_size=12)

_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=30)
    | st.binary(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=6,
)
_known = st.sampled_from(
    [
        (a.GEN_AI_OPERATION_NAME, st.sampled_from(["chat", "execute_tool", "invoke_agent"])),
        (a.GEN_AI_REQUEST_MODEL, st.sampled_from(["gpt-5.4", "nobody-knows"])),
        (a.GEN_AI_USAGE_INPUT_TOKENS, st.integers(-1, 10**6)),
        (a.GEN_AI_USAGE_OUTPUT_TOKENS, st.integers(0, 10**6) | _values),
        (a.CLAWTRACE_COST_USD, st.floats(0, 1)),
        (a.CLAWTRACE_TOOL_READ_ONLY, st.booleans()),
    ]
)


@st.composite
def _attributes(draw: st.DrawFn) -> list[KeyValue]:
    """With keys that clawtrace reads and writes among them, and some keys twice."""
    pairs = draw(st.lists(st.tuples(_words, st.just(_values)) | _known, max_size=6))
    return [KeyValue(key=key, value=any_value(draw(values))) for key, values in pairs]


def _id(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size).filter(any)


_events = st.builds(
    Span.Event,
    time_unix_nano=_uint64,
    name=_words,
    attributes=_attributes(),
    dropped_attributes_count=_uint32,
)
_links = st.builds(
    Span.Link,
    trace_id=_id(16),
    span_id=_id(8),
    trace_state=_words,
    attributes=_attributes(),
    dropped_attributes_count=_uint32,
    flags=_uint32,
)
_spans = st.builds(
    Span,
    span_id=_id(8),
    trace_state=_words,
    parent_span_id=st.just(b"") | _id(8),
    flags=_uint32,
    name=_words,
    kind=st.integers(0, 5),
    start_time_unix_nano=_uint64,
    end_time_unix_nano=_uint64,
    attributes=_attributes(),
    dropped_attributes_count=_uint32,
    events=st.lists(_events, max_size=2),
    dropped_events_count=_uint32,
    links=st.lists(_links, max_size=2),
    dropped_links_count=_uint32,
    status=st.builds(Status, code=st.integers(0, 2), message=_words),
)
_scopes = st.builds(
    ScopeSpans,
    scope=st.builds(
        InstrumentationScope,
        name=_words,
        version=_words,
        attributes=_attributes(),
        dropped_attributes_count=_uint32,
    ),
    spans=st.lists(_spans, min_size=1, max_size=4),
    schema_url=_words,
)
_resources = st.builds(
    ResourceSpans,
    resource=st.builds(Resource, attributes=_attributes(), dropped_attributes_count=_uint32),
    scope_spans=st.lists(_scopes, min_size=1, max_size=2),
    schema_url=_words,
)


def requests(prefix: bytes) -> st.SearchStrategy[ExportTraceServiceRequest]:
    """Requests whose spans nobody has sent before.

    Args:
        prefix: of the trace ids; a byte.
    """
    made = st.builds(
        ExportTraceServiceRequest, resource_spans=st.lists(_resources, min_size=1, max_size=2)
    )
    return made.map(lambda request: _with_new_ids(request, prefix))


def _with_new_ids(request: ExportTraceServiceRequest, prefix: bytes) -> ExportTraceServiceRequest:
    trace_id = prefix + next(_count).to_bytes(15)
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for n, span in enumerate(scope.spans):
                span.trace_id = trace_id
                span.span_id = next(_count).to_bytes(8)
                if n:
                    span.parent_span_id = scope.spans[0].span_id
    return request
