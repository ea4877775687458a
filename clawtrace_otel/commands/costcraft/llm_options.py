"""The options of the analyst ``llm``, for the commands that have one."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from clawtrace_otel.costcraft.llm.options import LlmOptions

F = TypeVar("F", bound=Callable[..., Any])

_DEFAULTS = LlmOptions(model="")

_OPTIONS = (
    click.option("--model", help="Model of the analyst `llm`, as the endpoint names it."),
    click.option(
        "--base-url",
        help="OpenAI-compatible endpoint of the analyst.  [env var: OPENAI_BASE_URL; its key: "
        "OPENAI_API_KEY]",
    ),
    click.option(
        "--provider",
        help="Whose prices hold, as price files name it.  [default: the model's name tells]",
    ),
    click.option(
        "--max-usd",
        type=click.FloatRange(min=0, min_open=True),
        default=_DEFAULTS.max_usd,
        show_default=True,
        help="What the analyst may spend; before a call its worst case must fit.",
    ),
    click.option(
        "--max-tokens",
        type=click.IntRange(min=1),
        help="Tokens that the analyst may use in all; the limit for models without a price.",
    ),
    click.option(
        "--max-output-tokens",
        type=click.IntRange(min=1),
        default=_DEFAULTS.max_output_tokens,
        show_default=True,
        help="Tokens of one answer of the analyst, reasoning included.",
    ),
    click.option(
        "--max-prompt-chars",
        type=click.IntRange(min=1_000),
        default=_DEFAULTS.max_prompt_chars,
        show_default=True,
        help="Characters of one run that the analyst is shown.",
    ),
    click.option(
        "--max-look-ups",
        type=click.IntRange(min=0, max=50),
        default=_DEFAULTS.max_look_ups,
        show_default=True,
        help="How often the analyst of a failing run may look into it.",
    ),
    click.option(
        "--concurrency",
        type=click.IntRange(min=1, max=256),
        default=_DEFAULTS.concurrency,
        show_default=True,
        help="Calls of the analyst at a time.",
    ),
)

NAMES = (
    "model",
    "base_url",
    "provider",
    "max_usd",
    "max_tokens",
    "max_output_tokens",
    "max_prompt_chars",
    "max_look_ups",
    "concurrency",
)
"""Names of their parameters: what :func:`read_llm_options` takes."""


def llm_options(function: F) -> F:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def read_llm_options(given: Mapping[str, Any], **others: Any) -> LlmOptions:
    """What the options say.

    Args:
        given: parameters of the command; those that are none of ``NAMES`` are left alone.
        others: fields that no option sets, such as ``prices``.

    Raises:
        click.UsageError: no model is named.
    """
    if not given.get("model"):
        msg = "--analyst llm needs --model"
        raise click.UsageError(msg)
    told = {name: given[name] for name in NAMES if given.get(name) is not None}
    return LlmOptions(**told, **others)
