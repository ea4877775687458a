"""What senders are answered. Source: OTLP 1.11, "OTLP/gRPC Response" and "OTLP/HTTP Response"."""

from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import (
    DEADLINE_EXCEEDED,
    INTERNAL,
    INVALID_ARGUMENT,
    RESOURCE_EXHAUSTED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNIMPLEMENTED,
)
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from clawtrace_otel.collector.ingest import UnavailableError
from clawtrace_otel.collector.reader import Accepted
from clawtrace_otel.collector.receivers.reading import CardinalityError, SlowError
from clawtrace_otel.collector.receivers.unpack import TooLargeError
from clawtrace_otel.collector.security.rate_limit import RateLimitedError
from clawtrace_otel.collector.security.tokens import UnauthenticatedError
from clawtrace_otel.errors import ClawTraceError, DecodeError

RETRY_SECONDS = 2

Response = ExportTraceServiceResponse | ExportLogsServiceResponse | ExportMetricsServiceResponse

_ANSWERS: tuple[tuple[type[ClawTraceError], int, int], ...] = (
    (RateLimitedError, UNAVAILABLE, 429),
    (UnavailableError, UNAVAILABLE, 503),
    (DecodeError, INVALID_ARGUMENT, 400),
    (TooLargeError, RESOURCE_EXHAUSTED, 413),
    (UnauthenticatedError, UNAUTHENTICATED, 401),
    (SlowError, DEADLINE_EXCEEDED, 408),
    (CardinalityError, UNIMPLEMENTED, 400),
    (ClawTraceError, INTERNAL, 500),
)
"""Error -> gRPC's code, HTTP's status; the first that fits. OTLP's senders try again after
UNAVAILABLE, DEADLINE_EXCEEDED, 429 and 503, and only then."""


def trace_response(accepted: Accepted) -> ExportTraceServiceResponse:
    """Full success has no ``partial_success``."""
    response = ExportTraceServiceResponse()
    if accepted.rejected:
        response.partial_success.rejected_spans = accepted.rejected
        response.partial_success.error_message = accepted.message
    return response


def failure(error: ClawTraceError) -> Status:
    """Why a request was not accepted. The sender tries again only if it could help."""
    code, _ = _answer(error)
    status = Status(code=code, message=str(error))
    if code == UNAVAILABLE:
        delay = Duration()
        delay.FromNanoseconds(int(retry_seconds(error) * 1e9))
        status.details.add().Pack(RetryInfo(retry_delay=delay))
    if code == INVALID_ARGUMENT:
        violation = BadRequest.FieldViolation(description=str(error))
        status.details.add().Pack(BadRequest(field_violations=[violation]))
    return status


def http_status(error: ClawTraceError) -> int:
    """The same for HTTP."""
    return _answer(error)[1]


def retry_seconds(error: ClawTraceError) -> float:
    """When to try again."""
    return error.delay_seconds if isinstance(error, RateLimitedError) else RETRY_SECONDS


def _answer(error: ClawTraceError) -> tuple[int, int]:
    return next((code, status) for kind, code, status in _ANSWERS if isinstance(error, kind))
