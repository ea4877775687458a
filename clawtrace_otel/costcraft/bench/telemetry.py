"""What the bench itself says of a run: the span above the agent's, and how the run was graded."""

import secrets
import time
from dataclasses import dataclass

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from clawtrace_otel.costcraft.bench.graders.verdict import Verdict
from clawtrace_otel.semconv import attributes as a

SERVICE = "clawtrace-bench"
SPAN_NAME = "bench run"
EVALUATOR = "bench"


@dataclass(frozen=True, slots=True)
class RunSpan:
    """The span of a run; an agent that reads ``TRACEPARENT`` has its own spans below it.

    Attributes:
        trace_id, span_id: in hex.
    """

    task: str
    run: str
    trace_id: str
    span_id: str
    started_ns: int

    @property
    def traceparent(self) -> str:
        """Source: W3C Trace Context; the agent is to be sampled."""
        return f"00-{self.trace_id}-{self.span_id}-01"

    def request(self, *, failed: bool) -> bytes:
        """The ended span, as an OTLP request."""
        span = Span(
            trace_id=bytes.fromhex(self.trace_id),
            span_id=bytes.fromhex(self.span_id),
            name=SPAN_NAME,
            kind=Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=self.started_ns,
            end_time_unix_nano=time.time_ns(),
            status=Status(code=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET),
        )
        spans = ResourceSpans(
            resource=_resource(self.task, self.run), scope_spans=[ScopeSpans(spans=[span])]
        )
        return ExportTraceServiceRequest(resource_spans=[spans]).SerializeToString()


def new_span(task: str, run: str) -> RunSpan:
    """The span of a run that starts now."""
    return RunSpan(task, run, secrets.token_hex(16), secrets.token_hex(8), time.time_ns())


def evaluation(task: str, run: str, trace_id: str, verdict: Verdict) -> bytes:
    """The verdict on a trace of a run, as an OTLP request with one log record.

    Args:
        task: id of the task.
        run: id of the run.
        trace_id: in hex.
        verdict: whose ``passed`` is not ``None``.
    """
    said: dict[str, AnyValue] = {
        a.GEN_AI_EVALUATION_NAME: AnyValue(string_value=EVALUATOR),
        a.GEN_AI_EVALUATION_SCORE_LABEL: AnyValue(
            string_value="pass" if verdict.passed else "fail"
        ),
    }
    if verdict.score is not None:
        said[a.GEN_AI_EVALUATION_SCORE_VALUE] = AnyValue(double_value=verdict.score)
    if verdict.why:
        said[a.GEN_AI_EVALUATION_EXPLANATION] = AnyValue(string_value=verdict.why)
    record = LogRecord(
        time_unix_nano=time.time_ns(),
        event_name=a.GEN_AI_EVALUATION_RESULT,
        trace_id=bytes.fromhex(trace_id),
        attributes=[KeyValue(key=key, value=value) for key, value in said.items()],
    )
    logs = ResourceLogs(resource=_resource(task, run), scope_logs=[ScopeLogs(log_records=[record])])
    return ExportLogsServiceRequest(resource_logs=[logs]).SerializeToString()


def _resource(task: str, run: str) -> Resource:
    told = {a.SERVICE_NAME: SERVICE, a.CLAWTRACE_TASK_ID: task, a.CLAWTRACE_RUN_ID: run}
    return Resource(
        attributes=[
            KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in told.items()
        ]
    )
