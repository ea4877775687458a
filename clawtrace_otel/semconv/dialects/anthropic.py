"""The spans that Anthropic's SDKs emit by themselves (on by default since 2.0).

Source: spans captured from ``anthropic`` 2.12. Official names, plus the split of cache writes by
time to live, without which a one-hour write cannot be priced. ``input_tokens`` includes the cached.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

ANTHROPIC = Dialect(
    name="Anthropic SDK",
    source="Spans captured from anthropic 2.12.",
    llm={
        "cache_write_5m": (a.ANTHROPIC_CACHE_WRITE_5M,),
        "cache_write_1h": (a.ANTHROPIC_CACHE_WRITE_1H,),
        "tier": (a.ANTHROPIC_RESPONSE_SERVICE_TIER, a.ANTHROPIC_REQUEST_SERVICE_TIER),
        "finish_reasons": (a.ANTHROPIC_STOP_REASON,),
    },
    tool={"result": (a.ANTHROPIC_TOOL_RESULT,)},
)
