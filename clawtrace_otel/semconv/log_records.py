"""Log records that tell of a model call, a tool call or a sub-agent, as spans of their own.

Coding agents write such records beside their spans, and instead of them where traces are off. A
record becomes a span with the event for its name and scope; the tables of
:mod:`clawtrace_otel.semconv.dialects` say what its attributes hold. ``same_call`` then finds the
span of the same call.

A record without a trace belongs to a trace that is derived from its session. The official
``gen_ai.client.inference.operation.details`` repeats its span and is not read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from clawtrace_otel.ids import SPAN_BYTES, TRACE_BYTES, derived_id
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.canonical import dumps
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Event, Span
from clawtrace_otel.times import MAX_NS, iso_ns

NO_PARENT = "0" * 16
"""Parent of a record that names its trace, but no span in it: it must not pass for the root."""


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of log record.

    Attributes:
        only: attributes that such a record must have, and their values; any value if it is empty.
        session: the attribute with the session's id.
        agent: the attribute that names the sub-agent which did it; empty if none does.
        is_agent: the record tells of the sub-agent itself.
        spans: instrumentation scope of the spans that it tells of, if nothing but their time and
            tokens says of which one.
    """

    session: str
    only: Mapping[str, str] = field(default_factory=dict)
    agent: str = ""
    is_agent: bool = False
    spans: str = ""


SOURCES: Mapping[str, Source] = {
    "claude_code.api_request": Source(a.SESSION_ID, agent=a.CC_AGENT_ID),
    "claude_code.tool_result": Source(a.SESSION_ID, agent=a.CC_AGENT_ID),
    "claude_code.subagent_completed": Source(a.SESSION_ID, agent=a.CC_AGENT_ID, is_agent=True),
    # Every event of a stream is told; the last one is told twice, once with what was used.
    "codex.sse_event": Source(
        a.CODEX_CONVERSATION_ID,
        only={a.EVENT_KIND: "response.completed", a.INPUT_TOKEN_COUNT: ""},
    ),
    "codex.tool_result": Source(a.CODEX_CONVERSATION_ID),
    # Written when the answer has been streamed, outside of the span.
    "gemini_cli.api_response": Source(a.SESSION_ID, spans="gemini-cli"),
}
"""Name of an event -> where its records say what."""

_TOLD_BY_TIME = frozenset(source.spans for source in SOURCES.values()) - {""}


@dataclass(slots=True)
class LogRecord:
    """A log record as OTLP delivers it.

    Attributes:
        name: of the event; some senders leave it to ``event.name`` or to the body.
        body: text of the body; empty if it is none.
        trace_id, span_id: in hex; empty where it has none.
        time_ns: when it happened, or was observed.
    """

    name: str
    body: str
    trace_id: str
    span_id: str
    time_ns: int
    service: str
    attributes: Mapping[str, object]


def is_record(step: Step) -> bool:
    """Whether a step was read from a log record."""
    return step.scope in SOURCES


def is_placed_by_time(record: Step) -> bool:
    """Whether nothing but time and tokens says which call a record tells of."""
    source = SOURCES.get(record.scope)
    return source is not None and source.spans != ""


def is_told_by_time(span: Step) -> bool:
    """Whether a span is of those that such records tell of."""
    return span.kind == "llm" and span.scope in _TOLD_BY_TIME


def is_homeless(step: Step) -> bool:
    """Whether a step is in a trace that was derived from its session."""
    return is_record(step) and step.trace_id == session_trace(step.service, step.session)


def session_trace(service: str, session: str) -> str:
    """The trace id of the records of a session that name no trace."""
    return derived_id(TRACE_BYTES, "session", service, session)


def read_record(record: LogRecord) -> Span | None:
    """A log record as a span.

    Returns:
        ``None`` if it tells of no call, or neither of a trace nor of a session.
    """
    name = _name(record)
    source = SOURCES.get(name)
    if source is None or not _fits(record.attributes, source):
        return None
    session = record.attributes.get(source.session)
    session = session if isinstance(session, str) else ""
    if not (record.trace_id or session):
        return None
    trace_id = record.trace_id or session_trace(record.service, session)
    span_id, parent_id = _place(record, source, trace_id)
    if source.is_agent and record.trace_id:
        # Where there are spans, they show the agent.
        return None
    end = min(_time(record), MAX_NS)
    error = record.attributes.get(a.ERROR)
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent_id,
        name=name,
        start_ns=max(end - _duration(record.attributes), 0),
        end_ns=end,
        attributes=record.attributes,
        events=[Event(name, record.attributes)],
        status_message=error if isinstance(error, str) else "",
        scope=name,
        service=record.service,
    )


def _name(record: LogRecord) -> str:
    """The name of the event: the first of the places for it that holds a known one."""
    told = (record.name, record.attributes.get(a.EVENT_NAME), record.body)
    return next((name for name in told if isinstance(name, str) and name in SOURCES), "")


def _fits(attributes: Mapping[str, object], source: Source) -> bool:
    return all(
        attributes.get(key) == value if value else key in attributes
        for key, value in source.only.items()
    )


def _place(record: LogRecord, source: Source, trace_id: str) -> tuple[str, str]:
    """Span id and parent id. Equal records have equal ids: what is sent again is known again."""
    agent = record.attributes.get(source.agent) if source.agent else None
    home = derived_id(SPAN_BYTES, "agent", trace_id, agent) if isinstance(agent, str) else ""
    if source.is_agent and home:
        return home, ""
    said = dumps(dict(record.attributes))
    own = derived_id(SPAN_BYTES, "record", trace_id, record.span_id, str(record.time_ns), said)
    if record.trace_id:
        return own, record.span_id or NO_PARENT
    return own, home


def _time(record: LogRecord) -> int:
    if record.time_ns:
        return record.time_ns
    return iso_ns(str(record.attributes.get(a.EVENT_TIMESTAMP))) or 0


def _duration(attributes: Mapping[str, object]) -> int:
    """In nanoseconds; some senders write the milliseconds as text."""
    told = attributes.get(a.DURATION_MS)
    try:
        duration = float(told) * 1e6 if isinstance(told, str | int | float) else 0.0
    except (ValueError, OverflowError):
        return 0
    return int(duration) if 0 <= duration < MAX_NS else 0
