"""All dialects, and their tables laid over one another for reading.

The order is one of precedence. ``gen_ai.operation.name`` comes after the kinds of OpenInference and
Traceloop, because the Collector's ``gen_ai_normalizer`` writes ``invoke_agent`` on their chains and
tasks too. For fields the official names come first.
"""

from collections.abc import Iterable, Mapping

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.anthropic import ANTHROPIC
from clawtrace_otel.semconv.dialects.dialect import Dialect, Fields, Keys, Kind
from clawtrace_otel.semconv.dialects.genai import GENAI, REQUEST_PARAMETERS
from clawtrace_otel.semconv.dialects.openinference import OPENINFERENCE
from clawtrace_otel.semconv.dialects.supplied import SUPPLIED
from clawtrace_otel.semconv.dialects.traceloop import TRACELOOP, TRACELOOP_OLD

BY_KIND: tuple[Dialect, ...] = (OPENINFERENCE, TRACELOOP, GENAI, TRACELOOP_OLD)
"""The dialects that say what a span is, the most trusted first."""

BY_FIELD: tuple[Dialect, ...] = (
    GENAI,
    TRACELOOP,
    TRACELOOP_OLD,
    OPENINFERENCE,
    ANTHROPIC,
    SUPPLIED,
)

__all__ = [
    "BY_KIND",
    "EVENTS",
    "FAILURES",
    "FIELDS",
    "PREFIXES",
    "READ",
    "READ_EVENTS",
    "REQUEST_PARAMETERS",
    "Fields",
    "Kind",
    "is_read",
]


def _overlay(tables: Iterable[Mapping[str, Keys]]) -> dict[str, Keys]:
    merged: dict[str, Keys] = {}
    for table in tables:
        for name, keys in table.items():
            merged[name] = merged.get(name, ()) + keys
    return merged


ANY = _overlay(dialect.any for dialect in BY_FIELD)
FIELDS: dict[Kind, dict[str, Keys]] = {
    "llm": _overlay([*(dialect.llm for dialect in BY_FIELD), ANY]),
    "tool": _overlay([*(dialect.tool for dialect in BY_FIELD), ANY]),
    "agent": _overlay([*(dialect.agent for dialect in BY_FIELD), ANY]),
    "span": ANY,
}
FIELDS["workflow"] = FIELDS["agent"]

EVENTS: tuple[tuple[Keys, str, Fields], ...] = tuple(
    (dialect.scopes, event, fields)
    for dialect in BY_FIELD
    for event, fields in dialect.events.items()
)
"""Scopes whose spans have such an event (any, if empty), its name and what it holds."""

FAILURES: dict[str, frozenset[str]] = {
    key: frozenset(values) for dialect in BY_FIELD for key, values in dialect.failures.items()
}
"""Attribute -> values that say that a call failed."""

READ_EVENTS: frozenset[str] = frozenset(
    [a.EXCEPTION_EVENT, a.GEN_AI_EVALUATION_RESULT, *(event for _, event, _ in EVENTS)]
)
"""Names of the span events that anything looks at."""

PREFIXES: Keys = tuple(key for key in sum(FIELDS["llm"].values(), ()) if key.endswith("."))
"""Keys that stand for a whole flattened list, ``<prefix>0.role`` and so on."""

READ: frozenset[str] = frozenset(
    [
        *(key for fields in FIELDS.values() for keys in fields.values() for key in keys),
        *(dialect.kind_key for dialect in BY_KIND),
        *FAILURES,
        *REQUEST_PARAMETERS,
        *a.WRITTEN,
        a.CLAWTRACE_TOOL_READ_ONLY,
        a.GEN_AI_WORKFLOW_NAME,
        a.MCP_METHOD_NAME,
        a.OI_METADATA,
    ]
) - frozenset(PREFIXES)
"""Every attribute that anything looks at; the others are not even decoded."""


def is_read(key: str) -> bool:
    """Whether some table names ``key``, alone or by a prefix."""
    return key in READ or key.startswith(PREFIXES)
