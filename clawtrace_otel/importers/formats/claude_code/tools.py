"""Tool calls of Claude Code: a ``tool_use`` block and the ``tool_result`` that answers it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from clawtrace_otel.importers.formats.json_object import mapping, name_in, text_in
from clawtrace_otel.importers.formats.span_maker import (
    TOOL_ERROR,
    Failure,
    SpanMaker,
    ToolCall,
    fail,
)
from clawtrace_otel.span import Span

AGENT_TOOLS = frozenset({"Task", "Agent"})
"""Tools that run a sub-agent; the second is the newer name."""

READ_ONLY = {
    **dict.fromkeys(("Read", "Grep", "Glob", "LS", "NotebookRead", "WebFetch", "WebSearch"), True),
    **dict.fromkeys(("Edit", "MultiEdit", "Write", "NotebookEdit", "TodoWrite"), False),
}
"""Claude Code's own tools, as far as they always, or never, leave all as it is."""


@dataclass(slots=True)
class Asked:
    """A tool call that has not been answered yet."""

    id: str
    name: str
    arguments: object
    chain: str
    start_ns: int


class Tools:
    """The tool calls of a session.

    Args:
        spans: makes the session's spans.
    """

    def __init__(self, spans: SpanMaker) -> None:
        self._spans = spans
        self._asked: dict[str, Asked] = {}
        self._done: set[str] = set()

    def begin(self, block: Mapping[str, object], chain: str, time: int) -> bool:
        """Note a ``tool_use`` block; ``False`` if it was noted before."""
        tool_id = name_in(block, "id")
        if tool_id in self._asked or tool_id in self._done:
            return False
        name = name_in(block, "name")
        self._asked[tool_id] = Asked(tool_id, name, block.get("input"), chain, time)
        return True

    def skip(self, blocks: Iterable[Mapping[str, object]]) -> None:
        """Pass over the tool calls of a message that is a copy."""
        self._done.update(
            tool_id
            for block in blocks
            if block.get("type") == "tool_use"
            and (tool_id := name_in(block, "id")) not in self._asked
        )

    def running(self, tool_id: str) -> Asked | None:
        """A call that has not been answered."""
        return self._asked.get(tool_id)

    def asked_to(self, prompt: str) -> Asked | None:
        """The running call that gave a sub-agent this prompt."""
        return next(
            (
                asked
                for asked in self._asked.values()
                if asked.name in AGENT_TOOLS and mapping(asked.arguments).get("prompt") == prompt
            ),
            None,
        )

    def end(self, tool_id: str) -> Asked | None:
        """Take a call that is being answered; ``None`` if it is no call of this session."""
        asked = self._asked.pop(tool_id, None)
        if asked is not None:
            self._done.add(tool_id)
        return asked

    def span(
        self, asked: Asked, parent: str, result: Mapping[str, object] | None, end_ns: int
    ) -> Span:
        """The span of a call; without a result it has not ended."""
        content = result.get("content") if result is not None else None
        read_only = READ_ONLY.get(asked.name)
        call = ToolCall(asked.name, asked.id, asked.arguments, content, read_only)
        times = (asked.start_ns, end_ns)
        span = self._spans.tool(self._spans.id_of("tool", asked.id), parent, times, call)
        failed = result is not None and result.get("is_error") is True
        return fail(span, Failure(TOOL_ERROR, text_in(content)) if failed else None)

    def unanswered(self, parent_of: Callable[[str], str]) -> Iterator[Span]:
        """The spans of the calls that nothing answered."""
        for asked in self._asked.values():
            yield self.span(asked, parent_of(asked.chain), None, 0)
