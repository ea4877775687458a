"""``clawtrace costcraft bench``."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from clawtrace_otel.commands.common import (
    CARD_SETTINGS,
    json_option,
    needed_extra,
    print_json,
    print_table,
    setting_options,
    told_errors,
)
from clawtrace_otel.commands.costcraft.bench_bar import RunsBar

if TYPE_CHECKING:
    from clawtrace_otel.costcraft.bench.plan import Plan
    from clawtrace_otel.costcraft.bench.report import Report
    from clawtrace_otel.costcraft.bench.run_bench import Order

AT_LIMIT, INTERRUPTED = 3, 130
_EXITS = {"": 0, "money limit": AT_LIMIT, "interrupted": INTERRUPTED}


@click.command("bench")
@click.argument("tasks", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--agent",
    required=True,
    metavar="CMD",
    help="Command that does a task; {prompt}, {prompt_file}, {skill}, {folder}, {task} and {here}, "
    "this folder, are filled in.",
)
@click.option(
    "--skill",
    "skills",
    multiple=True,
    metavar="[NAME=]PATH",
    help="A SKILL.md, or the folder of one; may be given several times.",
)
@click.option(
    "--ablations",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="That `distill --ablations` wrote to: its skill, and those with something switched off.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("bench"),
    show_default=True,
    help="Folder for results, cards and the folders of the runs.",
)
@click.option("--repeat", type=click.IntRange(1), default=1, show_default=True, help="Runs each.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="At a time.")
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    default=1800.0,
    show_default=True,
    help="Seconds of a run, if its task does not say.",
)
@click.option(
    "--max-run-usd",
    type=click.FloatRange(0, min_open=True),
    help="What a run may cost, if its task does not say.",
)
@click.option(
    "--max-usd",
    type=click.FloatRange(0, min_open=True),
    help="What all runs may cost: then no more are started, and the status is 3.",
)
@click.option("--own-home", is_flag=True, help="Give each run an empty home folder.")
@click.option(
    "--skill-folder",
    "skill_folders",
    multiple=True,
    metavar="PATH",
    help="Where in its working folder the agent looks for skills; instead of .agents/skills and "
    ".claude/skills. May be given several times.",
)
@setting_options(*CARD_SETTINGS)
@json_option
def command(
    tasks: Path,
    agent: str,
    skills: tuple[str, ...],
    ablations: Path | None,
    output: Path,
    repeat: int,
    jobs: int,
    time_limit: float,
    max_run_usd: float | None,
    max_usd: float | None,
    own_home: bool,
    skill_folders: tuple[str, ...],
    as_json: bool,
    **flags: str | None,
) -> None:
    """Run an agent over the TASKS of a file, without a skill and with each, and compare.

    Each run has a folder of its own, and its spans become cards. What is done is kept in the output
    folder: the same command goes on where it was interrupted, and runs again what depends on a
    task, a skill or an agent that has changed.
    """
    with told_errors(), needed_extra("costcraft"):
        from clawtrace_otel.costcraft.bench.ablations import ablated_skills
        from clawtrace_otel.costcraft.bench.command import CommandLine
        from clawtrace_otel.costcraft.bench.one_run import Agent
        from clawtrace_otel.costcraft.bench.results import Limits
        from clawtrace_otel.costcraft.bench.run_bench import Order
        from clawtrace_otel.costcraft.bench.run_folder import SKILL_FOLDERS

        ablated = ablated_skills(ablations, partial(click.echo, err=True)) if ablations else ()
        order = Order(
            tasks=tasks,
            agent=Agent(
                command=CommandLine.parse(agent, Path.cwd()),
                limits=Limits(time_limit, max_run_usd),
                own_home=own_home,
                skill_folders=skill_folders or SKILL_FOLDERS,
            ),
            skills=(*skills, *ablated),
            folder=output.resolve(),
            repeats=repeat,
            jobs=jobs,
            max_usd=max_usd,
            settings=flags,
        )
        _warn_of_repository(order.folder)
        report = _run(order)
    print_report(report, as_json=as_json)
    sys.exit(_EXITS[report.stop])


def _warn_of_repository(folder: Path) -> None:
    above = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)
    if above is not None:
        told = f"{folder} is in the repository {above}: agents that look for one above their folder"
        click.echo(f"{told} find it, and what it tells them; -o names another folder", err=True)


def _run(order: "Order") -> "Report":
    from clawtrace_otel.costcraft.bench.run_bench import Listener, run_bench

    with RunsBar() as bar, _terminated():

        def planned(plan: "Plan") -> None:
            _tell_plan(plan)
            bar.start(len(plan.todo))

        return run_bench(order, Listener(planned, lambda result: bar.tell(result.spent.usd)))


@contextmanager
def _terminated() -> Iterator[None]:
    """SIGTERM does what Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell_plan(plan: "Plan") -> None:
    from clawtrace_otel.costcraft.bench.report import runs

    if plan.done or plan.regrade:
        click.echo(f"{runs(len(plan.done))} there, {len(plan.todo)} to do", err=True)
    if plan.regrade:
        click.echo(f"{runs(len(plan.regrade))} graded again: the grader has changed", err=True)
    for part, count in plan.stale.items():
        click.echo(f"{runs(count)} done again: the {part} has changed", err=True)


def print_report(report: "Report", *, as_json: bool) -> None:
    """Print what was found, for people or as JSON."""
    from msgspec import to_builtins

    from clawtrace_otel.costcraft.bench import report as shown

    if as_json:
        print_json(to_builtins(report))
        return
    right = {"runs", "passed", "median cost", "total cost", "cost unknown"}
    print_table(shown.SUMMARY_HEADS, shown.summary_rows(report.conditions), right)
    for comparison in report.comparisons:
        click.echo(shown.heading(comparison))
        for line in shown.quality_lines(comparison.quality):
            click.echo(f"  {line}")
        heads = shown.measure_heads(comparison)
        right = {"tasks", comparison.first, comparison.second, "ratio", "difference"}
        print_table(heads, shown.measure_rows(comparison.measures), right)
    for note in shown.notes(report):
        click.echo(note, err=True)
    click.echo(f"spent: {shown.spent(report)}; all of it is in {report.folder}")
