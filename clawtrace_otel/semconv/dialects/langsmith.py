"""LangSmith's spans, of LangChain, LangGraph and ``@traceable`` (``LANGSMITH_OTEL_ENABLED``).

Token counts include the cached ones, which stand in the details: in JSON among the metadata, or as
the ``repr`` of a Python dict. ``langsmith.trace.session_name`` is the project, no session.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

LANGSMITH = Dialect(
    name="LangSmith",
    kind_key=a.LANGSMITH_SPAN_KIND,
    kinds={
        "llm": "llm",
        "embedding": "llm",
        "tool": "tool",
        # An agent is a chain of its name.
        "chain": "span",
        "retriever": "span",
        "prompt": "span",
        "parser": "span",
    },
    llm={
        "usage_details": (a.LANGSMITH_USAGE_METADATA,),
        "input_details": (a.LANGSMITH_INPUT_DETAILS,),
        "output_details": (a.LANGSMITH_OUTPUT_DETAILS,),
        "tier": (a.LANGSMITH_SERVICE_TIER,),
        "input_messages": (a.LANGSMITH_PROMPT,),
        "output_messages": (a.LANGSMITH_COMPLETION,),
    },
    tool={"arguments": (a.LANGSMITH_PROMPT,), "result": (a.LANGSMITH_COMPLETION,)},
    any={
        "agent": (a.LANGSMITH_AGENT_NAME,),
        "session": (a.LANGSMITH_SESSION_ID, a.LANGSMITH_THREAD_ID, a.LANGSMITH_CONVERSATION_ID),
    },
    source="Spans captured from langsmith 0.15.0 under langchain 1.4.7, and its OTel exporter.",
)
