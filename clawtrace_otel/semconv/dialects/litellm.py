"""LiteLLM: the proxy and the library, the older instrumentation (v1) and the newer one (v2).

v2 follows the official names. v1 names the function that was called where the operation and the
request type belong, and puts it on ``litellm_request``, or on ``Received Proxy Server Request``
where that is its parent. ``raw_gen_ai_request`` below it repeats what went over the wire, under
names of its own. ``input_tokens`` includes the cached ones. Both write what LiteLLM reckons that
the call cost (:mod:`clawtrace_otel.semconv.dialects.supplied`).
"""

from collections.abc import Mapping

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect, Kind

CALL_TYPES: Mapping[str, Kind] = {
    prefix + name: "llm"
    for prefix in ("", "a")
    for name in (
        "completion",
        "text_completion",
        "embedding",
        "responses",
        "anthropic_messages",
        "generate_content",
        "generate_content_stream",
        "rerank",
    )
}

LITELLM = Dialect(
    name="LiteLLM",
    kind_key=a.GEN_AI_OPERATION_NAME,
    kinds=CALL_TYPES,
    llm={"model": (a.LITELLM_PROVIDER_MODEL,)},
    source="BerriAI/litellm, litellm/integrations/otel and opentelemetry.py: not captured",
)

LITELLM_V1 = Dialect(
    name="LiteLLM, v1 without content",
    kind_key=a.LLM_REQUEST_TYPE,
    kinds=CALL_TYPES,
)
