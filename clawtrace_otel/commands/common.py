"""What the commands share: options made from the settings, errors, tables."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from clawtrace_otel import settings
from clawtrace_otel.errors import ClawTraceError, ConfigError
from clawtrace_otel.storage.urls import RemoteUrl, Where, parse_where

F = TypeVar("F", bound=Callable[..., Any])

CARD_SETTINGS = (
    "max_card_bytes",
    "content",
    "prices",
    "litellm_prices",
    "read_only_tools",
    "state_changing_tools",
    "near_threshold",
)


def place(
    *, exists: bool = False, file_okay: bool = False, dir_okay: bool = True
) -> Callable[[str], Where]:
    """The type of an option that is a path, or a URL of object storage.

    Args:
        exists: of a path; whether there is something at a URL is seen when it is read.
        file_okay: a path may be a file.
        dir_okay: a path may be a folder.
    """
    path_type = click.Path(exists=exists, file_okay=file_okay, dir_okay=dir_okay, path_type=Path)

    def convert(value: str) -> Where:
        try:
            parsed = parse_where(value)
        except ConfigError as e:
            raise click.BadParameter(str(e)) from e
        if isinstance(parsed, RemoteUrl):
            return parsed.text
        path: Path = path_type.convert(parsed, None, None)
        return path

    return convert


_WIDE = 400
"""Columns where no terminal says how many there are: nothing is cut."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def setting_options(*names: str) -> Callable[[F], F]:
    """Options for settings, each with its meaning, environment variable and default."""

    def decorate(function: F) -> F:
        for name in reversed(names):
            shown = settings.default(name)
            default = f"; default {shown}" if shown not in ("", ()) else ""
            function = click.option(
                "--" + name.replace("_", "-"),
                name,
                metavar="TEXT",
                help=f"{settings.describe(name)} [{settings.PREFIX}{name.upper()}{default}]",
            )(function)
        return function

    return decorate


@contextmanager
def told_errors() -> Iterator[None]:
    """Errors of this package as one line on standard error and exit status 1."""
    try:
        yield
    except ClawTraceError as e:
        raise click.ClickException(str(e)) from e


@contextmanager
def needed_extra(name: str) -> Iterator[None]:
    """What to install, where an import within fails because packages of an extra are missing."""
    try:
        yield
    except ModuleNotFoundError as e:
        if (e.name or "").partition(".")[0] == __name__.partition(".")[0]:
            raise
        msg = f"{e}. More packages are needed: pip install 'clawtrace-otel[{name}]'"
        raise click.ClickException(msg) from e


def print_json(value: object) -> None:
    """JSON on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]], right: set[str]) -> None:
    """A table on standard output; the columns in ``right`` are aligned right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        table.add_column(header, justify="right" if header in right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    console.print(table)


def usd(value: float | None) -> str:
    """A cost for people; the unknown is said to be so."""
    return "unknown" if value is None else f"${value:,.6f}"
