"""The load: agent runs of one size and shape, each with ids and times of its own."""

from collections.abc import Iterator

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector import otlp

TRACE_SPANS = 20
"""Nine turns of a model call and a tool call, one more model call, and the root."""

REQUEST_TRACES = 10

CONTENT_CHARACTERS = 600
"""Of the prompt that a model call tells."""


def requests(first: int) -> Iterator[bytes]:
    """Export requests of whole runs, without end.

    Args:
        first: number of the first trace.
    """
    while True:
        numbers = range(first, first + REQUEST_TRACES)
        yield otlp.body(*(span for number in numbers for span in run(number)))
        first += REQUEST_TRACES


def run(number: int) -> list[Span]:
    """The spans of a run; its root comes last."""
    calls = [_call(n, number) for n in range(2, 1 + TRACE_SPANS)]
    spans = [*calls, otlp.root(number, seconds=TRACE_SPANS + 1)]
    for span in spans:
        span.start_time_unix_nano += number * otlp.SECOND_NS
        span.end_time_unix_nano += number * otlp.SECOND_NS
    return spans


def _call(n: int, number: int) -> Span:
    if n % 2 == 0:
        text = f"{number}-{n} ".ljust(CONTENT_CHARACTERS, "x")
        message = f'[{{"role":"user","parts":[{{"type":"text","content":"{text}"}}]}}]'
        return otlp.llm(n, number, 1, gen_ai__input__messages=message)
    # Each third call repeats the one before it.
    arguments = f'{{"path": "report-{n // 6}.txt"}}'
    return otlp.tool(n, number, 1, gen_ai__tool__call__arguments=arguments)
