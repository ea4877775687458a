"""Spans and log records whose attributes have the keys of the dialects' tables, and any values."""

from collections.abc import Mapping

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects import (
    BY_FIELD,
    BY_KIND,
    PREFIXES,
    READ,
    READ_EVENTS,
    REQUEST_PARAMETERS,
)
from clawtrace_otel.semconv.dialects.dialect import Dialect
from clawtrace_otel.semconv.dialects.genai import GENAI
from clawtrace_otel.semconv.log_records import SOURCES
from tests.fuzz.choices import Choices, chance, ordered, pick, some
from tests.fuzz.plausible import field_value
from tests.fuzz.values import number, text, value
from tests.otlp.requests import any_value, attributes, request

DIALECTS = list({dialect.name: dialect for dialect in (*BY_KIND, *BY_FIELD)}.values())
SCOPES = ["", *ordered({scope for dialect in DIALECTS for scope in dialect.scopes} | set(SOURCES))]
KEYS = ordered(READ)
EVENTS = ordered(READ_EVENTS)
TRACES = [bytes([n] * 16) for n in (1, 1, 1, 2)]
SPANS = [bytes([n] * 8) for n in range(1, 13)]
PARENTS = [b"", SPANS[0], *SPANS[1:], b"\xff" * 8, b"\0" * 8, b"short"]
ODD_PERCENT = [0, 0, 4, 25]
"""How many values of a span may be any: most of those that are only odd have no usage."""

START_NS = 1_793_613_600 * 10**9

_TAILS = [
    *("0.content", "0.message.content", "0.tool_calls.0.name", "0.tool_calls.0.arguments"),
    *("0.message.contents.0.message_content.type", "0.message.contents.0.message_content.text"),
    *("0.message.tool_calls.0.tool_call.function.arguments", "0.role", "0", "name"),
    *("0.tool_calls.999999.id", "1.message.tool_calls.0.tool_call.id", "00.finish_reason"),
]
"""What stands behind a prefix such as ``gen_ai.completion.``."""


def trace_request(choices: Choices, most: int = 6) -> ExportTraceServiceRequest:
    """A request of two scopes with at most so many spans each."""
    made = request(_spans(choices, most), _spans(choices, most))
    for scoped in made.resource_spans[0].scope_spans:
        scoped.scope.name = pick(choices, SCOPES)
    return made


def log_request(choices: Choices) -> ExportLogsServiceRequest:
    """A request of at most eight records, most of which tell of calls."""
    records = [_record(choices) for _ in range(choices.integer(0, 8))]
    resource = Resource(attributes=attributes({a.SERVICE_NAME: "planner"}))
    scoped = ScopeLogs(log_records=records)
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=resource, scope_logs=[scoped])]
    )


def _spans(choices: Choices, most: int) -> list[Span]:
    """Spans, of which some are the same call once more."""
    made: list[Span] = []
    for _ in range(choices.integer(0, most)):
        made.append(_span(choices))
        for _ in range(choices.integer(1, 4) if chance(choices, 20) else 0):
            again = Span()
            again.CopyFrom(pick(choices, made))
            again.span_id = pick(choices, SPANS)
            again.start_time_unix_nano = _time(choices)
            again.end_time_unix_nano = _time(choices)
            made.append(again)
    return made


def _span(choices: Choices) -> Span:
    dialect = pick(choices, DIALECTS)
    span = Span(
        trace_id=pick(choices, TRACES),
        span_id=pick(choices, SPANS),
        parent_span_id=pick(choices, PARENTS if chance(choices, 40) else PARENTS[:2]),
        name=_name(choices, dialect),
        start_time_unix_nano=_time(choices),
        end_time_unix_nano=_time(choices),
        attributes=attributes(_attributes(choices, dialect)),
        events=[_event(choices, dialect) for _ in range(choices.integer(0, 2))],
    )
    if chance(choices, 15):
        span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=text(choices)))
    if chance(choices, 10):
        span.links.add(trace_id=pick(choices, TRACES), span_id=pick(choices, SPANS))
    return span


def _event(choices: Choices, dialect: Dialect) -> Span.Event:
    name = pick(choices, [*EVENTS, *dialect.events])
    fields = dialect.events.get(name, {})
    held = {**_attributes(choices, dialect), **_fields(choices, fields)}
    if name == a.EXCEPTION_EVENT:
        held |= {key: value(choices) for key in (a.EXCEPTION_TYPE, a.EXCEPTION_MESSAGE)}
    if name == a.GEN_AI_EVALUATION_RESULT:
        held |= _evaluation(choices)
    return Span.Event(name=name, attributes=attributes(held))


def _record(choices: Choices) -> LogRecord:
    name = pick(choices, [*SOURCES, a.GEN_AI_EVALUATION_RESULT, "other"])
    dialect = next((d for d in DIALECTS if name in d.events), DIALECTS[0])
    held = {**_attributes(choices, dialect), **_fields(choices, dialect.events.get(name, {}))}
    if source := SOURCES.get(name):
        held |= {key: only or number(choices) for key, only in source.only.items()}
        held |= {key: text(choices) for key in (source.session, source.agent) if key}
        held |= {a.DURATION_MS: number(choices), a.EVENT_TIMESTAMP: value(choices)}
    else:
        held |= _evaluation(choices)
    return LogRecord(
        event_name=name if chance(choices, 70) else "",
        body=any_value(name if chance(choices, 80) else value(choices)),
        trace_id=pick(choices, [b"", *TRACES]),
        span_id=pick(choices, [b"", *SPANS]),
        time_unix_nano=_time(choices),
        attributes=attributes(held),
    )


def _evaluation(choices: Choices) -> dict[str, object]:
    return {
        a.GEN_AI_EVALUATION_NAME: value(choices),
        a.GEN_AI_EVALUATION_SCORE_VALUE: number(choices),
        a.GEN_AI_EVALUATION_SCORE_LABEL: value(choices),
        a.GEN_AI_EVALUATION_EXPLANATION: value(choices),
    }


def _name(choices: Choices, dialect: Dialect) -> str:
    known = [*dialect.names, *dialect.kinds]
    return pick(choices, known) if known and chance(choices, 40) else text(choices)[:300]


def _time(choices: Choices) -> int:
    if chance(choices, 10):
        return pick(choices, [0, 1, 2**63, 2**64 - 1])
    return START_NS + choices.integer(0, 60) * 10**8


def _attributes(choices: Choices, dialect: Dialect) -> dict[str, object]:
    """What a span of a dialect may have, and some of what it may not."""
    by = dialect if dialect.kind_key else pick(choices, [dialect, GENAI])
    said = pick(choices, list(by.kinds) or [""])
    held: dict[str, object] = {by.kind_key: said} if by.kind_key else {}
    if chance(choices, 5):
        held = {by.kind_key or GENAI.kind_key: value(choices)}
    kind: str = by.kinds.get(said) or pick(choices, ["llm", "tool", "agent"])
    odd = pick(choices, ODD_PERCENT)
    for each in (dialect, GENAI) if chance(choices, 40) else (dialect,):
        tables = {"llm": each.llm, "account": each.llm, "tool": each.tool}
        for fields in (each.any, tables.get(kind, each.agent)):
            held |= _fields(choices, fields, odd)
    held |= {key: value(choices) for key in some(choices, list(dialect.marks) or KEYS, 1)}
    if odd:
        keys = [*KEYS, *REQUEST_PARAMETERS, *dialect.failures, *dialect.failures]
        held |= {_key(choices, key): value(choices) for key in some(choices, keys, 3)}
    return held


def _fields(
    choices: Choices, fields: Mapping[str, tuple[str, ...]], odd: int = ODD_PERCENT[-1]
) -> dict[str, object]:
    return {
        _key(choices, pick(choices, keys)): field_value(choices, name, odd)
        for name, keys in fields.items()
        if chance(choices, 10 if name.startswith("error") else 75)
    }


def _key(choices: Choices, key: str) -> str:
    return key + pick(choices, _TAILS) if key in PREFIXES else key
