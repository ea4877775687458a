"""Codex CLI: its spans, and the log records that stand for them where traces are off.

A request is a ``try_run_sampling_request`` (one for each try), with the model; below it the span
that took up the end of the response has the usage, and no model. The tools that the response asked
for run below it as well, each under its own name. ``input_tokens`` includes the cached ones. The
span of a turn repeats the sum of all its calls.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

CODEX = Dialect(
    name="Codex CLI",
    kind_key=a.CODEX_TOOL_PHASE,
    kinds={"dispatch": "tool"},
    names={
        "try_run_sampling_request": "llm",
        # Log records.
        "codex.sse_event": "llm",
        "codex.tool_result": "tool",
    },
    marks={a.CODEX_USAGE_TOTAL: "llm", a.CODEX_TURN_TOTAL: "workflow"},
    llm={
        "request_model": (a.MODEL,),
        "reasoning": (a.CODEX_USAGE_REASONING,),
    },
    tool={
        "tool": (a.TOOL_NAME,),
        "call_id": (a.CODEX_CALL_ID,),
    },
    agent={
        "request_model": (a.MODEL,),
        "input_tokens": (a.CODEX_TURN_INPUT,),
        "output_tokens": (a.CODEX_TURN_OUTPUT,),
        "cache_read": (a.CODEX_TURN_CACHED,),
        "cache_write": (a.CODEX_TURN_CACHE_WRITE,),
        "reasoning": (a.CODEX_TURN_REASONING,),
    },
    events={
        # Log records.
        "codex.sse_event": {
            "input_tokens": (a.INPUT_TOKEN_COUNT,),
            "output_tokens": (a.OUTPUT_TOKEN_COUNT,),
            "cache_read": (a.CODEX_CACHED_TOKENS,),
            "cache_write": (a.CODEX_CACHE_WRITE_TOKENS,),
            "reasoning": (a.CODEX_REASONING_TOKENS,),
        },
        "codex.tool_result": {"arguments": (a.CODEX_ARGUMENTS,), "result": (a.OUTPUT,)},
    },
    any={"session": (a.CODEX_CONVERSATION_ID,)},
    source="spans and records of 0.169.0 (tests/fixtures/otlp/codex*.jsonl)",
)
