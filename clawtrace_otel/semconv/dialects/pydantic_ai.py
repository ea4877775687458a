"""Pydantic AI, and Logfire's own instrumentations of the OpenAI and Anthropic SDKs.

Token counts include the cached ones. What an agent adds up over its run is read for the agent
alone: under ``gen_ai.aggregated_usage`` today, before 2.0 under the names of a call's own usage.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

PYDANTIC_AI = Dialect(
    name="Pydantic AI",
    names={
        "agent run": "agent",
        "running tool": "tool",
        "running output function": "tool",
    },
    # The names of agent spans vary with the agent's, and before 2.0 they have no operation.
    marks={a.PYDANTIC_ALL_MESSAGES: "agent", a.PYDANTIC_ALL_EVENTS: "agent"},
    scopes=("pydantic-ai",),
    llm={
        "cache_read": (a.PYDANTIC_DETAILS_CACHE_READ, a.PYDANTIC_DETAILS_CACHED),
        "cache_write": (a.PYDANTIC_DETAILS_CACHE_WRITE,),
        "reasoning": (a.PYDANTIC_DETAILS_REASONING,),
        # The first format holds the conversation and the answer in one list of events.
        "input_messages": (a.PYDANTIC_EVENTS,),
        "output_messages": (a.PYDANTIC_EVENTS,),
    },
    tool={
        "arguments": (a.PYDANTIC_TOOL_ARGUMENTS,),
        "result": (a.PYDANTIC_TOOL_RESPONSE,),
    },
    agent={
        "agent": (a.PYDANTIC_AGENT_NAME,),
        "request_model": (a.PYDANTIC_MODEL_NAME,),
        "input_tokens": (a.PYDANTIC_RUN_INPUT,),
        "output_tokens": (a.PYDANTIC_RUN_OUTPUT,),
        "cache_read": (a.PYDANTIC_RUN_CACHE_READ, a.PYDANTIC_DETAILS_CACHE_READ),
        "cache_write": (a.PYDANTIC_RUN_CACHE_CREATION, a.PYDANTIC_DETAILS_CACHE_WRITE),
        "reasoning": (a.PYDANTIC_RUN_REASONING, a.PYDANTIC_DETAILS_REASONING),
    },
    source=(
        "Spans captured from pydantic-ai-slim 2.68.0, and from 1.0.18 in its formats 1 and 2; the "
        "sources of both. 1.0.18 tells no cached tokens of OpenAI, but a cost that knows them."
    ),
)

LOGFIRE_PENDING = Dialect(
    name="Logfire pending spans",
    kind_key=a.LOGFIRE_SPAN_TYPE,
    # A copy of every span, sent when it begins. The span itself comes when it ends.
    kinds={"pending_span": "span"},
    source="logfire 5.2.0: exporters and the processor of pending spans.",
)

LOGFIRE = Dialect(
    name="Logfire",
    # Before it named operations. Names of spans are templates that Logfire fills in its interface.
    names={
        "Chat Completion with {request_data[model]!r}": "llm",
        "Completion with {request_data[model]!r}": "llm",
        "Embedding Creation with {request_data[model]!r}": "llm",
        "Message with {request_data[model]!r}": "llm",
        "Responses API with {gen_ai.request.model!r}": "llm",
        "streaming response from {request_data[model]!r} took {duration:.2f}s": "llm",
    },
    scopes=("logfire.openai", "logfire.anthropic"),
    # A stream is two spans. The first ends when the stream begins and tells nothing of the answer;
    # the second is a log of no length, in another trace if the call has no parent.
    answers=(
        a.GEN_AI_RESPONSE_ID,
        a.GEN_AI_USAGE_INPUT_TOKENS,
        a.GEN_AI_OUTPUT_MESSAGES,
        a.LOGFIRE_RESPONSE_DATA,
        a.LOGFIRE_DURATION,
    ),
    # The counts beside it leave out cached and reasoning tokens.
    llm={"usage_details": (a.LOGFIRE_USAGE_RAW,), "seconds": (a.LOGFIRE_DURATION,)},
    source="Spans captured from logfire 5.2.0 and its source (integrations/llm_providers).",
)
