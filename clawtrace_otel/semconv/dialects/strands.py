"""Strands Agents.

The names are the official ones. What is its own: content is in span events, of which there are two
styles; the provider is written as ``strands-agents``; and the tokens on the span of an agent are
those of the agent object since it was made, so that they grow from run to run. Token counts include
the cached ones.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

STRANDS = Dialect(
    name="Strands Agents",
    scopes=("strands.telemetry.tracer",),
    events={
        a.STRANDS_TOOL_EVENT: {"arguments": (a.STRANDS_CONTENT,)},
        a.STRANDS_CHOICE_EVENT: {
            "output_messages": (a.STRANDS_MESSAGE,),
            "result": (a.STRANDS_MESSAGE,),
            "finish_reasons": (a.STRANDS_FINISH_REASON,),
        },
        # With OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental; on spans of tools the
        # attributes of the span come first.
        a.STRANDS_DETAILS_EVENT: {
            "input_messages": (a.GEN_AI_INPUT_MESSAGES,),
            "output_messages": (a.GEN_AI_OUTPUT_MESSAGES,),
            "parameters": (a.GEN_AI_SYSTEM_INSTRUCTIONS,),
        },
    },
    failures={a.STRANDS_TOOL_STATUS: {"error"}},
    source="spans captured from strands-agents 1.62; strands/telemetry/tracer.py",
)
