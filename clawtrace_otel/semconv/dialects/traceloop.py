"""Traceloop / OpenLLMetry: 0.62, which follows the official names, and the older numbered style.

Source: spans captured from ``opentelemetry-instrumentation-openai`` 0.62.4 and 0.40.14; the SDK's
decorators add ``traceloop.span.kind``. Token counts include the cached ones.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

TRACELOOP = Dialect(
    name="Traceloop",
    source="Spans captured from OpenLLMetry 0.62.4; decorators of traceloop-sdk 0.62.4.",
    kind_key=a.TRACELOOP_SPAN_KIND,
    kinds={"workflow": "workflow", "task": "span", "agent": "agent", "tool": "tool"},
    llm={
        "cache_read": (a.TRACELOOP_USAGE_CACHE_READ,),
        "cache_write": (a.TRACELOOP_USAGE_CACHE_CREATION,),
        "reasoning": (a.TRACELOOP_USAGE_REASONING,),
    },
    tool={
        "tool": (a.TRACELOOP_ENTITY_NAME,),
        "arguments": (a.TRACELOOP_ENTITY_INPUT,),
        "result": (a.TRACELOOP_ENTITY_OUTPUT,),
        # Here, and not in `any` alone, so that it comes before the official name: the Collector's
        # `gen_ai_normalizer` writes the tool's own name there.
        "agent": (a.TRACELOOP_AGENT_NAME,),
    },
    agent={"agent": (a.TRACELOOP_ENTITY_NAME,)},
    any={"session": (a.TRACELOOP_SESSION_ID,), "agent": (a.TRACELOOP_AGENT_NAME,)},
)

TRACELOOP_OLD = Dialect(
    name="Traceloop, before 0.50",
    source="Spans captured from opentelemetry-instrumentation-openai 0.40.14.",
    kind_key=a.LLM_REQUEST_TYPE,
    kinds={"chat": "llm", "completion": "llm", "embedding": "llm", "rerank": "llm"},
    llm={
        "provider": (a.LLM_VENDOR,),
        "request_model": (a.LLM_REQUEST_MODEL,),
        "model": (a.LLM_RESPONSE_MODEL,),
        "input_tokens": (a.LLM_USAGE_PROMPT_TOKENS,),
        "output_tokens": (a.LLM_USAGE_COMPLETION_TOKENS,),
        "reasoning": (a.LLM_USAGE_REASONING_TOKENS,),
        "input_messages": (a.TRACELOOP_PROMPT_PREFIX,),
        "output_messages": (a.TRACELOOP_COMPLETION_PREFIX,),
    },
)
