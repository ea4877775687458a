"""LLM calls to price, and the arithmetic that says what they cost."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from clawtrace_otel.semconv.step import Step, Usage

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def mtok(rate: str | Decimal, tokens: int) -> int:
    """What ``tokens`` cost at ``rate`` USD a million, in 1e-12 USD."""
    cost = Decimal(rate) * tokens * 10**6
    assert cost == cost.to_integral_value()
    return int(cost)


def call(when: datetime = NOON, **fields: Any) -> Step:
    """An LLM call; of gpt-5.4 with 1,000 input and 100 output tokens unless told otherwise."""
    defaults = {
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id": "00f067aa0ba902b7",
        "kind": "llm",
        "model": "gpt-5.4",
        "usage": Usage(fresh=1000, output=100),
        "start_ns": int(when.timestamp()) * 10**9,
    }
    return Step(**{**defaults, **fields})
