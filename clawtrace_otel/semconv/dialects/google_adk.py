"""Google's Agent Development Kit.

Its current spans (telemetry schema 2) have the official names; this is what schema 1 and versions
before 2 write beside or instead of them. There ``call_llm`` is the model call, or stands around the
``generate_content`` of the same call. Output includes thoughts, input the cached tokens.

OpenInference changes these spans in place: their names hold for its scope too.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

GOOGLE_ADK = Dialect(
    name="Google ADK",
    names={
        "invocation": "workflow",
        "call_llm": "llm",
        # A handover to another agent, whose span follows.
        "execute_tool transfer_to_agent": "span",
        # Around parallel calls that have spans of their own.
        "execute_tool (merged)": "span",
        "execute_tool (merged tools)": "span",
    },
    scopes=("gcp.vertex.agent", a.ADK_OPENINFERENCE_SCOPE),
    llm={
        "input_messages": (a.ADK_LLM_REQUEST,),
        "output_messages": (a.ADK_LLM_RESPONSE,),
    },
    tool={"arguments": (a.ADK_TOOL_ARGUMENTS,), "result": (a.ADK_TOOL_RESPONSE,)},
    any={"session": (a.ADK_SESSION_ID,)},
    source="spans captured from google-adk 2.13, both telemetry schemas; telemetry/tracing.py",
)
