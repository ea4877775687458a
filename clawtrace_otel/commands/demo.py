"""``clawtrace demo``."""

import sys
from pathlib import Path

import click

from clawtrace_otel.commands.common import needed_extra


@click.command("demo")
@click.option(
    "--cards",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("tracecards"),
    show_default=True,
    help="Folder for the card.",
)
@click.option("--keep", is_flag=True, help="Keep the working folder and say where it is.")
def command(cards: Path, keep: bool) -> None:
    """Run an agent, the service and a model server on this machine, and print the card."""
    with needed_extra("demo"):
        from clawtrace_otel.demo.run import run
    sys.exit(run(cards, keep=keep))
