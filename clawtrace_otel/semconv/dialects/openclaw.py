"""OpenClaw's diagnostics plugin.

``openclaw.model.call`` is one call (of a command line agent: one turn). Newer versions put its
tokens on it; older ones tell them on ``openclaw.model.usage`` alone, which stands beside the calls
of a turn and adds them up. ``openclaw.tokens.input`` leaves out the cached ones and
``gen_ai.usage.input_tokens`` includes them.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

OPENCLAW = Dialect(
    name="OpenClaw",
    kind_key=a.OPENCLAW_OBSERVATION_UNIT,
    kinds={"request": "llm", "turn": "llm"},
    names={
        "openclaw.model.call": "llm",
        "openclaw.model.usage": "account",
        "openclaw.tool.execution": "tool",
        "openclaw.harness.run": "agent",
        "openclaw.run": "workflow",
    },
    llm={
        "provider": (a.OPENCLAW_PROVIDER,),
        "request_model": (a.OPENCLAW_MODEL,),
        "fresh_tokens": (a.OPENCLAW_TOKENS_INPUT,),
        "output_tokens": (a.OPENCLAW_TOKENS_OUTPUT,),
        "cache_read": (a.OPENCLAW_TOKENS_CACHE_READ,),
        "cache_write": (a.OPENCLAW_TOKENS_CACHE_WRITE,),
        "input_messages": (a.OPENCLAW_INPUT_MESSAGES,),
        "output_messages": (a.OPENCLAW_OUTPUT_MESSAGES,),
    },
    tool={
        "tool": (a.OPENCLAW_TOOL_NAME,),
        "arguments": (a.OPENCLAW_TOOL_INPUT,),
        "result": (a.OPENCLAW_TOOL_OUTPUT,),
    },
    agent={"agent": (a.OPENCLAW_AGENT,)},
    any={
        "error_type": (a.OPENCLAW_ERROR_CATEGORY,),
        "error_text": (a.OPENCLAW_DENIED_REASON,),
    },
    failures={a.OPENCLAW_OUTCOME: {"error", "failed", "blocked"}},
    unnamed={"agent": "workflow"},
    source="openclaw/openclaw, extensions/diagnostics-otel",
)
