"""Every attribute key that is read or written, once.

Sources: the OpenTelemetry GenAI semantic conventions (current and those up to 1.36), the spans that
Traceloop/OpenLLMetry, OpenInference and the Anthropic SDK emit (``tests/fixtures/otlp``), and
``docs/attributes.md`` for the keys under ``clawtrace.``.
"""

# Resource and general
SERVICE_NAME = "service.name"
SESSION_ID = "session.id"
ERROR_TYPE = "error.type"
EXCEPTION_EVENT = "exception"
EXCEPTION_TYPE = "exception.type"
EXCEPTION_MESSAGE = "exception.message"
EVENT_NAME = "event.name"

# OpenTelemetry GenAI, current
GEN_AI_OPERATION_NAME = "gen_ai.operation.name"
GEN_AI_PROVIDER_NAME = "gen_ai.provider.name"
GEN_AI_REQUEST_MODEL = "gen_ai.request.model"
GEN_AI_RESPONSE_MODEL = "gen_ai.response.model"
GEN_AI_RESPONSE_ID = "gen_ai.response.id"
GEN_AI_RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
GEN_AI_USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
GEN_AI_USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
GEN_AI_USAGE_CACHE_READ = "gen_ai.usage.cache_read.input_tokens"
GEN_AI_USAGE_CACHE_WRITE = "gen_ai.usage.cache_write.input_tokens"
GEN_AI_USAGE_CACHE_CREATION = "gen_ai.usage.cache_creation.input_tokens"
GEN_AI_USAGE_REASONING = "gen_ai.usage.reasoning.output_tokens"
GEN_AI_REQUEST_TEMPERATURE = "gen_ai.request.temperature"
GEN_AI_REQUEST_TOP_P = "gen_ai.request.top_p"
GEN_AI_REQUEST_TOP_K = "gen_ai.request.top_k"
GEN_AI_REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
GEN_AI_REQUEST_SEED = "gen_ai.request.seed"
GEN_AI_REQUEST_CHOICE_COUNT = "gen_ai.request.choice.count"
GEN_AI_REQUEST_STOP_SEQUENCES = "gen_ai.request.stop_sequences"
GEN_AI_INPUT_MESSAGES = "gen_ai.input.messages"
GEN_AI_OUTPUT_MESSAGES = "gen_ai.output.messages"
GEN_AI_SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
GEN_AI_TOOL_DEFINITIONS = "gen_ai.tool.definitions"
GEN_AI_TOOL_NAME = "gen_ai.tool.name"
GEN_AI_TOOL_CALL_ID = "gen_ai.tool.call.id"
GEN_AI_TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments"
GEN_AI_TOOL_CALL_RESULT = "gen_ai.tool.call.result"
GEN_AI_AGENT_NAME = "gen_ai.agent.name"
GEN_AI_WORKFLOW_NAME = "gen_ai.workflow.name"
GEN_AI_CONVERSATION_ID = "gen_ai.conversation.id"
OPENAI_RESPONSE_SERVICE_TIER = "openai.response.service_tier"
OPENAI_REQUEST_SERVICE_TIER = "openai.request.service_tier"
MCP_METHOD_NAME = "mcp.method.name"

# OpenTelemetry GenAI, evaluation results (an event: a log record or a span event)
GEN_AI_EVALUATION_RESULT = "gen_ai.evaluation.result"
GEN_AI_EVALUATION_NAME = "gen_ai.evaluation.name"
GEN_AI_EVALUATION_SCORE_VALUE = "gen_ai.evaluation.score.value"
GEN_AI_EVALUATION_SCORE_LABEL = "gen_ai.evaluation.score.label"
GEN_AI_EVALUATION_EXPLANATION = "gen_ai.evaluation.explanation"

# OpenTelemetry GenAI, up to 1.36
GEN_AI_SYSTEM = "gen_ai.system"
GEN_AI_USAGE_PROMPT_TOKENS = "gen_ai.usage.prompt_tokens"
GEN_AI_USAGE_COMPLETION_TOKENS = "gen_ai.usage.completion_tokens"
GEN_AI_OPENAI_RESPONSE_SERVICE_TIER = "gen_ai.openai.response.service_tier"
GEN_AI_OPENAI_REQUEST_SERVICE_TIER = "gen_ai.openai.request.service_tier"

# Traceloop / OpenLLMetry
TRACELOOP_SPAN_KIND = "traceloop.span.kind"
TRACELOOP_ENTITY_NAME = "traceloop.entity.name"
TRACELOOP_ENTITY_INPUT = "traceloop.entity.input"
TRACELOOP_ENTITY_OUTPUT = "traceloop.entity.output"
TRACELOOP_SESSION_ID = "traceloop.association.properties.session_id"
TRACELOOP_AGENT_NAME = "traceloop.association.properties.lc_agent_name"
TRACELOOP_PROMPT_PREFIX = "gen_ai.prompt."
TRACELOOP_COMPLETION_PREFIX = "gen_ai.completion."
TRACELOOP_USAGE_CACHE_READ = "gen_ai.usage.cache_read_input_tokens"
TRACELOOP_USAGE_CACHE_CREATION = "gen_ai.usage.cache_creation_input_tokens"
TRACELOOP_USAGE_REASONING = "gen_ai.usage.reasoning_tokens"
LLM_REQUEST_TYPE = "llm.request.type"
LLM_REQUEST_MODEL = "llm.request.model"
LLM_RESPONSE_MODEL = "llm.response.model"
LLM_VENDOR = "llm.vendor"
LLM_USAGE_PROMPT_TOKENS = "llm.usage.prompt_tokens"
LLM_USAGE_COMPLETION_TOKENS = "llm.usage.completion_tokens"
LLM_USAGE_REASONING_TOKENS = "llm.usage.reasoning_tokens"

# OpenInference
OPENINFERENCE_SPAN_KIND = "openinference.span.kind"
OI_MODEL_NAME = "llm.model_name"
OI_REQUEST_MODEL_NAME = "llm.request.model_name"
OI_RESPONSE_MODEL_NAME = "llm.response.model_name"
OI_EMBEDDING_MODEL_NAME = "embedding.model_name"
OI_RERANKER_MODEL_NAME = "reranker.model_name"
OI_PROVIDER = "llm.provider"
OI_SYSTEM = "llm.system"
OI_INVOCATION_PARAMETERS = "llm.invocation_parameters"
OI_TOKENS_PROMPT = "llm.token_count.prompt"
OI_TOKENS_COMPLETION = "llm.token_count.completion"
OI_TOKENS_CACHE_READ = "llm.token_count.prompt_details.cache_read"
OI_TOKENS_CACHE_WRITE = "llm.token_count.prompt_details.cache_write"
OI_TOKENS_REASONING = "llm.token_count.completion_details.reasoning"
OI_COST_TOTAL = "llm.cost.total"
OI_INPUT_MESSAGES_PREFIX = "llm.input_messages."
OI_OUTPUT_MESSAGES_PREFIX = "llm.output_messages."
OI_INPUT_VALUE = "input.value"
OI_OUTPUT_VALUE = "output.value"
OI_TOOL_NAME = "tool.name"
OI_TOOL_ID = "tool.id"
OI_AGENT_NAME = "agent.name"
OI_GRAPH_NODE_ID = "graph.node.id"
OI_METADATA = "metadata"

# Anthropic SDK
ANTHROPIC_CACHE_WRITE_5M = "anthropic.usage.cache_creation.ephemeral_5m_input_tokens"
ANTHROPIC_CACHE_WRITE_1H = "anthropic.usage.cache_creation.ephemeral_1h_input_tokens"
ANTHROPIC_RESPONSE_SERVICE_TIER = "anthropic.response.service_tier"
ANTHROPIC_REQUEST_SERVICE_TIER = "anthropic.request.service_tier"
ANTHROPIC_STOP_REASON = "anthropic.message.stop_reason"
ANTHROPIC_TOOL_RESULT = "anthropic.tool_result.content"

# Supplied costs in USD, as tools of the field write them
GEN_AI_USAGE_COST_AMOUNT = "gen_ai.usage.cost.amount"
GEN_AI_USAGE_COST_CURRENCY = "gen_ai.usage.cost.currency"
GEN_AI_USAGE_COST = "gen_ai.usage.cost"
GEN_AI_USAGE_COST_USD = "gen_ai.usage.cost_usd"
GEN_AI_USAGE_TOTAL_COST = "gen_ai.usage.total_cost"
GEN_AI_COST_TOTAL_COST = "gen_ai.cost.total_cost"
LITELLM_COST_TOTAL = "litellm.cost.total"
OPERATION_COST = "operation.cost"
OPENCODE_COST_TOTAL = "opencode.llm.cost.total"
LLM_USAGE_TOTAL_COST = "llm.usage.total_cost"

# ClawTrace, read
CLAWTRACE_TOOL_READ_ONLY = "clawtrace.tool.read_only"

# ClawTrace, written
CLAWTRACE_COST_USD = "clawtrace.cost.usd"
CLAWTRACE_COST_SOURCE = "clawtrace.cost.source"
CLAWTRACE_COST_UNPRICED_REASON = "clawtrace.cost.unpriced_reason"
CLAWTRACE_REPEAT_OF = "clawtrace.repeat.of"
CLAWTRACE_REPEAT_KIND = "clawtrace.repeat.kind"
CLAWTRACE_REPEAT_VERDICT = "clawtrace.repeat.verdict"
CLAWTRACE_REPEAT_COUNT = "clawtrace.repeat.count"
CLAWTRACE_RETRY_OF = "clawtrace.retry.of"
CLAWTRACE_TRACE_COST_USD = "clawtrace.trace.cost.usd"
CLAWTRACE_TRACE_LLM_CALLS = "clawtrace.trace.llm_calls"
CLAWTRACE_TRACE_TOOL_CALLS = "clawtrace.trace.tool_calls"

WRITTEN = frozenset(
    value
    for key, value in list(globals().items())
    if key.startswith("CLAWTRACE_") and value != CLAWTRACE_TOOL_READ_ONLY
)
