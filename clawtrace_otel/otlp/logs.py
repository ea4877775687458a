"""Log requests, of which evaluation results are read, and records that tell of calls."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError as ProtobufDecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as RecordProto

from clawtrace_otel.errors import DecodeError
from clawtrace_otel.otlp.origin import Origin, origin_of
from clawtrace_otel.otlp.values import read_value
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.log_records import LogRecord, read_record
from clawtrace_otel.semconv.normalize import read_evaluation
from clawtrace_otel.semconv.step import Evaluation
from clawtrace_otel.span import Span


@dataclass(slots=True)
class LogBatch:
    """What was read from a request.

    Attributes:
        evaluations: (trace id in hex, evaluation) pairs; the id is empty where the record has none.
        spans: the records that tell of a call, as spans.
    """

    evaluations: list[tuple[str, Evaluation]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)


def decode_logs(body: bytes) -> LogBatch:
    """Decode an ``ExportLogsServiceRequest``.

    Raises:
        DecodeError: the bytes are no such message.
    """
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except ProtobufDecodeError as e:
        msg = f"the body is no ExportLogsServiceRequest in protobuf: {e}"
        raise DecodeError(msg) from e
    batch = LogBatch()
    for record in _records(request):
        if _is_evaluation(record):
            evaluation = read_evaluation(record.attributes, record.time_ns)
            batch.evaluations.append((record.trace_id, evaluation))
        elif (span := read_record(record)) is not None:
            batch.spans.append(span)
    return batch


def _records(request: ExportLogsServiceRequest) -> Iterator[LogRecord]:
    for resource in request.resource_logs:
        origin = origin_of(resource.resource.attributes)
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield _record(record, origin)


def _record(record: RecordProto, origin: Origin) -> LogRecord:
    trace_id, span_id = record.trace_id, record.span_id
    return LogRecord(
        name=record.event_name,
        body=record.body.string_value,
        trace_id=trace_id.hex() if len(trace_id) == 16 and any(trace_id) else "",
        span_id=span_id.hex() if len(span_id) == 8 and any(span_id) else "",
        time_ns=record.time_unix_nano or record.observed_time_unix_nano,
        service=origin.service,
        attributes={**origin.run, **{kv.key: read_value(kv.value) for kv in record.attributes}},
    )


def _is_evaluation(record: LogRecord) -> bool:
    return (record.name or record.attributes.get(a.EVENT_NAME)) == a.GEN_AI_EVALUATION_RESULT
