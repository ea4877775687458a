"""Costs in USD that a span already carries, under the names that tools of the field use.

There is no official attribute yet (semantic-conventions-genai PR #443 proposes
``gen_ai.usage.cost.amount`` with a currency). Only USD is taken.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

SUPPLIED = Dialect(
    name="Supplied costs",
    source="Attributes that tools of the field write; semantic-conventions-genai PR #443.",
    llm={
        "cost": (
            a.GEN_AI_USAGE_COST_AMOUNT,
            a.GEN_AI_USAGE_COST,
            a.GEN_AI_USAGE_COST_USD,
            a.GEN_AI_USAGE_TOTAL_COST,
            a.GEN_AI_COST_TOTAL_COST,
            a.LITELLM_COST_TOTAL,
            a.OPERATION_COST,
            a.OPENCODE_COST_TOTAL,
            a.LLM_USAGE_TOTAL_COST,
        ),
        "cost_currency": (a.GEN_AI_USAGE_COST_CURRENCY,),
    },
    agent={
        "cost": (a.GEN_AI_USAGE_COST_AMOUNT,),
        "cost_currency": (a.GEN_AI_USAGE_COST_CURRENCY,),
    },
)
