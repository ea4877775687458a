"""Which tools only read. Of the others nothing is known: they may have changed something."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

from clawtrace_otel.semconv.step import Step


class ToolEffects:
    """What is known of tools' effects on state.

    In order: what the span itself says (``clawtrace.tool.read_only``), the settings, MCP's
    ``readOnlyHint`` in the tool definitions that the model was given.

    Args:
        read_only: globs of tools that only read.
        state_changing: globs of tools that change state; they win over ``read_only``.
    """

    def __init__(self, read_only: Iterable[str] = (), state_changing: Iterable[str] = ()) -> None:
        self._read_only = tuple(read_only)
        self._state_changing = tuple(state_changing)
        self._configured = lru_cache(maxsize=4096)(self._match)

    def changes_state(self, step: Step, hinted: Iterable[str] = ()) -> bool | None:
        """Whether a tool call changes state; ``None`` if nothing is known.

        Args:
            step: the tool call.
            hinted: tools of the trace that carry ``readOnlyHint``.
        """
        if step.read_only is not None:
            return not step.read_only
        configured = self._configured(step.tool)
        if configured is None and step.tool in hinted:
            return False
        return configured

    def _match(self, tool: str) -> bool | None:
        if any(fnmatchcase(tool, pattern) for pattern in self._state_changing):
            return True
        if any(fnmatchcase(tool, pattern) for pattern in self._read_only):
            return False
        return None
