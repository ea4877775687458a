"""Log requests, of which only the results of evaluations are read."""

from collections.abc import Iterator

from google.protobuf.message import DecodeError as ProtobufDecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from clawtrace_otel.errors import DecodeError
from clawtrace_otel.otlp.values import read_value
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.normalize import read_evaluation
from clawtrace_otel.semconv.step import Evaluation


def decode_evaluations(body: bytes) -> list[tuple[str, Evaluation]]:
    """The ``gen_ai.evaluation.result`` records of an ``ExportLogsServiceRequest``.

    Returns:
        (trace id in hex, evaluation) pairs; the id is empty where the record has none.

    Raises:
        DecodeError: the bytes are no such message.
    """
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except ProtobufDecodeError as e:
        msg = f"the body is no ExportLogsServiceRequest in protobuf: {e}"
        raise DecodeError(msg) from e
    return [_read(record) for record in _records(request) if _is_evaluation(record)]


def _records(request: ExportLogsServiceRequest) -> Iterator[LogRecord]:
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            yield from scope.log_records


def _is_evaluation(record: LogRecord) -> bool:
    named = record.event_name or next(
        (kv.value.string_value for kv in record.attributes if kv.key == a.EVENT_NAME), ""
    )
    return named == a.GEN_AI_EVALUATION_RESULT


def _read(record: LogRecord) -> tuple[str, Evaluation]:
    attributes = {kv.key: read_value(kv.value) for kv in record.attributes}
    trace_id = record.trace_id.hex() if len(record.trace_id) == 16 else ""
    time_ns = record.time_unix_nano or record.observed_time_unix_nano
    return trace_id, read_evaluation(attributes, time_ns)
