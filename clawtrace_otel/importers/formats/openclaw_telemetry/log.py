"""The events of one log, in order, become the spans of its sessions.

Each orchestrator is a trace; sub-agents are agents in it, under the tool call ``sessions_spawn``
that gave them their task.
"""

from collections.abc import Callable, Iterator, Mapping

from clawtrace_otel.importers.formats.json_object import mapping, name_in
from clawtrace_otel.importers.formats.openclaw_telemetry.session import (
    Event,
    Session,
    messages_in,
    usage_attributes,
)
from clawtrace_otel.importers.formats.span_maker import OTHER_ERROR, TOOL_ERROR, Failure, SpanMaker
from clawtrace_otel.importers.importer import TraceEnd
from clawtrace_otel.semconv.canonical import text_of
from clawtrace_otel.span import Span
from clawtrace_otel.times import time_ns

SERVICE = "openclaw"
SPAWN = "sessions_spawn"
"""The tool that runs a sub-agent; its argument ``task`` is a part of the sub-agent's prompt."""

IGNORED_TYPES = frozenset({"message.in", "message.out", "message.sending", "session.start"})
"""Events that only tell the time."""

_USAGE = ".".join(("llm", "usage"))
"""A type of event; spelled so because it looks like the key of an attribute."""

_SUBAGENT = "subagent"
_DIRECT = frozenset({"main", "direct", "dm"})
"""Keys with one of these are the agent's main session: some events name the channel instead."""

Json = Mapping[str, object]


class TelemetryReader:
    """Reads the events of one log.

    Args:
        seed: what tells this log from others.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._traces: dict[str, SpanMaker] = {}
        self._sessions: dict[str, Session] = {}
        self._spawned: list[tuple[Event, Session]] = []
        self._now_ns = 0
        self._line = 0

    def add(self, event: Json, line: int) -> Iterator[Span]:
        """The spans that are complete with one more event."""
        self._line = line
        time = time_ns(event.get("ts")) or time_ns(event.get("timestamp"))
        # Events without a time keep their order: a nanosecond a line.
        self._now_ns = max(self._now_ns + 1, time)
        handle = _HANDLERS.get(name_in(event, "type"))
        if handle is not None and name_in(event, "sessionKey"):
            session = self._session(event)
            session.covers(self._now_ns, 0)
            yield from handle(self, session, event)

    def finish(self) -> Iterator[Span | TraceEnd]:
        """The spans that were still open, and the ends of the traces."""
        orchestrators = [s for s in self._sessions.values() if not s.parent]
        for session in self._sessions.values():
            if session.parent:
                yield from session.finish()
                self._orchestrator(session.spans).covers(session.start_ns, session.end_ns)
        for session in orchestrators:
            yield from session.finish()
        yield from (TraceEnd(spans.trace_id) for spans in self._traces.values())

    def _session(self, event: Json) -> Session:
        key = _main_key(name_in(event, "sessionKey"))
        if key in self._sessions:
            return self._sessions[key]
        if _SUBAGENT not in key.split(":"):
            return self._orchestrator(self._trace(key))
        tool, spawner = self._spawner(event, key)
        asked = mapping(tool.params) if tool is not None else {}
        session = Session(
            key=key,
            spans=spawner.spans,
            span_id=spawner.spans.id_of("agent", key),
            name=name_in(asked, "label") or name_in(asked, "agentId") or _SUBAGENT,
            parent=tool.span_id if tool is not None else spawner.span_id,
            ran_by=tool,
        )
        self._sessions[key] = session
        return session

    def _trace(self, key: str) -> SpanMaker:
        made = SpanMaker.of_session("openclaw_telemetry", f"{self._seed} {key}", SERVICE, key)
        return self._traces.setdefault(key, made)

    def _orchestrator(self, spans: SpanMaker) -> Session:
        key = spans.conversation
        name = key.split(":")[1] if key.startswith("agent:") else key
        made = Session(key=key, spans=spans, span_id=spans.root_id, name=name)
        return self._sessions.setdefault(key, made)

    def _spawner(self, event: Json, key: str) -> tuple[Event | None, Session]:
        """The call that ran a sub-agent; where none gave it its task, its agent's main session."""
        prompt = name_in(event, "prompt")
        for spawned in self._spawned:
            task = name_in(mapping(spawned[0].params), "task")
            if task and task in prompt:
                self._spawned.remove(spawned)
                return spawned
        main = self._orchestrator(self._trace(f"{key.split(f':{_SUBAGENT}')[0]}:main"))
        return None, main

    def _agent(self, session: Session, event: Json) -> Iterator[Span]:
        if event.get("type") == "agent.end":
            session.failure = _failure(event, OTHER_ERROR)
        yield from session.add_messages(messages_in(event))
        self._now_ns = max(self._now_ns, session.end_ns)

    def _tool_start(self, session: Session, event: Json) -> Iterator[Span]:
        name, params = name_in(event, "toolName"), event.get("params")
        span_id = session.spans.id_of("tool event", session.key, str(self._line))
        began = Event(span_id, name, params, self._now_ns)
        session.began(began)
        if name == SPAWN:
            self._spawned.append((began, session))
        return iter(())

    def _tool_end(self, session: Session, event: Json) -> Iterator[Span]:
        ended = session.ended(
            name_in(event, "toolName"),
            time_ns(event.get("durationMs")),
            _failure(event, TOOL_ERROR),
        )
        self._now_ns = max(self._now_ns, ended)
        return iter(())

    def _usage(self, session: Session, event: Json) -> Iterator[Span]:
        start = max(self._now_ns - time_ns(event.get("durationMs")), 0)
        session.usages.append(((start, self._now_ns), usage_attributes(event)))
        return iter(())


_HANDLERS: dict[str, Callable[[TelemetryReader, Session, Json], Iterator[Span]]] = {
    "agent.start": TelemetryReader._agent,
    "agent.end": TelemetryReader._agent,
    "tool.start": TelemetryReader._tool_start,
    "tool.end": TelemetryReader._tool_end,
    _USAGE: TelemetryReader._usage,
}

KNOWN_TYPES = IGNORED_TYPES | _HANDLERS.keys()


def _main_key(key: str) -> str:
    parts = key.split(":")
    if len(parts) < 3 or parts[0] != "agent" or _SUBAGENT in parts or _DIRECT.isdisjoint(parts[2:]):
        return key
    return f"agent:{parts[1]}:main"


def _failure(event: Json, kind: str) -> Failure | None:
    error = event.get("error")
    if event.get("success") is not False and not error:
        return None
    return Failure(kind, error if isinstance(error, str) else text_of(error or ""))
