"""The AI SDK of Vercel, versions 4 to 6; version 7 with ``@ai-sdk/otel`` has the official names.

A call of the SDK (``ai.generateText``) is a span around its model calls (``.doGenerate``) and tool
calls. It repeats the tokens of the last or of all of them, which are not read there. It is an agent
if ``functionId`` names it.

Token counts of versions 4 and 5 are as the provider counts: Anthropic's input excludes the cached
tokens, which then are in ``ai.response.providerMetadata`` alone. From version 6 on they are
included. Version 5 tells no cached tokens of OpenAI's where it does not stream.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

VERCEL_AI_SDK = Dialect(
    name="Vercel AI SDK",
    kind_key=a.AI_OPERATION_ID,
    kinds={
        "ai.generateText": "agent",
        "ai.streamText": "agent",
        "ai.generateObject": "agent",
        "ai.streamObject": "agent",
        "ai.generateText.doGenerate": "llm",
        "ai.streamText.doStream": "llm",
        "ai.generateObject.doGenerate": "llm",
        "ai.streamObject.doStream": "llm",
        "ai.embed": "workflow",
        "ai.embedMany": "workflow",
        "ai.embed.doEmbed": "llm",
        "ai.embedMany.doEmbed": "llm",
        "ai.toolCall": "tool",
    },
    llm={
        "provider": (a.AI_MODEL_PROVIDER,),
        "request_model": (a.AI_MODEL_ID,),
        "model": (a.AI_RESPONSE_MODEL,),
        "response_id": (a.AI_RESPONSE_ID,),
        "finish_reasons": (a.AI_RESPONSE_FINISH_REASON,),
        "input_tokens": (a.AI_USAGE_INPUT, a.AI_USAGE_PROMPT, a.AI_USAGE_EMBEDDED),
        "fresh_tokens": (a.AI_USAGE_NO_CACHE,),
        "output_tokens": (a.AI_USAGE_OUTPUT, a.AI_USAGE_COMPLETION),
        "cache_read": (a.AI_USAGE_CACHE_READ, a.AI_USAGE_CACHED),
        "cache_write": (a.AI_USAGE_CACHE_WRITE,),
        "reasoning": (a.AI_USAGE_REASONING_DETAIL, a.AI_USAGE_REASONING),
        "usage_details": (a.AI_RESPONSE_PROVIDER_METADATA,),
        "input_messages": (a.AI_PROMPT_MESSAGES, a.AI_VALUES, a.AI_VALUE),
        "output_messages": (a.AI_RESPONSE_TEXT, a.AI_RESPONSE_OBJECT),
        "output_calls": (a.AI_RESPONSE_TOOL_CALLS,),
    },
    tool={
        "tool": (a.AI_TOOL_NAME,),
        "call_id": (a.AI_TOOL_CALL_ID,),
        "arguments": (a.AI_TOOL_ARGUMENTS,),
        "result": (a.AI_TOOL_RESULT,),
    },
    any={
        "agent": (a.AI_FUNCTION_ID,),
        "session": (
            a.AI_SESSION_ID,
            a.AI_CONVERSATION_ID,
            a.AI_THREAD_ID,
            a.AI_CHAT_ID,
            a.AI_CONTEXT_SESSION_ID,
        ),
    },
    unnamed={"agent": "workflow"},
    source="spans captured from ai 4.3.19, 5.0.277, 6.0.326 and 7.0.173 with @ai-sdk/otel 1.0.173",
)

API_SUFFIXES = (
    ".chat",
    ".completion",
    ".completions",
    ".embedding",
    ".embeddings",
    ".generative-ai",
    ".image",
    ".messages",
    ".responses",
    ".textembedding",
)
"""What the SDK writes behind the name of a provider: ``openai.chat``, ``anthropic.messages``; in
lower case."""
