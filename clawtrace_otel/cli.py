"""The ``clawtrace`` program. Exit status: 0 done, 1 bad input, 2 wrong usage."""

import click

from clawtrace_otel import __version__
from clawtrace_otel.commands.lazy import LazyGroup

COMMANDS = {
    "cards": "Look at cards, check them, print their schema.",
    "collector": "Take OTLP, write cards, forward enriched spans.",
    "compile": "Write the cards of recorded runs: OTLP, session logs, results.",
    "costcraft": "From cards to a better skill: distill, replay, bench.",
    "demo": "The whole path on this machine: model server, agent, service, card.",
    "prices": "Show what a model costs, by which source and since when.",
}
"""Each command is ``command`` in the module of its name in ``clawtrace_otel.commands``; it is only
imported when it is called, which keeps ``--help`` fast."""


@click.group(
    cls=LazyGroup,
    package="clawtrace_otel.commands",
    described=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="clawtrace")
def main() -> None:
    """What each step of an LLM agent cost, and which steps were repeated."""
