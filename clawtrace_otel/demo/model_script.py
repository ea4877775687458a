"""What a scripted model server is asked, and what a script has it answer."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

Api = Literal["chat", "responses", "messages", "embeddings"]
Json = dict[str, Any]


class ToolCall(msgspec.Struct, frozen=True):
    """A tool that the model asks for; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What the model answers, and what it says it has used.

    `input_tokens` includes the cached ones, as OpenAI counts; the Messages API is answered the way
    Anthropic counts. `cache_write_tokens` includes `cache_write_1h_tokens`, the rest of it lives
    five minutes. `output_tokens` includes `reasoning_tokens`. A `status` other than 200 is an error
    and says so instead.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    status: int = 200
    model: str | None = None

    def __post_init__(self) -> None:
        """Refuse counts that no API would report."""
        for part, whole in (
            (self.cache_read_tokens + self.cache_write_tokens, self.input_tokens),
            (self.cache_write_1h_tokens, self.cache_write_tokens),
            (self.reasoning_tokens, self.output_tokens),
        ):
            if part > whole:
                msg = f"a part of the tokens ({part}) is more than the whole ({whole}): {self!r}"
                raise ValueError(msg)


class Request(msgspec.Struct, frozen=True):
    """A request that was understood; `messages` is the conversation, `body` the whole of it."""

    api: Api
    model: str
    messages: list[Json]
    body: Json


Script = Callable[[Request], Reply]
