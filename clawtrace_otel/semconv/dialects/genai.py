"""The OpenTelemetry GenAI conventions, current and up to 1.36.

Source: open-telemetry/semantic-conventions-genai, ``docs/gen-ai``; the older names as
``opentelemetry-instrumentation-openai-v2`` emits them. ``input_tokens`` includes the cached ones.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

GENAI = Dialect(
    name="OpenTelemetry GenAI",
    source="open-telemetry/semantic-conventions-genai, docs/gen-ai; the conventions up to 1.36.",
    kind_key=a.GEN_AI_OPERATION_NAME,
    kinds={
        "chat": "llm",
        "text_completion": "llm",
        "generate_content": "llm",
        "embeddings": "llm",
        "execute_tool": "tool",
        "invoke_agent": "agent",
        "invoke_workflow": "workflow",
        "handle_conversation_turn": "workflow",
        # A stored response that is fetched again was paid for when it was made.
        "fetch_response": "span",
        "create_agent": "span",
    },
    llm={
        "provider": (a.GEN_AI_PROVIDER_NAME, a.GEN_AI_SYSTEM),
        "request_model": (a.GEN_AI_REQUEST_MODEL,),
        "model": (a.GEN_AI_RESPONSE_MODEL,),
        "response_id": (a.GEN_AI_RESPONSE_ID,),
        "finish_reasons": (a.GEN_AI_RESPONSE_FINISH_REASONS,),
        "input_tokens": (a.GEN_AI_USAGE_INPUT_TOKENS, a.GEN_AI_USAGE_PROMPT_TOKENS),
        "output_tokens": (a.GEN_AI_USAGE_OUTPUT_TOKENS, a.GEN_AI_USAGE_COMPLETION_TOKENS),
        "cache_read": (a.GEN_AI_USAGE_CACHE_READ,),
        "cache_write": (a.GEN_AI_USAGE_CACHE_WRITE, a.GEN_AI_USAGE_CACHE_CREATION),
        "reasoning": (a.GEN_AI_USAGE_REASONING,),
        "tier": (
            a.OPENAI_RESPONSE_SERVICE_TIER,
            a.GEN_AI_OPENAI_RESPONSE_SERVICE_TIER,
            a.OPENAI_REQUEST_SERVICE_TIER,
            a.GEN_AI_OPENAI_REQUEST_SERVICE_TIER,
        ),
        "input_messages": (a.GEN_AI_INPUT_MESSAGES,),
        "output_messages": (a.GEN_AI_OUTPUT_MESSAGES,),
        "tool_definitions": (a.GEN_AI_TOOL_DEFINITIONS,),
    },
    tool={
        "tool": (a.GEN_AI_TOOL_NAME,),
        "call_id": (a.GEN_AI_TOOL_CALL_ID,),
        "arguments": (a.GEN_AI_TOOL_CALL_ARGUMENTS,),
        "result": (a.GEN_AI_TOOL_CALL_RESULT,),
    },
    agent={
        "input_tokens": (a.GEN_AI_USAGE_INPUT_TOKENS, a.GEN_AI_USAGE_PROMPT_TOKENS),
        "output_tokens": (a.GEN_AI_USAGE_OUTPUT_TOKENS, a.GEN_AI_USAGE_COMPLETION_TOKENS),
        "cache_read": (a.GEN_AI_USAGE_CACHE_READ,),
        "cache_write": (a.GEN_AI_USAGE_CACHE_WRITE, a.GEN_AI_USAGE_CACHE_CREATION),
        "reasoning": (a.GEN_AI_USAGE_REASONING,),
        "provider": (a.GEN_AI_PROVIDER_NAME, a.GEN_AI_SYSTEM),
        "request_model": (a.GEN_AI_REQUEST_MODEL,),
        "model": (a.GEN_AI_RESPONSE_MODEL,),
    },
    any={
        "agent": (a.GEN_AI_AGENT_NAME,),
        "session": (a.GEN_AI_CONVERSATION_ID,),
        "error_type": (a.ERROR_TYPE,),
    },
)

# What a request asks for beside its messages. Two calls are equal only if these are equal too.
REQUEST_PARAMETERS = (
    a.GEN_AI_SYSTEM_INSTRUCTIONS,
    a.GEN_AI_REQUEST_TEMPERATURE,
    a.GEN_AI_REQUEST_TOP_P,
    a.GEN_AI_REQUEST_TOP_K,
    a.GEN_AI_REQUEST_MAX_TOKENS,
    a.GEN_AI_REQUEST_SEED,
    a.GEN_AI_REQUEST_CHOICE_COUNT,
    a.GEN_AI_REQUEST_STOP_SEQUENCES,
)
