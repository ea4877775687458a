"""What Pydantic AI, Logfire, Langfuse and LangSmith show of the scripted run."""

from tests.semconv.view import (
    CLAUDE,
    EMBEDDING,
    HELLO,
    LANGCHAIN,
    LOOP,
    NO_USAGE,
    REFUSED,
    View,
    make_view,
)

_OFFICIAL = "opentelemetry.instrumentation.genai.openai"
_OPENINFERENCE = "openinference.instrumentation.openai"

_SINGLE = (HELLO, NO_USAGE, HELLO, REFUSED, EMBEDDING)
_PYDANTIC = (*LANGCHAIN, HELLO, REFUSED)
_LOGFIRE = (*LOOP, *LOOP, HELLO, *_SINGLE)
_NO_WRITES = ("cache_write",)
# Before 2.0 Pydantic AI told OpenAI's cached tokens in the cost alone.
_PYDANTIC_OLD = (*_NO_WRITES, "cache_read")
# Langfuse does not say whose model it is.
_LANGFUSE = (*_NO_WRITES, "provider")

VIEWS: list[View] = [
    make_view("pydantic_ai", "pydantic-ai", _PYDANTIC, *_NO_WRITES),
    make_view("pydantic_ai_official", "pydantic-ai", _PYDANTIC, *_NO_WRITES),
    make_view("pydantic_ai_official", _OFFICIAL, _PYDANTIC, *_NO_WRITES),
    make_view("pydantic_ai_old", "pydantic-ai", _PYDANTIC, *_PYDANTIC_OLD),
    make_view("pydantic_ai_old_events", "pydantic-ai", _PYDANTIC, *_PYDANTIC_OLD),
    make_view("logfire", "logfire.openai", _LOGFIRE, *_NO_WRITES),
    make_view("logfire", "logfire.anthropic", (*LOOP, HELLO), "reasoning", model=CLAUDE),
    make_view("logfire_openinference", "logfire.openai", _LOGFIRE, *_NO_WRITES),
    make_view(
        "logfire_openinference", "logfire.anthropic", (*LOOP, HELLO), "reasoning", model=CLAUDE
    ),
    make_view("logfire_openinference", _OPENINFERENCE, _LOGFIRE, *_NO_WRITES),
    make_view("langfuse", "langfuse-sdk", (*LANGCHAIN, *LOOP, *_SINGLE), *_LANGFUSE),
    make_view("langfuse_openinference", "langfuse-sdk", (*LANGCHAIN, *LOOP, *_SINGLE), *_LANGFUSE),
    make_view("langfuse_openinference", _OPENINFERENCE, (*LANGCHAIN, *_SINGLE), *_NO_WRITES),
    make_view("langchain_langsmith", "langsmith", LANGCHAIN, *_NO_WRITES),
]

_PYDANTIC_NAMES = ["greeter", "greeter", "lead", "researcher"]
_LOGFIRE_NAMES = ["greeter", "planner", "planner", "planner"]
_LANGFUSE_NAMES = ["lead", "planner", "researcher"]
AGENT_NAMES = {
    "pydantic_ai": _PYDANTIC_NAMES,
    "pydantic_ai_official": _PYDANTIC_NAMES,
    "pydantic_ai_old": _PYDANTIC_NAMES,
    "pydantic_ai_old_events": _PYDANTIC_NAMES,
    "logfire": _LOGFIRE_NAMES,
    "logfire_openinference": _LOGFIRE_NAMES,
    "langfuse": _LANGFUSE_NAMES,
    "langfuse_openinference": _LANGFUSE_NAMES,
    "langchain_langsmith": ["lead", "researcher"],
}

CONVERSATIONS = {"langfuse", "langfuse_openinference", "langchain_langsmith"}
"""Files whose spans say that they belong to ``conversation-1``."""

TOOLS = {
    **{file: {"read_file": 3, "research": 1} for file in AGENT_NAMES},
    "logfire": {"read_file": 6},
    "logfire_openinference": {"read_file": 6},
    "langfuse": {"read_file": 5, "research": 1},
    "langfuse_openinference": {"read_file": 5, "research": 1},
}
"""How often each file's tools were called."""
