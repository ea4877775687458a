"""What is counted of calls that several instrumentations watched at once.

The spans are those of ``tests/fixtures/combinations.py``: every pair and triple.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from clawtrace_otel.demo.model_script import Reply
from clawtrace_otel.importers.importer import Problem
from clawtrace_otel.importers.registry import importer
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.processors.cost import SAME_CALL
from clawtrace_otel.processors.enrich import Attributes, Enricher
from clawtrace_otel.processors.tool_effects import ToolEffects
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.read_step import read_step
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from tests.fixtures.combinations import COMBINATIONS
from tests.importers.compile_files import compile_files
from tests.semconv.view import HELLO, REFUSED, RESEARCHER

FOLDER = Path(__file__).parents[1] / "fixtures" / "otlp"
NAMES = sorted(COMBINATIONS)

CALLS: dict[str, tuple[Reply, ...]] = {
    "openai": (*[HELLO] * 8, REFUSED),
    "anthropic": (*[HELLO] * 8, REFUSED),
    "langchain": (*RESEARCHER, *[HELLO] * 4, REFUSED),
    "openai_agents": RESEARCHER * 2,
}
"""SDK -> what the model answered to its program."""

TOOL_CALLS = {"openai": 0, "anthropic": 0, "langchain": 1, "openai_agents": 2}


@dataclass(frozen=True)
class Counted:
    """Sums over calls; tokens as (input, output), and the cost in USD."""

    calls: int
    tokens: tuple[int, int]
    usd: float


def sdk(name: str) -> str:
    """The SDK that the instrumentations of a combination watched."""
    return Path(name).name.partition("+")[0]


def instrumentations(name: str) -> list[str]:
    """The names of the instrumentations of a combination."""
    return name.split("+")[1:]


@cache
def compiler() -> Compiler:
    """Makes cards of any size."""
    return Compiler(Pricer(), ToolEffects([]), max_bytes=10**9)


@cache
def cards(name: str) -> list[Card]:
    """The cards of all traces of a combination, as ``clawtrace compile`` makes them."""
    compiled = compile_files([FOLDER / f"{name}.jsonl"], compiler())
    if compiled.problems:
        raise ValueError(compiled.problems)
    return compiled.cards


def counted_by_cards(name: str) -> Counted:
    """The sums of the cards."""
    totals = [card["total"] for card in cards(name)]
    tokens = [total["tokens"] for total in totals]
    return Counted(
        sum(total["llm_calls"] for total in totals),
        (sum(each["input"] for each in tokens), sum(each["output"] for each in tokens)),
        round(sum(total["cost_usd"] or 0 for total in totals), 9),
    )


def steps(name: str) -> Iterator[Step]:
    """What is read from each span, in the order of export."""
    for record in importer("otlp").read([FOLDER / f"{name}.jsonl"]):
        if isinstance(record, Problem):
            raise TypeError(str(record))
        if isinstance(record, Span):
            yield read_step(record, "sample")


def forwarded(name: str) -> list[tuple[Step, Attributes]]:
    """The LLM spans as they are sent on, each with what is added to it.

    They come in as they ended, which is the order in which the service takes up a request.
    """
    enricher = Enricher(compiler())
    in_order = sorted(steps(name), key=lambda step: step.end_ns)
    added = [(step, enricher.enrich(step) or {}) for step in in_order]
    return [(step, attributes) for step, attributes in added if step.kind == "llm"]


def counted_by_attributes(name: str) -> Counted:
    """The sums over the spans as they are sent on, without those that repeat a call."""
    spans = [
        (step, attributes)
        for step, attributes in forwarded(name)
        if attributes.get(a.CLAWTRACE_COST_UNPRICED_REASON) != SAME_CALL
    ]
    usages = [step.usage for step, _ in spans if step.usage is not None]
    return Counted(
        len(spans),
        (sum(usage.input for usage in usages), sum(usage.output for usage in usages)),
        round(sum(float(added.get(a.CLAWTRACE_COST_USD, 0)) for _, added in spans), 9),
    )


def double_counting() -> list[tuple[str, int, int]]:
    """Each combination, the calls that its program made, and the calls on the cards."""
    return [(name, len(CALLS[sdk(name)]), counted_by_cards(name).calls) for name in NAMES]
