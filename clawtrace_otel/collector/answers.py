"""What senders are answered. Source: OTLP 1.11, "OTLP/gRPC Response" and "OTLP/HTTP Response"."""

from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import INTERNAL, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from clawtrace_otel.collector.ingest import Accepted, UnavailableError
from clawtrace_otel.collector.unpack import TooLargeError
from clawtrace_otel.errors import ClawTraceError, DecodeError

RETRY_SECONDS = 2

Response = ExportTraceServiceResponse | ExportLogsServiceResponse | ExportMetricsServiceResponse


def trace_response(accepted: Accepted) -> ExportTraceServiceResponse:
    """Full success has no ``partial_success``."""
    response = ExportTraceServiceResponse()
    if accepted.rejected:
        response.partial_success.rejected_spans = accepted.rejected
        response.partial_success.error_message = accepted.message
    return response


def failure(error: ClawTraceError) -> Status:
    """Why a request was not accepted. The sender tries again only if it could help."""
    message = str(error)
    if isinstance(error, UnavailableError):
        detail = AnyProto()
        detail.Pack(RetryInfo(retry_delay=Duration(seconds=RETRY_SECONDS)))
        return Status(code=UNAVAILABLE, message=message, details=[detail])
    if isinstance(error, DecodeError):
        return Status(code=INVALID_ARGUMENT, message=message)
    if isinstance(error, TooLargeError):
        return Status(code=RESOURCE_EXHAUSTED, message=message)
    return Status(code=INTERNAL, message=message)
