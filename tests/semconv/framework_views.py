"""What Strands, Google's ADK and Vercel's AI SDK show of the scripted run."""

from tests.semconv.view import (
    AROUND_EMBEDDING,
    CLAUDE,
    EMBEDDING,
    HELLO,
    LANGCHAIN,
    LEAD,
    LOOP,
    REFUSED,
    RESEARCHER,
    TRANSFER,
    WRITER,
    View,
    make_view,
)

_STRANDS_SCOPE = "strands.telemetry.tracer"
_STRANDS = (*LANGCHAIN, HELLO)
# The SDK does not say which vendor's model it calls.
_STRANDS_BLIND = ("cache_write", "reasoning", "provider")

_ADK_SCOPE = "gcp.vertex.agent"
_ADK = (*LEAD[:3], *RESEARCHER, TRANSFER, *WRITER, HELLO)
_GEMINI = ("gcp.gemini", "gemini-2.5-pro")
_ADK_BLIND = ("cache_write",)

_VERCEL = (*LANGCHAIN, HELLO, HELLO, REFUSED, EMBEDDING)
_VERCEL_7 = (*LANGCHAIN, HELLO, HELLO, REFUSED, AROUND_EMBEDDING, EMBEDDING)
_VERCEL_ANTHROPIC = (*LOOP, *LOOP, HELLO)
_VERCEL_GOOGLE = (*LOOP, *LOOP)

VIEWS: list[View] = [
    make_view("strands", _STRANDS_SCOPE, _STRANDS, *_STRANDS_BLIND),
    make_view("strands_latest", _STRANDS_SCOPE, _STRANDS, *_STRANDS_BLIND),
    make_view("strands_openinference", _STRANDS_SCOPE, _STRANDS, *_STRANDS_BLIND),
    make_view(
        "strands_openinference", "openinference.instrumentation.openai", _STRANDS, "cache_write"
    ),
    make_view("strands_official", _STRANDS_SCOPE, _STRANDS, *_STRANDS_BLIND),
    make_view(
        "strands_official",
        "opentelemetry.instrumentation.genai.openai",
        _STRANDS,
        "cache_write",
    ),
    make_view(
        "google_adk",
        _ADK_SCOPE,
        _ADK,
        *(*_ADK_BLIND, "content", "finish_reason"),
        model=_GEMINI,
    ),
    make_view("google_adk_latest", _ADK_SCOPE, _ADK, *_ADK_BLIND, model=_GEMINI),
    make_view(
        "google_adk_legacy",
        _ADK_SCOPE,
        _ADK,
        *(*_ADK_BLIND, "provider"),
        model=_GEMINI,
        span="call_llm",
    ),
    make_view(
        "google_adk_legacy",
        _ADK_SCOPE,
        _ADK,
        *(*_ADK_BLIND, "content", "finish_reason"),
        model=("gemini", "gemini-2.5-pro"),
        span="generate_content",
    ),
    make_view(
        "google_adk_openinference",
        _ADK_SCOPE,
        _ADK,
        *_ADK_BLIND,
        model=("google", "gemini-2.5-pro"),
    ),
    make_view("vercel_ai_4", "ai", _VERCEL, "cache_write"),
    # Its spans say nothing of cached and reasoning tokens unless the call streams.
    make_view("vercel_ai_5", "ai", _VERCEL, "cache_write", "cache_read", "reasoning"),
    make_view("vercel_ai_6", "ai", _VERCEL, "cache_write"),
    make_view("vercel_ai_7", "gen_ai", _VERCEL_7, "cache_write", "reasoning"),
    make_view("vercel_ai_7_usage", "gen_ai", _VERCEL_7, "cache_write"),
    make_view("vercel_ai_4_anthropic", "ai", _VERCEL_ANTHROPIC, "reasoning", "ttl", model=CLAUDE),
    make_view("vercel_ai_5_anthropic", "ai", _VERCEL_ANTHROPIC, "reasoning", model=CLAUDE),
    make_view("vercel_ai_6_anthropic", "ai", _VERCEL_ANTHROPIC, "reasoning", model=CLAUDE),
    make_view(
        "vercel_ai_7_anthropic", "gen_ai", _VERCEL_ANTHROPIC, "reasoning", "ttl", model=CLAUDE
    ),
]

_GOOGLE = ("google", "gemini-2.5-pro")
VIEWS += [
    make_view("vercel_ai_5_google", "ai", _VERCEL_GOOGLE, "cache_write", model=_GOOGLE),
    make_view("vercel_ai_6_google", "ai", _VERCEL_GOOGLE, "cache_write", model=_GOOGLE),
    make_view(
        "vercel_ai_7_google",
        "gen_ai",
        _VERCEL_GOOGLE,
        *("cache_write", "reasoning"),
        model=_GEMINI,
    ),
]

_STRANDS_NAMES = ["lead", "lead", "researcher"]
_ADK_NAMES = ["greeter", "lead", "research", "writer"]
_VERCEL_NAMES = ["lead", "researcher"]
# Version 7 says `invoke_agent` of every call, also where `functionId` gives no name.
_VERCEL_7_NAMES = ["invoke_agent gpt-5"] * 3 + _VERCEL_NAMES
AGENT_NAMES = {
    "strands": _STRANDS_NAMES,
    "strands_latest": _STRANDS_NAMES,
    "strands_openinference": _STRANDS_NAMES,
    "strands_official": _STRANDS_NAMES,
    "google_adk": _ADK_NAMES,
    "google_adk_latest": _ADK_NAMES,
    "google_adk_legacy": _ADK_NAMES,
    # Two libraries make a span each.
    "google_adk_openinference": sorted(_ADK_NAMES * 2),
    "vercel_ai_4": _VERCEL_NAMES,
    "vercel_ai_5": _VERCEL_NAMES,
    "vercel_ai_6": _VERCEL_NAMES,
    "vercel_ai_7": _VERCEL_7_NAMES,
    "vercel_ai_7_usage": _VERCEL_7_NAMES,
    "vercel_ai_4_anthropic": ["planner", "planner"],
    "vercel_ai_5_anthropic": ["planner", "planner"],
    "vercel_ai_6_anthropic": ["planner", "planner"],
    **{f"vercel_ai_{n}_google": ["planner", "planner"] for n in (5, 6, 7)},
    "vercel_ai_7_anthropic": ["invoke_agent claude-sonnet-4-5", "planner", "planner"],
}

CONVERSATIONS = {
    *(file for file in AGENT_NAMES if file.startswith(("strands", "google_adk"))),
    *(file for file in AGENT_NAMES if file.startswith(("vercel_ai_4", "vercel_ai_5"))),
    *(file for file in AGENT_NAMES if file.startswith("vercel_ai_6")),
}
"""Files whose spans say that they belong to ``conversation-1``."""

TEAMS = {file for file in AGENT_NAMES if not file.endswith(("_anthropic", "_google"))}
"""Files of a lead that asks a researcher; the others are a planner that runs twice."""

WITHOUT_CONTENT = {"google_adk"}
"""Files whose spans of tools hold neither arguments nor results."""
