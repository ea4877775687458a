"""Round prices, so that what a test expects can be reckoned by hand."""

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from clawtrace_otel.money import PER_USD
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.processors.tool_effects import ToolEffects
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card, StepLine

ROUND, PLAIN, UNKNOWN = "round", "plain", "nobody-knows-this"
"""Models. A token of ``round`` costs in millionths of a USD: 10, from a cache 1, written to one 12
(1 h: 20), answered 50. One of ``plain`` 2, answered 8, cached or not."""

_FILE = """
prices: 1
models:
- {model: round, input: 10, cache_read: 1, cache_write: 12, cache_write_1h: 20, output: 50}
- {model: plain, input: 2, output: 8}
"""


@lru_cache
def round_compiler() -> Compiler:
    """A compiler with these prices, for cards of any size, that takes ``read_*`` for reading."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "prices.yaml"
        path.write_text(_FILE)
        return Compiler(Pricer(path), ToolEffects(["read_*"]), max_bytes=10**9)


def compiled(steps: list[Step]) -> Card:
    """The card of steps that have one, with these prices."""
    card = round_compiler().compile(steps)
    assert card is not None
    return card


def line(card: Card, n: int) -> StepLine:
    """The step with a number."""
    return next(step for step in card["steps"] if step["n"] == n)


def micro(usd: float | None) -> float:
    """USD in millionths, exactly to the last digit that is counted."""
    assert usd is not None
    return round(usd * PER_USD) / 10**6
