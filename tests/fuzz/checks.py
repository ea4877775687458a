"""What must hold for every step, every card and every span that is sent on, whatever came in."""

import json
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import jsonschema

from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.processors.enrich import Attributes, Enricher
from clawtrace_otel.semconv.log_records import is_record
from clawtrace_otel.semconv.read_step import read_step
from clawtrace_otel.semconv.step import Evaluation, Step, Usage, decode_steps, encode_steps
from clawtrace_otel.settings import Content
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card, StepLine
from clawtrace_otel.tracecard.read import read_card
from clawtrace_otel.tracecard.record_places import RecordPlaces
from clawtrace_otel.tracecard.schema import shipped_schema
from clawtrace_otel.tracecard.write import dump_card

EXACT_USD = 9_000
"""Up to so much a float holds every 1e-12 USD; larger sums may be off in their last digit."""

VALIDATOR = jsonschema.Draft202012Validator(json.loads(shipped_schema()))


@cache
def compiler(content: Content = "sample") -> Compiler:
    """Makes cards as the service does by default."""
    made = Compiler(Pricer(), content=content)
    made.pricer.warm_up()
    return made


@cache
def scratch() -> Path:
    """A folder for the files of this process."""
    return Path(mkdtemp(prefix="clawtrace-fuzz-"))


def check_run(
    spans: Iterable[Span],
    evaluations: Iterable[tuple[str, Evaluation]] = (),
    content: Content = "sample",
) -> list[Attributes | None]:
    """Take spans the way of the service, from the first step to the cards of their traces.

    Returns:
        What is added to each span, in their order.
    """
    enricher, places = Enricher(compiler(content)), RecordPlaces()
    traces: dict[str, list[Step]] = {}
    added: list[Attributes | None] = []
    for span in spans:
        step = read_step(span, content)
        check_step(step)
        added.append(None if is_record(step) else enricher.enrich(step))
        check_attributes(added[-1] or {})
        for placed in places.place(step):
            traces.setdefault(placed.trace_id, []).append(placed)
    told: dict[str, list[Evaluation]] = {}
    for trace_id, evaluation in evaluations:
        told.setdefault(trace_id, []).append(evaluation)
    for trace_id, steps in traces.items():
        check_trace(steps, told.get(trace_id, ()), content)
    return added


def check_step(step: Step) -> None:
    """A step can be kept, and its amounts make sense."""
    assert decode_steps(encode_steps([step])) == [step]
    assert step.supplied is None or step.supplied > 0
    if step.usage is not None:
        check_usage(step.usage)


def check_usage(usage: Usage) -> None:
    """No count is negative, and what was reasoned was answered."""
    counts = (usage.fresh, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
    assert min(counts) >= 0
    assert 0 <= usage.reasoning <= usage.output


def check_attributes(attributes: Attributes) -> None:
    """Numbers that are added to a span are finite, and not negative."""
    for value in attributes.values():
        if isinstance(value, int | float):
            assert math.isfinite(value)
            assert value >= 0


def check_trace(steps: Sequence[Step], told: Sequence[Evaluation], content: Content) -> None:
    """A trace has one card, in whatever order and however often its steps came in."""
    card = compiler(content).compile(steps, told)
    if card is None:
        return
    text = check_card(card, compiler(content).max_bytes)
    again = compiler(content).compile([*reversed(steps), *steps], [*told, *told])
    assert again is not None
    assert dump_card(again) == text


def check_card(card: Card, max_bytes: int) -> str:
    """The text of a card that is valid, small, says what it said, and adds up."""
    text = dump_card(card)
    assert len(text.encode()) <= max_bytes
    path = scratch() / "card.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_card(path) == card
    VALIDATOR.validate(card)
    check_sums(card)
    return text


def check_sums(card: Card) -> None:
    """The costs of the steps add up to the total, and so do its parts."""
    total = card["total"]
    whole = exact(total["cost_usd"])
    steps = sum((exact(step.get("usd")) for step in own_costs(card)), Decimal(0))
    check_equal(steps + exact(card.get("folded", {}).get("usd")), whole)
    if "split" in total:
        parts = total["split"]
        names = ("output", "tool_results", "base")
        listed = [parts["output"], parts["tool_results"], parts["base"], parts.get("unsplit", 0.0)]
        assert all(part >= 0 for part in listed), names
        check_equal(sum(map(exact, listed), Decimal(0)), whole)
    if "waste_usd" in total:
        low, high = total["waste_usd"]
        assert 0 <= low <= high
    tokens = total["tokens"]
    assert tokens["cache_read"] + tokens["cache_write"] <= tokens["input"]
    assert tokens["reasoning"] <= tokens["output"]


def own_costs(card: Card) -> list[StepLine]:
    """The steps whose cost is their own: an agent's is the sum of others, unless it says so."""
    return [s for s in card["steps"] if "usd" in s and ("agent" not in s or s.get("aggregate"))]


def check_equal(found: Decimal, expected: Decimal) -> None:
    """Two amounts are equal, but for what a float cannot hold."""
    bound = 0 if max(found, expected) < EXACT_USD else expected * Decimal("1e-13")
    assert abs(found - expected) <= bound, (found, expected)


def exact(usd: float | None) -> Decimal:
    """An amount of a card, to the last digit; 0 if it is unknown. It is never negative or NaN."""
    amount = Decimal(repr(usd or 0.0))
    assert amount.is_finite()
    assert amount >= 0
    return amount
