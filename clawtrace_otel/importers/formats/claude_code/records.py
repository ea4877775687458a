"""Records of Claude Code: which types there are, and which of them are no calls."""

from collections.abc import Mapping

from clawtrace_otel.importers.formats.json_object import mapping, name_in, text_in
from clawtrace_otel.importers.formats.span_maker import OTHER_ERROR, Failure

Json = Mapping[str, object]

SYNTHETIC = "<synthetic>"
"""The model of a message that Claude Code wrote itself: no model was called."""

READ_TYPES = frozenset({"assistant", "attachment", "progress", "system", "user"})
"""Types of records that are read."""

IGNORED_TYPES = frozenset(
    {
        "agent-color",
        "agent-name",
        "agent-setting",
        "ai-title",
        "artifact-autoreact-ledger",
        "artifact-comment-monitor",
        "atis-latch",
        "attribution-snapshot",
        "bridge-session",
        "content-replacement",
        "context-collapse-commit",
        "context-collapse-snapshot",
        "cost-state",
        "custom-title",
        "file-history-delta",
        "file-history-snapshot",
        "frame-link",
        "last-prompt",
        "mode",
        "permission-mode",
        "pr-link",
        "queue-operation",
        "relocated",
        "result",
        "saved_hook_context",
        "speculation-accept",
        "summary",
        "tag",
        "task-summary",
        "worktree-state",
    }
)
"""Types of records that say nothing of calls."""

KNOWN_TYPES = READ_TYPES | IGNORED_TYPES

COMPACTIONS = frozenset({"compact_boundary", "microcompact_boundary"})
"""Subtypes of ``system``."""


def is_no_call(record: Json) -> bool:
    """Whether an ``assistant`` record is no answer of a model."""
    model = name_in(mapping(record.get("message")), "model")
    return model == SYNTHETIC or record.get("isApiErrorMessage") is True


def api_error(record: Json) -> Failure | None:
    """The error of the API that a record tells of; ``None`` if it tells of none."""
    if record.get("isApiErrorMessage") is not True:
        return None
    text = text_in(mapping(record.get("message")).get("content"))
    return Failure(name_in(record, "error") or OTHER_ERROR, text)
