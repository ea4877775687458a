"""``clawtrace costcraft replay``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from clawtrace_otel.commands.common import (
    CARD_SETTINGS,
    json_option,
    needed_extra,
    print_json,
    print_table,
    setting_options,
    told_errors,
    usd,
)
from clawtrace_otel.settings import load_settings
from clawtrace_otel.tracecard.lines import clean

if TYPE_CHECKING:
    from clawtrace_otel.costcraft.replay.asked import Asked, Done, Row

_ENVIRONMENTS = ("auto", "folder", "none", "tau2")
_DELETIONS = ("repeats", "all")


@click.command("replay")
@click.argument("runs", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--patches",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Leave out the steps that its prunes name.",
)
@click.option(
    "--deletions",
    type=click.Choice(_DELETIONS),
    help="Leave out repeats with an equal result, or each tool call, one at a time.",
)
@click.option(
    "--environment",
    type=click.Choice(_ENVIRONMENTS),
    default="auto",
    show_default=True,
    help="Execute the runs in it: tau2 if they are of tau2-bench, folder if --start is given.",
)
@click.option(
    "--start",
    default="",
    metavar="FOLDER",
    help="Of `folder`: where the runs began; {task} and {trace} in it stand for theirs.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("replay.yaml"),
    show_default=True,
    help="What was executed; an existing file is continued.",
)
@click.option("--force", is_flag=True, help="Execute again what is in the file already.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@setting_options(*CARD_SETTINGS)
@json_option
def command(runs: tuple[Path, ...], as_json: bool, **given: object) -> None:
    """Price RUNS without some of their steps, and execute them again without these.

    RUNS are files, and folders of them, as `clawtrace compile` reads. If there is an environment
    for them, each run is first executed as it was recorded; if every call gives the recorded
    result, it is executed without each of the steps, and without all that alone changed nothing.
    Nothing changes if every other call gives the same, the final state is the same, and the oracle
    says the same. That does not show that the agent would have made the same other calls: a step
    whose result nothing else told needs more evidence.
    """
    flags = {name: given.pop(name) for name in CARD_SETTINGS}
    with told_errors(), needed_extra("costcraft"):
        from clawtrace_otel.commands.progress import CountingBar
        from clawtrace_otel.costcraft.replay.asked import Asked, replay_files

        asked = msgspec.convert({"runs": runs, **given}, Asked)
        if (asked.patches is None) == (asked.deletions is None):
            msg = "give either --patches or --deletions"
            raise click.UsageError(msg)
        with CountingBar("replaying") as bar:
            done = replay_files(asked, load_settings(flags), bar.tell)
    if asked.environment == "auto" and not done.environment:
        click.echo("no environment is known for these runs: they are only priced", err=True)
    for problem in done.problems:
        click.echo(problem, err=True)
    if as_json:
        print_json(msgspec.to_builtins(done))
    else:
        _print(asked, done)
    if done.environment and done.rows and not any(run.reproduced for run in done.runs):
        click.echo("no run could be executed as it was recorded", err=True)
        sys.exit(1)


def _print(asked: "Asked", done: "Done") -> None:
    from clawtrace_otel.costcraft.replay.asked import saved

    headers = ["trace", "step", "what", "saves", "without it"]
    columns = 5 if done.environment else 4
    if done.rows:
        rows = (_cells(row)[:columns] for row in done.rows)
        print_table(headers[:columns], rows, {"step", "saves"})
    alone = [row for row in done.rows if len(row.steps) == 1]
    click.echo(f"{len(alone):,} steps of {len({row.trace_id for row in alone}):,} runs")
    if done.environment:
        runs = sum(run.reproduced for run in done.runs)
        click.echo(f"{runs:,} of {len(done.runs):,} runs reproduce as they were recorded")
        executed = [row for row in alone if row.unchanged is not None]
        same = sum(row.unchanged is True for row in executed)
        click.echo(f"without {same:,} of {len(executed):,} steps nothing changes: {asked.output}")
    saves = saved(done.rows, executed=done.environment != "")
    if saves is not None:
        click.echo(f"without them it would have cost {usd(saves[0])} to {usd(saves[1])} less")


def _cells(row: "Row") -> list[str]:
    n = str(row.steps[0]) if len(row.steps) == 1 else ""
    saves = f"{usd(row.saves_usd[0])} to {usd(row.saves_usd[1])}" if row.saves_usd else "unknown"
    found = {True: "unchanged", False: "changed: ", None: ""}[row.unchanged]
    return [row.trace_id, n, row.does, saves, clean(f"{found}{row.where}") or "not executed"]
