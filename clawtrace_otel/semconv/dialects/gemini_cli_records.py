"""Gemini CLI's log record of a model call. Thinking tokens are not a part of its output tokens.

It is written outside of the span and names neither that nor the response;
:mod:`clawtrace_otel.tracecard.record_fit` finds the span. It repeats
``gen_ai.client.inference.operation.details`` of the same call, which is not read.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

GEMINI_CLI_RECORDS = Dialect(
    name="Gemini CLI, log records",
    names={"gemini_cli.api_response": "llm"},
    events={
        "gemini_cli.api_response": {
            "request_model": (a.MODEL,),
            "input_tokens": (a.INPUT_TOKEN_COUNT,),
            "visible_output_tokens": (a.OUTPUT_TOKEN_COUNT,),
            "cache_read": (a.GEMINI_CLI_CACHED_TOKENS,),
            "reasoning": (a.GEMINI_CLI_THOUGHTS_TOKENS,),
        }
    },
    source="records of 0.61.0 (tests/fixtures/otlp/gemini_cli*.jsonl)",
)
