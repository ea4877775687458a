"""``clawtrace collector``."""

from pathlib import Path

import click

from clawtrace_otel.commands.common import needed_extra, setting_options, told_errors
from clawtrace_otel.settings import FIELDS, Settings, is_secret, load_settings

config_option = click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path), help="Settings file in YAML."
)


@click.group("collector", invoke_without_command=True)
@config_option
@setting_options(*(name for name in FIELDS if not is_secret(name)))
@click.pass_context
def command(context: click.Context, /, config: Path | None, **flags: str | None) -> None:
    """Take OTLP over gRPC and HTTP, write cards, forward enriched spans.

    Flags win over environment variables, those over the settings file. SIGTERM writes everything
    down and ends with status 0.
    """
    if context.invoked_subcommand is not None:
        return
    with told_errors():
        _run(load_settings(flags, config))


@command.command()
@click.option(
    "--config", required=True, type=click.Path(dir_okay=False, path_type=Path), help="To check."
)
def validate(config: Path) -> None:
    """Check a settings file, and the price file that it names; nothing is asked of a network."""
    with told_errors():
        from clawtrace_otel.exporters.card_folder import CardFolder
        from clawtrace_otel.tracecard.factory import make_compiler

        settings = load_settings({}, config, environment={})
        make_compiler(settings)
        CardFolder(settings.cards)
    click.echo(f"{config} is valid")


def _run(settings: Settings) -> None:
    with needed_extra("collector"):
        from clawtrace_otel.collector.service import run
    run(settings)
