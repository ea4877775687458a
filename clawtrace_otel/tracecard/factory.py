"""A compiler as the settings say."""

from pathlib import Path

from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.processors.tool_effects import ToolEffects
from clawtrace_otel.settings import Settings
from clawtrace_otel.tracecard.compile import Compiler


def make_compiler(settings: Settings) -> Compiler:
    """The compiler that processors, exporters, the service and the command line share.

    Raises:
        PriceError: the price file is wrong.
    """
    return Compiler(
        pricer=Pricer(
            Path(settings.prices) if settings.prices else None,
            Path(settings.litellm_prices) if settings.litellm_prices else None,
        ),
        effects=ToolEffects(settings.read_only_tools, settings.state_changing_tools),
        near_threshold=settings.near_threshold,
        max_bytes=settings.max_card_bytes,
        content=settings.content,
    )
