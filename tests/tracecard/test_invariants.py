"""What holds for the card of any trace."""

import json
import random
from decimal import Decimal

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawtrace_otel.semconv.step import Step, Usage
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import check_card
from clawtrace_otel.tracecard.schema import shipped_schema
from clawtrace_otel.tracecard.write import dump_card
from tests.tracecard.traces import TraceBuilder, traces

COMPILER = Compiler()
VALIDATOR = jsonschema.Draft202012Validator(json.loads(shipped_schema()))

slowly = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def text_of(steps: list[Step]) -> str | None:
    card = COMPILER.compile(steps)
    return None if card is None else dump_card(card)


def exact(usd: float | None) -> Decimal:
    return Decimal(repr(usd or 0.0))


@slowly
@given(traces(), st.randoms(use_true_random=False))
def test_order_and_repeated_delivery_do_not_change_a_card(
    steps: list[Step], r: random.Random
) -> None:
    expected = text_of(steps)
    delivered = [step for step in steps for _ in range(r.choice([1, 1, 5]))]
    r.shuffle(delivered)
    assert text_of(delivered) == expected


@slowly
@given(traces())
def test_every_card_is_valid_and_small_and_says_what_it_said(steps: list[Step]) -> None:
    card = COMPILER.compile(steps)
    if card is None:
        assert not any(step.kind in ("llm", "tool") for step in steps)
        return
    text = dump_card(card)
    assert len(text.encode()) <= COMPILER.max_bytes
    loaded = yaml.safe_load(text)
    assert loaded == card
    VALIDATOR.validate(loaded)
    check_card(loaded, "the card")


@slowly
@given(traces(), st.sampled_from([1024, 1500, 2048]))
def test_a_card_keeps_to_any_size_from_1024_bytes_on(steps: list[Step], max_bytes: int) -> None:
    card = Compiler(COMPILER.pricer, max_bytes=max_bytes).compile(steps)
    assert card is None or len(dump_card(card).encode()) <= max_bytes


@slowly
@given(traces())
def test_step_costs_and_what_was_folded_add_up_to_the_total(steps: list[Step]) -> None:
    card = COMPILER.compile(steps)
    if card is not None:
        assert sum_of_steps(card) == exact(card["total"]["cost_usd"])


@slowly
@given(traces())
def test_a_cost_is_null_only_where_no_call_could_be_priced(steps: list[Step]) -> None:
    card = COMPILER.compile(steps)
    if card is None or "folded" in card:
        return
    known = [s["usd"] for s in own_costs(card) if s["usd"] is not None]
    assert (card["total"]["cost_usd"] is None) == (not known)


@pytest.mark.parametrize("count", [1, 20, 1_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_trace_of_any_length_has_a_valid_card_of_at_most_max_bytes(count: int) -> None:
    card = COMPILER.compile(long_trace(count))
    assert card is not None
    text = dump_card(card)
    assert len(text.encode()) <= COMPILER.max_bytes
    VALIDATOR.validate(yaml.safe_load(text))
    assert card["total"]["llm_calls"] + card["total"]["tool_calls"] == count
    assert sum_of_steps(card) == exact(card["total"]["cost_usd"])
    listed = len(card["steps"]) + card.get("folded", {}).get("steps", 0)
    assert listed == count


def test_a_card_of_twenty_steps_is_not_folded() -> None:
    card = COMPILER.compile(long_trace(20))
    assert card is not None
    assert "folded" not in card


def test_what_is_folded_is_cheaper_than_what_is_kept() -> None:
    card = COMPILER.compile(long_trace(1_000, repeats=False))
    assert card is not None
    kept = [exact(step["usd"]) for step in card["steps"] if "llm" in step]
    folded = card["folded"]
    assert min(kept) >= exact(folded["usd"]) / folded["steps"]


def test_a_trace_as_deep_as_it_is_long_is_compiled() -> None:
    trace = TraceBuilder()
    for n in range(5_000):
        trace.llm(parent_id=f"{n + 1:016x}")
    card = COMPILER.compile(trace.end())
    assert card is not None


def long_trace(count: int, *, repeats: bool = True) -> list[Step]:
    r = random.Random(count)
    trace = TraceBuilder()
    for n in range(count):
        if n % 2:
            trace.tool("read_file", {"path": f"{r.randrange(40 if repeats else 10**9)}.txt"})
        else:
            trace.llm(usage=Usage(fresh=r.randrange(1, 20_000), output=r.randrange(500)))
    return trace.end()


def own_costs(card: Card) -> list[dict[str, float | None]]:
    """The steps whose cost is their own: an agent's is the sum of others, unless it says so."""
    return [
        {"usd": step["usd"]}
        for step in card["steps"]
        if "usd" in step and ("agent" not in step or step.get("aggregate"))
    ]


def sum_of_steps(card: Card) -> Decimal:
    listed = sum((exact(step["usd"]) for step in own_costs(card)), Decimal(0))
    return listed + exact(card.get("folded", {}).get("usd"))
