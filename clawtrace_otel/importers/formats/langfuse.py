"""Traces that were exported from Langfuse, back into the spans that it received.

A file holds one trace with its observations: what the user interface downloads (``trace`` beside
``observations``), or what the API answers (``observations`` within the trace).

Langfuse keeps the attributes of a span as ``metadata.attributes``, with every value as text, except
those that it moved to fields of its own: input and output. Spans of its own SDK have none left;
then what it shows (type, model, usage, and the cost that the sender gave) is put back under the
names that its SDK uses. The costs that Langfuse computed itself are not taken. Scores are
evaluations. Times are the observations' own, to the millisecond.

Source: exports of langfuse/langfuse; its SDK's ``_client/attributes.py``.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from clawtrace_otel.ids import SPAN_BYTES, TRACE_BYTES, derived_id
from clawtrace_otel.importers.formats.json_items import damaged, read_json_events, read_json_items
from clawtrace_otel.importers.formats.json_lines import opening_members
from clawtrace_otel.importers.formats.json_object import JsonObject
from clawtrace_otel.importers.importer import Head, Importer, Problem, Record, Told, TraceEnd
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.canonical import loads, parsed, text_of
from clawtrace_otel.semconv.step import Evaluation
from clawtrace_otel.span import Span
from clawtrace_otel.times import iso_ns

NAME = "langfuse"

_HEAD_KEYS = (b'"projectId"', b'"public"', b'"bookmarked"')
_OBSERVATION_KEYS = (b'"traceId"', b'"parentObservationId"')
_TOP = frozenset({"trace", "observations", "projectId"})
"""Keys at the top, of which one is there at least."""

_SESSIONS = frozenset({"trace.sessionId", "sessionId"})
_SCORES = ("trace.scores.item", "scores.item")
_JSON_STARTS = ('{"', '["')
_FAILED = "ERROR"

_SHOWN = {
    "model": a.LANGFUSE_MODEL,
    "usageDetails": a.LANGFUSE_USAGE_DETAILS,
    "providedCostDetails": a.LANGFUSE_COST_DETAILS,
}
"""Fields of an observation -> the attributes that they were, where no others are left."""

_MOVED = {
    "input": a.LANGFUSE_INPUT,
    "output": a.LANGFUSE_OUTPUT,
}
"""Fields that Langfuse moves out of the attributes of any span."""


def recognises(head: Head) -> bool:
    """Whether a file has the keys of a trace of Langfuse, or of its observations."""
    return not _TOP.isdisjoint(opening_members(head.data)) and any(
        all(key in head.data for key in keys) for keys in (_HEAD_KEYS, _OBSERVATION_KEYS)
    )


def read(paths: Sequence[Path]) -> Iterator[Record]:
    """The spans and scores of files.

    Raises:
        OSError: a file cannot be read.
        ModuleNotFoundError: the extra ``importers`` is not installed.
    """
    for path in paths:
        traces: dict[str, None] = {}
        session = _session(path)
        for item in read_json_items(path, "observations.item"):
            for record in _observation(path, item, session):
                if isinstance(record, Span):
                    traces[record.trace_id] = None
                yield record
        for prefix in _SCORES:
            yield from _scores(path, prefix)
        yield from map(TraceEnd, traces)


def _session(path: Path) -> str:
    """The session of the trace; what is damaged shows when the observations are read."""
    try:
        for place, event, value in read_json_events(path, is_counted=False):
            if place in _SESSIONS and event == "string":
                return str(value)
    except damaged():
        pass
    return ""


def _observation(
    path: Path, item: tuple[int, object] | Problem, session: str
) -> Iterator[Span | Problem]:
    if isinstance(item, Problem):
        yield item
        return
    problems: list[str] = []
    value = JsonObject.of(item[1], f"$.observations[{item[0]}]", problems)
    if value.text("id") and value.text("traceId"):
        yield span_of(value, session)
    elif value.value:
        problems.append(f"{value.where} has no id or no traceId")
    yield from (Problem(path, 0, text) for text in problems)


def span_of(value: JsonObject, session: str = "") -> Span:
    """The span of an observation.

    Args:
        value: the observation.
        session: of its trace.
    """
    held = parsed(value.value.get("metadata"))  # It may be anything.
    metadata = JsonObject(
        f"{value.where}.metadata", held if isinstance(held, dict) else {}, value.problems
    )
    kept = metadata.object("attributes").value
    fields = _MOVED if kept else _SHOWN | _MOVED
    shown = {key: _as_attribute(value.value.get(name)) for name, key in fields.items()}
    attributes: dict[str, object] = {key: text for key, text in shown.items() if text}
    if not kept:
        attributes[a.LANGFUSE_TYPE] = value.text("type").lower()
    if session:
        attributes[a.SESSION_ID] = session
    attributes.update((key, _parsed(sent)) for key, sent in kept.items())
    parent = value.text("parentObservationId")
    return Span(
        trace_id=_hex_id(value.text("traceId"), TRACE_BYTES),
        span_id=_hex_id(value.text("id"), SPAN_BYTES),
        parent_id=_hex_id(parent, SPAN_BYTES) if parent else "",
        name=value.text("name"),
        start_ns=iso_ns(value.text("startTime")) or 0,
        end_ns=iso_ns(value.text("endTime")) or 0,
        attributes=attributes,
        failed=value.text("level") == _FAILED,
        status_message=value.text("statusMessage"),
        scope=metadata.object("scope").text("name"),
        service=metadata.object("resourceAttributes").text(a.SERVICE_NAME),
    )


def _scores(path: Path, prefix: str) -> Iterator[Told | Problem]:
    for item in read_json_items(path, prefix):
        if isinstance(item, Problem):
            return  # It was told when the observations were read.
        problems: list[str] = []
        where = f"$.{prefix.removesuffix('.item')}[{item[0]}]"
        score = JsonObject.of(item[1], where, problems)
        if score.text("traceId"):
            yield Told(_hex_id(score.text("traceId"), TRACE_BYTES), _evaluation(score))
        yield from (Problem(path, 0, text) for text in problems)


def _evaluation(score: JsonObject) -> Evaluation:
    """A score: numbers as such; what is boolean or a category is a label."""
    label, value = score.text("stringValue"), score.number("value")
    return Evaluation(
        name=score.text("name"),
        score=None if label or value is None else float(value),
        label=label,
        explanation=score.text("comment"),
        time_ns=iso_ns(score.text("timestamp")) or 0,
    )


def _hex_id(text: str, size: int) -> str:
    """An id as OpenTelemetry has them; those of other kinds are hashed, UUIDs of traces kept."""
    plain = text.lower().replace("-", "")
    if re.fullmatch(f"[0-9a-f]{{{size * 2}}}", plain):
        return plain
    return derived_id(size, text)


def _as_attribute(value: object) -> str:
    return "" if value in (None, "", {}, []) else text_of(value)


def _parsed(value: object) -> object:
    """Undo the writing of lists and objects as JSON; other text stays, numbers included."""
    return loads(value) if isinstance(value, str) and value[:2] in _JSON_STARTS else value


IMPORTER = Importer(NAME, recognises, read, suffixes=frozenset({".json"}))
