"""Gemini CLI's spans.

Each model call and each batch of tool calls is a trace of its own; the session joins them. The
input includes the cached tokens and the output excludes thoughts; how many there are of either only
the log records say (:mod:`clawtrace_otel.semconv.dialects.gemini_cli_records`). With its setting
``telemetry.traces`` off, which is the default, there are spans all the same, but without tokens,
messages, arguments and results. On a span of a tool the attributes of messages hold arguments and
result.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

GEMINI_CLI = Dialect(
    name="Gemini CLI",
    kind_key=a.GEN_AI_OPERATION_NAME,
    kinds={
        "llm_call": "llm",
        "tool_call": "tool",
        "agent_call": "agent",
        "user_prompt": "workflow",
        "system_prompt": "span",
        "schedule_tool_calls": "span",
    },
    scopes=("gemini-cli",),
    tool={
        "call_id": (a.GEMINI_CLI_TOOL_CALL_ID,),
        "arguments": (a.GEN_AI_INPUT_MESSAGES,),
        "result": (a.GEN_AI_OUTPUT_MESSAGES,),
    },
    source="spans captured from @google/gemini-cli 0.61.0; of agents its source",
)
