"""``clawtrace compile``."""

import sys
from pathlib import Path

import click

from clawtrace_otel.commands.common import (
    CARD_SETTINGS,
    json_option,
    print_json,
    setting_options,
    told_errors,
    usd,
)
from clawtrace_otel.settings import load_settings


@click.command("compile")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--format", "kind", type=click.Choice(["auto", "otlp"]), default="auto", help="Of the files."
)
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Folder.")
@setting_options(*CARD_SETTINGS)
@json_option
def command(
    paths: tuple[Path, ...],
    kind: str,
    output: Path | None,
    as_json: bool,
    **flags: str | None,
) -> None:
    """Write the cards of OTLP files (JSON, JSON lines, protobuf) and of folders of them.

    The cards are those that the service would have written. What cannot be read is listed and loses
    nothing else; the status is 1 if nothing could be read.
    """
    del kind  # there is one format so far
    with told_errors():
        from clawtrace_otel.exporters.card_folder import CardFolder
        from clawtrace_otel.importers.compile_files import compile_files
        from clawtrace_otel.tracecard.factory import make_compiler
        from clawtrace_otel.tracecard.write import dump_card

        settings = load_settings(flags)
        folder = CardFolder(output or Path(settings.cards))
        folder.check()
        done = compile_files(paths, make_compiler(settings))
        for card in done.cards:
            folder.write(card["trace_id"], dump_card(card))
    for problem in done.problems:
        click.echo(problem, err=True)
    cost = sum(card["total"]["cost_usd"] or 0 for card in done.cards)
    if as_json:
        print_json(
            {
                "folder": str(folder.path),
                "spans": done.spans,
                "traces": done.traces,
                "cards": [card["trace_id"] for card in done.cards],
                "cost_usd": cost,
                "problems": done.problems,
            }
        )
    else:
        click.echo(
            f"{done.spans} spans, {done.traces} traces, {len(done.cards)} cards in {folder.path}, "
            f"{usd(cost)} together"
        )
    if not done.spans:
        click.echo("nothing could be read", err=True)
        sys.exit(1)
