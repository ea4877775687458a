"""What an instrumentation shows of the scripted run."""

from dataclasses import dataclass

import msgspec

from clawtrace_otel.demo.model_script import Reply
from tests.fixtures import script

HELLO = script._HELLO
NO_USAGE = Reply(text="Hello.", input_tokens=0, output_tokens=0)
REFUSED = Reply(status=429, input_tokens=0, output_tokens=0)
EMBEDDING = Reply(input_tokens=3, output_tokens=0)
AROUND_EMBEDDING = Reply(input_tokens=0, output_tokens=0)
"""A second span, around that of an embedding, without its tokens."""

LOOP = script._ROLES["planner"]
LEAD, RESEARCHER, WRITER = (script._ROLES[name] for name in ("lead", "researcher", "writer"))
TRANSFER = msgspec.structs.replace(LEAD[3], tool_calls=script._TRANSFER)

OPENAI = (*LOOP, *LOOP, HELLO, NO_USAGE, HELLO, REFUSED, EMBEDDING)
CHAT_ONLY = (*LOOP, HELLO, NO_USAGE, REFUSED)
ANTHROPIC = (*LOOP, *LOOP, HELLO, HELLO, REFUSED)
AGENTS = (*LEAD[:3], *RESEARCHER, LEAD[3], *WRITER)
LANGCHAIN = (*LEAD[:3], *RESEARCHER, LOOP[2])

GPT = ("openai", "gpt-5")
CLAUDE = ("anthropic", "claude-sonnet-4-5")


@dataclass(frozen=True, kw_only=True)
class View:
    """What one instrumentation shows.

    Attributes:
        calls: the model's replies in time order.
        blind: what it does not report: token counts by their names in ``Usage``; ``ttl`` of cache
            writes; ``stream``: any usage of streams; ``content``; ``finish_reason`` of any call;
            ``finish_reason_of_streams``. ``ids``: it may show another id of a tool call.
            ``stream_output``: one too many.
        model: provider and model, as it names them.
        span: how the names of its LLM spans begin, where it makes two for one call.
    """

    file: str
    scope: str
    calls: tuple[Reply, ...]
    blind: frozenset[str] = frozenset()
    model: tuple[str, str] = GPT
    span: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.scope.rpartition('.')[2]}{self.span and ':' + self.span}"


def make_view(
    file: str,
    scope: str,
    calls: tuple[Reply, ...],
    *blind: str,
    model: tuple[str, str] | None = None,
    span: str = "",
) -> View:
    """A view; the model is Anthropic's if the calls are those of its SDK, else OpenAI's."""
    model = model or (CLAUDE if calls == ANTHROPIC else GPT)
    return View(file=file, scope=scope, calls=calls, blind=frozenset(blind), model=model, span=span)
