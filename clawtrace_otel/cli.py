"""The ``clawtrace`` program. Exit status: 0 done, 1 bad input, 2 wrong usage."""

from importlib import import_module

import click

from clawtrace_otel import __version__

COMMANDS = {
    "cards": "Look at cards, check them, print their schema.",
    "collector": "Take OTLP, write cards, forward enriched spans.",
    "compile": "Write the cards of recorded runs: OTLP, session logs, results.",
    "demo": "The whole path on this machine: model server, agent, service, card.",
    "prices": "Show what a model costs, by which source and since when.",
}
"""Each command is ``command`` in the module of its name in ``clawtrace_otel.commands``; it is only
imported when it is called, which keeps ``--help`` fast."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"clawtrace_otel.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="clawtrace")
def main() -> None:
    """What each step of an LLM agent cost, and which steps were repeated."""
