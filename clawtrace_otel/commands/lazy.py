"""A group of commands that are only imported when they are called, which keeps ``--help`` fast."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """Each command is ``command`` in the module of its name in a package.

    Args:
        package: dotted name of the package.
        described: name of each command -> what it does.
        settings: of ``click.Group``.
    """

    def __init__(
        self, *, package: str = "", described: Mapping[str, str] | None = None, **settings: Any
    ) -> None:
        super().__init__(**settings)
        self._package = package
        self._described = described or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in order."""
        del ctx
        return sorted(self._described)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; ``None`` if there is none."""
        del ctx
        if cmd_name not in self._described:
            return None
        module = import_module(f"{self._package}.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(sorted(self._described.items()))
