"""Claude Code: its spans, and the log records that tell what a request cost.

Token counts are those of Anthropic's API: ``input_tokens`` leaves out what was read from and
written to the cache. A request has the API's request id for its response id, on the span and on the
record. What a tool call came to stands on ``claude_code.tool.execution`` below its span, with the
same id.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

CLAUDE_CODE = Dialect(
    name="Claude Code",
    kind_key=a.SPAN_TYPE,
    kinds={
        "interaction": "workflow",
        "llm_request": "llm",
        "tool": "tool",
        "tool.execution": "tool",
        "tool.blocked_on_user": "span",
    },
    names={
        "claude_code.interaction": "workflow",
        "claude_code.llm_request": "llm",
        "claude_code.tool": "tool",
        "claude_code.tool.execution": "tool",
        "claude_code.tool.blocked_on_user": "span",
        # Log records.
        "claude_code.api_request": "llm",
        "claude_code.tool_result": "tool",
        "claude_code.subagent_completed": "agent",
    },
    llm={
        "request_model": (a.MODEL,),
        "response_id": (a.CC_REQUEST_ID,),
        "finish_reasons": (a.CC_STOP_REASON,),
        "fresh_tokens": (a.CC_INPUT_TOKENS,),
        "output_tokens": (a.CC_OUTPUT_TOKENS,),
        "cache_read": (a.CC_CACHE_READ,),
        "cache_write": (a.CC_CACHE_CREATION,),
    },
    tool={
        "tool": (a.TOOL_NAME,),
        "call_id": (a.CC_TOOL_USE_ID,),
        "arguments": (a.CC_FULL_COMMAND, a.CC_FILE_PATH),
        "agent": (a.CC_SUBAGENT_TYPE,),
    },
    any={"error_text": (a.ERROR,)},
    events={
        a.CC_TOOL_OUTPUT_EVENT: {
            "arguments": (a.INPUT, a.CC_BASH_COMMAND),
            "result": (a.OUTPUT,),
        },
        # Log records.
        "claude_code.api_request": {
            "cache_write_5m": (a.CC_CACHE_CREATION_5M,),
            "cache_write_1h": (a.CC_CACHE_CREATION_1H,),
            "cost": (a.CC_COST_USD,),
        },
        "claude_code.tool_result": {"arguments": (a.CC_TOOL_INPUT,)},
        "claude_code.subagent_completed": {"agent": (a.CC_AGENT_TYPE,)},
    },
    failures={a.SUCCESS: {"false"}},
    # An execution of which not even the id of the call is known says nothing of that call.
    unnamed={"tool": "span"},
    source="spans and records of 2.1.330 (tests/fixtures/otlp/claude_code*.jsonl)",
)
