"""OpenClaw tells what a turn used on a span beside its calls: it is priced once.

The spans are built as ``extensions/diagnostics-otel`` of openclaw/openclaw writes them (see
``tests/fixtures/README.md``).
"""

from typing import Any

import pytest

from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from tests.tracecard.traces import START_NS, TRACE_ID

MODEL = {"openclaw.provider": "openai", "openclaw.model": "gpt-5"}
USAGE = {
    **MODEL,
    "openclaw.agent": "main",
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "openai",
    "gen_ai.request.model": "gpt-5",
    "openclaw.tokens.input": 600,
    "openclaw.tokens.output": 200,
    "openclaw.tokens.cache_read": 1000,
    "openclaw.tokens.cache_write": 0,
    "openclaw.tokens.total": 1800,
    "gen_ai.usage.input_tokens": 1600,
    "gen_ai.usage.output_tokens": 200,
    "gen_ai.usage.cache_read.input_tokens": 1000,
}
CALL = {**MODEL, "gen_ai.system": "openai", "gen_ai.request.model": "gpt-5"}
# gpt-5: 1.25 USD, 0.125 cached and 10 out, a million tokens.
COST = (600 * 1.25 + 1000 * 0.125 + 200 * 10) / 1e6


def step(n: int, name: str, attributes: dict[str, Any], parent: int = 1, **fields: Any) -> Step:
    span = Span(
        trace_id=TRACE_ID,
        span_id=f"{n:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name=name,
        start_ns=START_NS + n * 10**9,
        end_ns=START_NS + (n + 1) * 10**9,
        attributes=attributes,
        scope="openclaw",
        service="openclaw-gateway",
    )
    for key, value in fields.items():
        setattr(span, key, value)
    return normalize(span)


def harness(n: int = 1, parent: int = 0, end: int = 20) -> Step:
    attributes = {**MODEL, "openclaw.agent": "main", "openclaw.outcome": "completed"}
    end_ns = START_NS + end * 10**9
    return step(n, "openclaw.harness.run", attributes, parent, end_ns=end_ns)


def call(n: int, parent: int = 1, **attributes: Any) -> Step:
    return step(n, "openclaw.model.call", {**CALL, **attributes}, parent)


def usage(n: int, parent: int = 1) -> Step:
    return step(n, "openclaw.model.usage", USAGE, parent, start_ns=START_NS + 10**9)


def card_of(*steps: Step) -> Card:
    card = Compiler().compile(steps)
    assert card is not None
    return card


def sums(card: Card) -> tuple[object, int, int]:
    total = card["total"]
    return total["cost_usd"], total["llm_calls"], total["unpriced_calls"]


def test_an_account_of_one_call_is_what_that_call_used() -> None:
    card = card_of(harness(), call(2), usage(3))
    assert sums(card) == (pytest.approx(COST), 1, 0)
    (line,) = card["steps"]
    assert (line["llm"], line["in"], line["cached"], line["merged"]) == ("gpt-5", 1600, 1000, 2)


def test_an_account_of_several_calls_is_a_sum_and_its_calls_have_no_price() -> None:
    card = card_of(harness(), call(2), call(4), call(6), usage(7))
    assert sums(card) == (pytest.approx(COST), 3, 0)
    priced = [line for line in card["steps"] if "usd" in line]
    assert [line.get("aggregate") for line in priced] == [True]
    assert card["total"]["tokens"]["input"] == 1600


def test_an_account_without_calls_is_a_call() -> None:
    card = card_of(harness(), usage(3))
    assert sums(card) == (pytest.approx(COST), 1, 0)


def test_calls_that_tell_their_own_tokens_need_no_account() -> None:
    own = {
        "gen_ai.usage.input_tokens": 800,
        "gen_ai.usage.cache_read.input_tokens": 500,
        "gen_ai.usage.output_tokens": 100,
    }
    card = card_of(harness(), call(2, **own), call(4, **own), usage(5))
    assert sums(card) == (pytest.approx(COST), 2, 0)
    assert not any("aggregate" in line for line in card["steps"])


def test_each_turn_has_its_own_account() -> None:
    card = card_of(
        step(1, "openclaw.message.processed", {}, 0, end_ns=START_NS + 40 * 10**9),
        harness(2, 1, 10),
        call(3, 2),
        usage(4, 2),
        harness(12, 1, 30),
        call(13, 12),
        usage(14, 12),
    )
    assert sums(card) == (pytest.approx(2 * COST), 2, 0)
    assert [line["merged"] for line in card["steps"] if "llm" in line] == [2, 2]


def test_accounts_of_one_turn_take_the_calls_before_them() -> None:
    card = card_of(harness(), call(2), usage(3), call(5), usage(6))
    assert sums(card) == (pytest.approx(2 * COST), 2, 0)


def test_a_failed_call_before_it_takes_no_part_in_an_account() -> None:
    failed = step(
        2,
        "openclaw.model.call",
        {**CALL, "openclaw.errorCategory": "rate_limit"},
        failed=True,
        status_message="rate_limit",
    )
    card = card_of(harness(), failed, call(4), usage(5))
    assert card["total"]["llm_calls"] == 2
    assert card["total"]["cost_usd"] == pytest.approx(COST)
    assert [line.get("error") for line in card["steps"]] == ["rate_limit", None]


def test_a_turn_of_a_command_line_agent_is_a_call_and_no_agent() -> None:
    """With the newer names it says ``invoke_agent`` of itself."""
    turn = {
        **USAGE,
        "gen_ai.operation.name": "invoke_agent",
        "openclaw.model_call.observation_unit": "turn",
    }
    card = card_of(harness(), step(2, "invoke_agent gpt-5", turn), usage(3))
    assert sums(card) == (pytest.approx(COST), 1, 0)


def test_tools_tell_names_arguments_results_and_refusals() -> None:
    done = step(
        2,
        "openclaw.tool.execution",
        {
            "openclaw.toolName": "read",
            "gen_ai.tool.name": "read",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.call.id": "call_1",
            "openclaw.content.tool_input": '{"path":"report.txt"}',
            "openclaw.content.tool_output": "410",
        },
    )
    blocked = step(
        4,
        "openclaw.tool.execution",
        {
            "openclaw.toolName": "exec",
            "openclaw.outcome": "blocked",
            "openclaw.deniedReason": "not allowed",
        },
    )
    card = card_of(harness(), done, blocked)
    assert [(line["tool"], line.get("error")) for line in card["steps"]] == [
        ("read", None),
        ("exec", "not allowed"),
    ]
    assert card["root"]["agent"] == "main"
    assert done.result_hash
    assert done.call_id == "call_1"
