"""The distillation's own trace: a root span, a span for each run's analyst, each call and look-up.

It goes to a card in the output folder and nowhere else: ``OTEL_EXPORTER_OTLP_ENDPOINT`` is usually
set for the agent that is measured, and a distillation among its traces would be distilled with
them. The process's own tracer provider is neither used nor changed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Span, SpanKind

from clawtrace_otel.costcraft.llm.options import LlmOptions
from clawtrace_otel.costcraft.llm.usage import Attribute
from clawtrace_otel.exporters.span_exporter import TraceCardSpanExporter
from clawtrace_otel.semconv import attributes as a

SERVICE = "clawtrace-costcraft"
ROOT = "distiller"
FOLDER = "own-cards"


class OwnTrace:
    """The trace of one distillation.

    Args:
        out: the card is written to ``own-cards`` in it.
        options: the price files.

    Raises:
        ConfigError, PriceError: a setting or a price file is wrong.
    """

    def __init__(self, out: Path, options: LlmOptions) -> None:
        self.folder = out / FOLDER
        exporter = TraceCardSpanExporter(
            cards=self.folder, prices=options.prices, litellm_prices=options.litellm_prices
        )
        self._provider = TracerProvider(
            resource=Resource({a.SERVICE_NAME: SERVICE}),
            sampler=ALWAYS_ON,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(SimpleSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(__name__)
        self._root = self._start("invoke_agent", ROOT, {a.GEN_AI_AGENT_NAME: ROOT}, Context())
        self._above = trace.set_span_in_context(self._root, Context())

    @property
    def card(self) -> Path:
        """Where the card is once the trace has been closed."""
        return self.folder / f"{self._root.get_span_context().trace_id:032x}.yaml"

    def close(self) -> None:
        """End the trace and write its card."""
        self._root.end()
        self._provider.shutdown()

    @contextmanager
    def analyst(self, name: str) -> Iterator["Branch"]:
        """The span of one analyst at work."""
        span = self._start("invoke_agent", name, {a.GEN_AI_AGENT_NAME: name}, self._above)
        try:
            yield Branch(self, trace.set_span_in_context(span, Context()))
        finally:
            span.end()

    def _start(
        self, operation: str, name: str, attributes: Mapping[str, Attribute], above: Context
    ) -> Span:
        kind = SpanKind.CLIENT if operation == "chat" else SpanKind.INTERNAL
        told = {a.GEN_AI_OPERATION_NAME: operation, **attributes}
        return self._tracer.start_span(f"{operation} {name}", above, kind, told)


class Branch:
    """What one analyst does, in the trace."""

    def __init__(self, own: OwnTrace, above: Context) -> None:
        self._own = own
        self._above = above

    def call(self, model: str, attributes: Mapping[str, Attribute]) -> Span:
        """The span of a model call, started; whoever asked for it ends it."""
        return self._own._start("chat", model, attributes, self._above)

    def look_up(self, tool: str, args: str, result: str) -> None:
        """A look-up that was done."""
        told: dict[str, Attribute] = {
            a.GEN_AI_TOOL_NAME: tool,
            a.GEN_AI_TOOL_CALL_ARGUMENTS: args,
            a.GEN_AI_TOOL_CALL_RESULT: result,
            a.CLAWTRACE_TOOL_READ_ONLY: True,
        }
        self._own._start("execute_tool", tool, told, self._above).end()
