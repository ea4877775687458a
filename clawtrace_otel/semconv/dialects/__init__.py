"""All dialects, and their tables laid over one another for reading.

The order is one of precedence. ``gen_ai.operation.name`` comes after the kinds of OpenInference and
Traceloop, because the Collector's ``gen_ai_normalizer`` writes ``invoke_agent`` on their chains and
tasks too. For fields the official names come first, but for messages that it makes less of.
"""

from collections.abc import Iterable, Mapping

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.anthropic import ANTHROPIC
from clawtrace_otel.semconv.dialects.claude_code import CLAUDE_CODE
from clawtrace_otel.semconv.dialects.codex import CODEX
from clawtrace_otel.semconv.dialects.dialect import Dialect, Fields, Keys, Kind
from clawtrace_otel.semconv.dialects.gemini_cli import GEMINI_CLI
from clawtrace_otel.semconv.dialects.gemini_cli_records import GEMINI_CLI_RECORDS
from clawtrace_otel.semconv.dialects.genai import GENAI, REQUEST_PARAMETERS
from clawtrace_otel.semconv.dialects.google_adk import GOOGLE_ADK
from clawtrace_otel.semconv.dialects.langfuse import LANGFUSE
from clawtrace_otel.semconv.dialects.langsmith import LANGSMITH
from clawtrace_otel.semconv.dialects.litellm import LITELLM, LITELLM_V1
from clawtrace_otel.semconv.dialects.openclaw import OPENCLAW
from clawtrace_otel.semconv.dialects.openinference import OPENINFERENCE, OPENINFERENCE_MESSAGES
from clawtrace_otel.semconv.dialects.others import SENTRY
from clawtrace_otel.semconv.dialects.pydantic_ai import LOGFIRE, LOGFIRE_PENDING, PYDANTIC_AI
from clawtrace_otel.semconv.dialects.strands import STRANDS
from clawtrace_otel.semconv.dialects.supplied import SUPPLIED
from clawtrace_otel.semconv.dialects.traceloop import TRACELOOP, TRACELOOP_OLD
from clawtrace_otel.semconv.dialects.vercel_ai_sdk import VERCEL_AI_SDK

BY_KIND: tuple[Dialect, ...] = (
    LOGFIRE_PENDING,
    GOOGLE_ADK,
    OPENINFERENCE,
    LANGFUSE,
    LANGSMITH,
    VERCEL_AI_SDK,
    CLAUDE_CODE,
    CODEX,
    GEMINI_CLI,
    GEMINI_CLI_RECORDS,
    OPENCLAW,
    TRACELOOP,
    GENAI,
    LITELLM,
    TRACELOOP_OLD,
    LITELLM_V1,
    PYDANTIC_AI,
    LOGFIRE,
)
"""The dialects that say what a span is, the most trusted first."""

BY_FIELD: tuple[Dialect, ...] = (
    OPENINFERENCE_MESSAGES,
    GENAI,
    PYDANTIC_AI,
    LOGFIRE,
    LANGFUSE,
    LANGSMITH,
    TRACELOOP,
    TRACELOOP_OLD,
    OPENINFERENCE,
    ANTHROPIC,
    STRANDS,
    GOOGLE_ADK,
    VERCEL_AI_SDK,
    CLAUDE_CODE,
    CODEX,
    GEMINI_CLI,
    GEMINI_CLI_RECORDS,
    OPENCLAW,
    LITELLM,
    SENTRY,
    SUPPLIED,
)

__all__ = [
    "ANSWERS",
    "BY_KIND",
    "EVENTS",
    "FAILURES",
    "FIELDS",
    "PREFIXES",
    "READ",
    "READ_EVENTS",
    "REQUEST_PARAMETERS",
    "Fields",
    "Keys",
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
FIELDS["account"] = FIELDS["llm"]

ANSWERS: tuple[tuple[Keys, Keys], ...] = tuple(
    (dialect.scopes, dialect.answers) for dialect in BY_FIELD if dialect.answers
)
"""Scopes whose LLM spans have one of such attributes, unless they failed or only asked."""

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
        *(key for dialect in BY_KIND for key in dialect.marks),
        *(key for _, keys in ANSWERS for key in keys),
        *FAILURES,
        *REQUEST_PARAMETERS,
        *a.WRITTEN,
        *a.OWN_READ,
        a.GEN_AI_CONVERSATION_COMPACTED,
        a.GEN_AI_WORKFLOW_NAME,
        a.MCP_METHOD_NAME,
        a.OI_METADATA,
    ]
) - frozenset(PREFIXES)
"""Every attribute that anything looks at; the others are not even decoded."""


def is_read(key: str) -> bool:
    """Whether some table names ``key``, alone or by a prefix."""
    return key in READ or key.startswith(PREFIXES)
