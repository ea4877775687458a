"""Traces of agents, of every size and kind of span, whose token counts tell each call from others.

The sums of a card are then a checksum: a call that is lost and one that is doubled do not cancel.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector import otlp

ROOT = 1
"""Number of the span that is the root of each trace."""

KINDS = ("llm", "tool", "agent", "plain")
WEIGHTS = (45, 30, 10, 15)


@dataclass(frozen=True, slots=True)
class Request:
    """One export request.

    Attributes:
        spans: that are in it.
        body: the encoded request; sent again it is the same.
    """

    spans: Sequence[Span]
    body: bytes


def request(spans: Sequence[Span]) -> Request:
    """A request of spans."""
    return Request(spans, otlp.body(*spans))


def trace(number: int, size: int, r: random.Random) -> list[Span]:
    """A trace of ``size`` spans; its root comes last.

    Args:
        number: of the trace.
        size: at least 1, at most 4000.
        r: says what is in it.
    """
    agents = [ROOT]
    spans: list[Span] = []
    for n in range(ROOT + 1, ROOT + size):
        kind = r.choices(KINDS, WEIGHTS)[0]
        spans.append(_span(kind, n, number, r.choice(agents), r))
        if kind == "agent":
            agents.append(n)
    return [*spans, otlp.root(number, seconds=size + 1)]


def requests(spans: Sequence[Span], size: int) -> Iterator[Request]:
    """The requests that bring a trace, ``size`` spans each."""
    for first in range(0, len(spans), size):
        yield request(spans[first : first + size])


def _span(kind: str, n: int, trace: int, parent: int, r: random.Random) -> Span:
    if kind == "llm":
        return otlp.llm(
            n,
            trace,
            parent,
            gen_ai__usage__input_tokens=r.randrange(1 << 20),
            gen_ai__usage__output_tokens=r.randrange(1 << 16),
        )
    if kind == "tool":
        arguments = f'{{"path": "report-{r.randrange(100)}.txt"}}'
        return otlp.tool(n, trace, parent, gen_ai__tool__call__arguments=arguments)
    if kind == "agent":
        name = f"helper-{n}"
        return otlp.span(
            n, trace, parent, gen_ai__operation__name="invoke_agent", gen_ai__agent__name=name
        )
    return otlp.span(n, trace, parent, note="x" * r.randrange(200))
