"""``clawtrace costcraft``."""

import click

from clawtrace_otel.commands.lazy import LazyGroup

COMMANDS = {
    "bench": "Run an agent over tasks with and without a skill, and compare.",
    "distill": "From cards to patches and an evolved skill.",
    "harbor": "Have Harbor run its tasks with and without a skill, and compare.",
    "replay": "Re-price runs without the pruned steps, and re-execute them.",
}


@click.group(cls=LazyGroup, package="clawtrace_otel.commands.costcraft", described=COMMANDS)
def command() -> None:
    """From cards to a better skill: distill patches, replay runs without steps, run tasks."""
