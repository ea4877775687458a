"""What a step of a trajectory says of its call: tokens and cost.

``prompt_tokens`` includes cached tokens, ``cached_tokens`` is how many of them were read from a
cache, and ``completion_tokens`` includes reasoning. What was written to a cache stands in
``extra``, under a name of each agent's own; it is part of ``prompt_tokens`` but for the agents in
``WRITES_LEFT_OUT``. A cost in ``cost_usd`` is supplied, unless the step says that it is an estimate
of LiteLLM's: that does not tell apart cache writes by how long they live.

Source: ATIF-v1.8, ``harbor/models/trajectories/metrics.py``, and the converters in
``harbor/agents`` of Harbor 0.24 and 0.25.
"""

from clawtrace_otel.importers.formats.json_object import JsonObject
from clawtrace_otel.semconv import attributes as a

WRITES_LEFT_OUT = frozenset({"mimo", "openclaw", "opencode", "rovodev-cli"})
"""Agents whose ``prompt_tokens`` are without what was written to a cache."""

_WRITTEN = ("cache_creation_input_tokens", "cache_write_input_tokens", "cache_write_tokens")
_REASONING = ("reasoning_output_tokens", "reasoning_tokens", "thoughts_tokens")
_ESTIMATED = "cost_source"


def usage_of(metrics: JsonObject, agent: str) -> dict[str, object]:
    """The attributes of a call; those of which nothing is known are ``None``.

    Args:
        metrics: of the step.
        agent: name of the agent that wrote it.
    """
    extra = metrics.object("extra")
    inputs, written = metrics.number("prompt_tokens"), _first(extra, _WRITTEN)
    if inputs is not None and written and agent in WRITES_LEFT_OUT:
        inputs += written
    kinds = extra.object("cache_creation")
    return {
        a.GEN_AI_USAGE_INPUT_TOKENS: inputs,
        a.GEN_AI_USAGE_OUTPUT_TOKENS: metrics.number("completion_tokens"),
        a.GEN_AI_USAGE_CACHE_READ: metrics.number("cached_tokens"),
        a.GEN_AI_USAGE_CACHE_WRITE: written,
        a.ANTHROPIC_CACHE_WRITE_1H: kinds.number("ephemeral_1h_input_tokens"),
        a.GEN_AI_USAGE_REASONING: _first(extra, _REASONING),
        a.GEN_AI_USAGE_COST_AMOUNT: _cost(metrics, extra),
    }


def totals_of(metrics: JsonObject) -> dict[str, object]:
    """The attributes of what all calls of a trajectory used together.

    Args:
        metrics: ``final_metrics``.
    """
    return {
        a.GEN_AI_USAGE_INPUT_TOKENS: metrics.number("total_prompt_tokens"),
        a.GEN_AI_USAGE_OUTPUT_TOKENS: metrics.number("total_completion_tokens"),
        a.GEN_AI_USAGE_CACHE_READ: metrics.number("total_cached_tokens"),
        a.GEN_AI_USAGE_COST_AMOUNT: metrics.number("total_cost_usd"),
    }


def _first(extra: JsonObject, keys: tuple[str, ...]) -> float | None:
    return next((n for key in keys if (n := extra.number(key)) is not None), None)


def _cost(metrics: JsonObject, extra: JsonObject) -> float | None:
    is_estimate = bool(extra.value.get(_ESTIMATED)) and metrics.number("prompt_tokens") is not None
    return None if is_estimate else metrics.number("cost_usd")
