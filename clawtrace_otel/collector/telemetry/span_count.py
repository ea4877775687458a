"""How many spans an encoded request has."""

from clawtrace_otel.otlp.skeleton_pb2 import TraceRequest


def span_count(body: bytes) -> int:
    """Spans of an ``ExportTraceServiceRequest``; the spans themselves are not decoded.

    Raises:
        google.protobuf.message.DecodeError: it is no such request.
    """
    request = TraceRequest.FromString(body)
    return sum(
        len(scope_spans.spans)
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
    )
