"""OpenInference (Arize).

Source: openinference-semantic-conventions 0.1.42 and spans captured from its instrumentations.
Token counts include the cached ones. ``tool.parameters`` holds the JSON Schema of a tool, not the
arguments of a call, and is not read.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

OPENINFERENCE = Dialect(
    name="OpenInference",
    source="openinference-semantic-conventions 0.1.42 and captured spans.",
    kind_key=a.OPENINFERENCE_SPAN_KIND,
    kinds={
        "LLM": "llm",
        "EMBEDDING": "llm",
        "RERANKER": "llm",
        "TOOL": "tool",
        "AGENT": "agent",
        "CHAIN": "span",
        "RETRIEVER": "span",
        "GUARDRAIL": "span",
        "EVALUATOR": "span",
        "PROMPT": "span",
        "DECISION": "span",
    },
    llm={
        "provider": (a.OI_SYSTEM, a.OI_PROVIDER),
        "request_model": (a.OI_REQUEST_MODEL_NAME,),
        "model": (
            a.OI_RESPONSE_MODEL_NAME,
            a.OI_MODEL_NAME,
            a.OI_EMBEDDING_MODEL_NAME,
            a.OI_RERANKER_MODEL_NAME,
        ),
        "input_tokens": (a.OI_TOKENS_PROMPT,),
        "output_tokens": (a.OI_TOKENS_COMPLETION,),
        "cache_read": (a.OI_TOKENS_CACHE_READ,),
        "cache_write": (a.OI_TOKENS_CACHE_WRITE,),
        "reasoning": (a.OI_TOKENS_REASONING,),
        "cost": (a.OI_COST_TOTAL,),
        "parameters": (a.OI_INVOCATION_PARAMETERS,),
        "input_messages": (a.OI_INPUT_VALUE,),
        "output_messages": (a.OI_OUTPUT_VALUE,),
    },
    tool={
        "tool": (a.OI_TOOL_NAME,),
        "call_id": (a.OI_TOOL_ID,),
        "arguments": (a.OI_INPUT_VALUE,),
        "result": (a.OI_OUTPUT_VALUE,),
    },
    agent={"agent": (a.OI_AGENT_NAME, a.OI_GRAPH_NODE_ID)},
    any={"session": (a.SESSION_ID,)},
    # The wrapper around a run, and a handoff between agents (OpenAI Agents SDK).
    unnamed={"agent": "workflow", "tool": "span"},
)

OPENINFERENCE_MESSAGES = Dialect(
    name="OpenInference's messages",
    source="openinference-semantic-conventions 0.1.42 and captured spans.",
    llm={
        "input_messages": (a.OI_INPUT_MESSAGES_PREFIX,),
        "output_messages": (a.OI_OUTPUT_MESSAGES_PREFIX,),
    },
)
"""They come before the official ones, which the Collector's ``gen_ai_normalizer`` makes of them: a
message of several contents is then empty, and one that calls tools has lost its text.
"""
