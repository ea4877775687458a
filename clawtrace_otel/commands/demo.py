"""``clawtrace demo``."""

import sys
from pathlib import Path

import click


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
    try:
        from clawtrace_otel.demo.run import run
    except ModuleNotFoundError as e:
        if (e.name or "").partition(".")[0] == "clawtrace_otel":
            raise
        msg = f"{e}. The demo needs more packages: pip install 'clawtrace-otel[demo]'"
        raise click.ClickException(msg) from e
    sys.exit(run(cards, keep=keep))
