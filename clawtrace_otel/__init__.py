"""What each step of an LLM agent cost, and which steps were repeated.

::

    import clawtrace_otel
    clawtrace_otel.configure()

writes a TraceCard for every trace of this process to ``./tracecards``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

__all__ = ["__version__", "configure"]

__version__ = "0.1.0"


def configure(**settings: object) -> "TracerProvider":
    """Write a TraceCard for every trace of this process.

    Adds a batching exporter to the tracer provider; sets one up if there is none. The cards are
    written when a trace's root ends, and at exit.

    Args:
        settings: ``cards="folder"``, ``prices="prices.yaml"`` and so on; see
            :mod:`clawtrace_otel.settings`.

    Returns:
        The provider.

    Raises:
        ConfigError: a setting is unknown or wrong.
        PriceError: the price file is wrong.
    """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from clawtrace_otel.exporters.span_exporter import TraceCardSpanExporter

    exporter = TraceCardSpanExporter(**settings)
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
