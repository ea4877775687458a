"""Langfuse's SDKs: ``@observe``, observations by hand, its ``openai`` module and its callbacks.

Usage is one JSON object. Under Langfuse's own names cached tokens stand beside ``input`` and
reasoning beside ``output``; under OpenAI's they are a part of them, as in OpenAI's answer.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

LANGFUSE = Dialect(
    name="Langfuse SDK",
    kind_key=a.LANGFUSE_TYPE,
    kinds={
        "generation": "llm",
        "embedding": "llm",
        "tool": "tool",
        "agent": "agent",
        "span": "span",
        "chain": "span",
        "retriever": "span",
        "evaluator": "span",
        "guardrail": "span",
        "event": "span",
    },
    llm={
        "model": (a.LANGFUSE_MODEL,),
        "usage_details": (a.LANGFUSE_USAGE_DETAILS,),
        "cost_details": (a.LANGFUSE_COST_DETAILS,),
        "parameters": (a.LANGFUSE_MODEL_PARAMETERS,),
        "input_messages": (a.LANGFUSE_INPUT,),
        "output_messages": (a.LANGFUSE_OUTPUT,),
    },
    tool={"arguments": (a.LANGFUSE_INPUT,), "result": (a.LANGFUSE_OUTPUT,)},
    any={
        "session": (a.LANGFUSE_SESSION_ID,),
        "error_text": (a.LANGFUSE_STATUS_MESSAGE,),
    },
    failures={a.LANGFUSE_LEVEL: {"error"}},
    source=(
        "Spans captured from langfuse 5.0.4 and its source; langfuse/langfuse, "
        "packages/shared/src/server/ingestion/types.ts (0391b9a2), which takes the details out of "
        "OpenAI's sums and leaves other names as they are; ten traces of its own test data."
    ),
)
