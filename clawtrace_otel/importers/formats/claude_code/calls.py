"""LLM calls of Claude Code: the lines of one message become one span.

An assistant message is spread over several lines, one a content block. Each states the usage so
far, so the last line counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from clawtrace_otel.importers.formats.json_object import mapping, mappings, name_in
from clawtrace_otel.importers.formats.span_maker import (
    REASONING_PART,
    SpanMaker,
    Tokens,
    answer,
    call_part,
    text_part,
)
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.span import Span

FAST = "fast"
"""A speed that has a price of its own, as tiers have."""

Block = Mapping[str, object]


@dataclass(slots=True)
class Message:
    """An assistant message whose lines are still coming in.

    Attributes:
        key: what it is told by: its id and its request's.
        chain: whose context it belongs to; empty for the main agent.
        start_ns, end_ns: time of the last input before it, and of its last line.
        compacted: its context was compacted since the call before.
        cost: in USD; only older versions state it.
    """

    key: str
    chain: str
    start_ns: int
    end_ns: int = 0
    compacted: bool = False
    id: str = ""
    model: str = ""
    usage: Mapping[str, object] | None = None
    stop_reason: str = ""
    cost: object = None
    parts: list[Mapping[str, object]] = field(default_factory=list)

    def add(self, record: Block, time: int) -> None:
        """Take over what one more line says."""
        message = mapping(record.get("message"))
        self.id = self.id or name_in(message, "id")
        self.model = name_in(message, "model") or self.model
        self.stop_reason = name_in(message, "stop_reason") or self.stop_reason
        usage = message.get("usage")
        self.usage = usage if isinstance(usage, dict) else self.usage
        self.cost = record.get("costUSD", self.cost)
        self.end_ns = max(self.end_ns, time)

    def add_block(self, block: Block) -> None:
        """Take over one content block."""
        kind = block.get("type")
        if kind == "text":
            self.parts.append(text_part(name_in(block, "text")))
        elif kind == "tool_use":
            call = call_part(name_in(block, "id"), name_in(block, "name"), block.get("input"))
            self.parts.append(call)
        elif kind in ("thinking", "redacted_thinking"):
            self.parts.append(REASONING_PART)


def key_of(record: Block) -> str:
    """What a message is told by, in whatever file it stands; empty if it has no id."""
    identity = name_in(mapping(record.get("message")), "id")
    return f"{identity} {name_in(record, 'requestId')}" if identity else ""


def blocks_of(record: Block) -> list[dict[str, object]]:
    """The content blocks of a record's message."""
    content = mapping(record.get("message")).get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else mappings(content)


def chat_span(spans: SpanMaker, message: Message, parent: str) -> Span:
    """The span of a message."""
    usage = message.usage
    said: dict[str, object] = {
        **_model(message.model),
        a.GEN_AI_RESPONSE_ID: message.id,
        a.GEN_AI_RESPONSE_FINISH_REASONS: [message.stop_reason] if message.stop_reason else [],
        a.GEN_AI_OUTPUT_MESSAGES: answer(message.parts),
        a.GEN_AI_USAGE_COST_AMOUNT: message.cost,
        a.GEN_AI_CONVERSATION_COMPACTED: message.compacted or None,
    }
    if usage is not None:
        said |= read_usage(usage).attributes()
        is_fast = usage.get("speed") == FAST
        said[a.ANTHROPIC_RESPONSE_SERVICE_TIER] = FAST if is_fast else usage.get("service_tier")
    times = (message.start_ns, message.end_ns)
    return spans.chat(spans.id_of("message", message.key), parent, times, said)


def read_usage(usage: Mapping[str, object]) -> Tokens:
    """The tokens of a ``usage`` of Anthropic's API: its ``input_tokens`` excludes cached ones."""
    by_lifetime = mapping(usage.get("cache_creation"))
    five = by_lifetime.get("ephemeral_5m_input_tokens") or 0
    hour = by_lifetime.get("ephemeral_1h_input_tokens") or 0
    write = usage.get("cache_creation_input_tokens") or 0
    if not write and isinstance(five, int) and isinstance(hour, int):
        write = five + hour
    return Tokens(
        fresh=usage.get("input_tokens") or 0,
        output=usage.get("output_tokens") or 0,
        cache_read=usage.get("cache_read_input_tokens") or 0,
        cache_write=write,
        write_5m=five,
        write_1h=hour,
        reasoning=mapping(usage.get("output_tokens_details")).get("thinking_tokens"),
    )


def _model(model: str) -> dict[str, object]:
    """A proxy may put another maker's model behind Claude Code: then its name alone tells."""
    provider = "anthropic" if model.startswith("claude") else None
    return {a.GEN_AI_RESPONSE_MODEL: model, a.GEN_AI_PROVIDER_NAME: provider}
