"""Log requests, of which evaluation results are read, and records that tell of calls."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from clawtrace_otel.errors import DecodeError
from clawtrace_otel.otlp.json_body import logs_to_protobuf
from clawtrace_otel.otlp.logs import decode_logs
from clawtrace_otel.semconv.step import Evaluation
from tests.otlp.requests import TRACE_ID, attributes

EVENT = "gen_ai.evaluation.result"
RESULT = {
    "gen_ai.evaluation.name": "db_check",
    "gen_ai.evaluation.score.value": 0.5,
    "gen_ai.evaluation.score.label": "passed",
    "gen_ai.evaluation.explanation": "two of four rows",
}
READ = Evaluation(
    name="db_check", score=0.5, label="passed", explanation="two of four rows", time_ns=7
)


def record(values: dict[str, Any] | None = None, **fields: Any) -> LogRecord:
    given = attributes(RESULT if values is None else values)
    return LogRecord(**{"trace_id": TRACE_ID, "time_unix_nano": 7, **fields}, attributes=given)


def evaluations(*records: LogRecord) -> list[tuple[str, Evaluation]]:
    request = ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=records)])]
    )
    return decode_logs(request.SerializeToString()).evaluations


def test_a_result_is_known_by_the_name_of_its_event() -> None:
    assert evaluations(record(event_name=EVENT)) == [(TRACE_ID.hex(), READ)]


def test_a_result_is_known_by_an_attribute_as_older_senders_write_it() -> None:
    assert evaluations(record({"event.name": EVENT, **RESULT})) == [(TRACE_ID.hex(), READ)]


def test_other_records_are_dropped() -> None:
    others = [
        record(),
        record(event_name="exception"),
        record({"event.name": "gen_ai.choice"}),
        record({"event.name": 5}),
        record({"event.name": EVENT}, event_name="something else"),
    ]
    assert evaluations(*others) == []


@pytest.mark.parametrize("trace_id", [b"", b"short"])
def test_a_result_without_a_trace_has_no_id(trace_id: bytes) -> None:
    assert evaluations(record(event_name=EVENT, trace_id=trace_id)) == [("", READ)]


def test_a_result_without_a_time_has_the_time_it_was_observed() -> None:
    late = record(event_name=EVENT, time_unix_nano=0, observed_time_unix_nano=9)
    assert evaluations(late)[0][1].time_ns == 9


@pytest.mark.parametrize("score", ["0.5", True, None, float("nan"), [1]])
def test_a_score_that_is_no_number_is_none(score: object) -> None:
    values = {**RESULT, "gen_ai.evaluation.score.value": score}
    assert evaluations(record(values, event_name=EVENT))[0][1].score is None


def test_a_whole_number_is_a_score() -> None:
    values = {**RESULT, "gen_ai.evaluation.score.value": 1}
    assert evaluations(record(values, event_name=EVENT))[0][1].score == 1.0


def test_results_may_come_in_json() -> None:
    body = {
        "resourceLogs": [
            {
                "scopeLogs": [
                    {
                        "logRecords": [
                            {
                                "traceId": TRACE_ID.hex().upper(),
                                "timeUnixNano": "7",
                                "eventName": EVENT,
                                "attributes": [
                                    {
                                        "key": key,
                                        "value": {"doubleValue": item}
                                        if isinstance(item, float)
                                        else {"stringValue": item},
                                    }
                                    for key, item in RESULT.items()
                                ],
                            }
                        ]
                    }
                ]
            }
        ]
    }
    found = decode_logs(logs_to_protobuf(json.dumps(body).encode())).evaluations
    assert found == [(TRACE_ID.hex(), READ)]


def test_a_request_without_records_has_no_results() -> None:
    assert decode_logs(b"").evaluations == []
    assert evaluations() == []


@pytest.mark.parametrize("body", [b"\xff", b"hello", b"{}"])
def test_other_bytes_are_no_request(body: bytes) -> None:
    with pytest.raises(DecodeError, match="no ExportLogsServiceRequest"):
        decode_logs(body)


def test_records_of_calls_are_read_with_their_service_trace_and_time() -> None:
    request = ExportLogsServiceRequest(
        resource_logs=[
            ResourceLogs(
                resource=Resource(attributes=attributes({"service.name": "claude-code"})),
                scope_logs=[
                    ScopeLogs(
                        log_records=[
                            record(
                                {"session.id": "s1", "request_id": "req_1", "model": "m"},
                                body=AnyValue(string_value="claude_code.api_request"),
                                span_id=b"\1" * 8,
                            ),
                            record({"session.id": "s1"}, event_name="claude_code.user_prompt"),
                        ]
                    )
                ],
            )
        ]
    )
    batch = decode_logs(request.SerializeToString())
    (span,) = batch.spans
    assert (span.service, span.trace_id, span.end_ns) == ("claude-code", TRACE_ID.hex(), 7)
    assert (span.name, span.parent_id) == ("claude_code.api_request", "01" * 8)
    assert batch.evaluations == []


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(body: bytes) -> None:
    try:
        decode_logs(body)
    except DecodeError:
        return
