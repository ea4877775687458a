"""Where the receiver under test sends on what it takes. The suite looks at it from behind."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc.code_pb2 import UNAVAILABLE
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from tests.collector.peers import TRACES

OWN = "clawtrace."
"""What the attributes start with that our service adds to what it sends on."""


@dataclass
class Landed:
    """A span that came out behind the receiver, and what it stood in."""

    resource: ResourceSpans
    scope: ScopeSpans
    span: Span


class Sink:
    """A gRPC receiver of traces that takes requests of any size. A context manager.

    Attributes:
        busy: while it is set, every request is answered UNAVAILABLE.
    """

    def __init__(self, port: int = 0) -> None:
        self.busy = False
        self._traces: dict[bytes, list[Landed]] = defaultdict(list)
        self._server = grpc.server(
            ThreadPoolExecutor(4),
            options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)],
        )
        method = grpc.unary_unary_rpc_method_handler(self._export)
        handler = grpc.method_handlers_generic_handler(TRACES.split("/")[1], {"Export": method})
        self._server.add_generic_rpc_handlers((handler,))
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Sink":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()

    def of(self, trace_id: bytes) -> list[Landed]:
        """The spans of a trace that came so far."""
        return list(self._traces.get(trace_id, ()))

    def _export(self, content: bytes, context: grpc.ServicerContext) -> bytes:
        if self.busy:
            context.set_trailing_metadata((("grpc-status-details-bin", BUSY.SerializeToString()),))
            context.abort(grpc.StatusCode.UNAVAILABLE, BUSY.message)
        for resource in decoded(content).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self._traces[span.trace_id].append(Landed(resource, scope, plain(span)))
        return b""


def decoded(content: bytes) -> ExportTraceServiceRequest:
    """A request; an empty one if it is damaged, which the receiver may have taken for none."""
    try:
        return ExportTraceServiceRequest.FromString(content)
    except DecodeError:
        return ExportTraceServiceRequest()


def plain(span: Span) -> Span:
    """The span without what our service added, and without a status that says nothing."""
    kept = [item for item in span.attributes if not item.key.startswith(OWN)]
    del span.attributes[:]
    span.attributes.extend(kept)
    if not span.status.ByteSize():
        span.ClearField("status")
    return span


def _busy() -> Status:
    """Come again in a second."""
    status = Status(code=UNAVAILABLE, message="busy")
    status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=1)))
    return status


BUSY = _busy()
