"""``clawtrace costcraft harbor``."""

from pathlib import Path

import click

from clawtrace_otel.commands.common import (
    CARD_SETTINGS,
    json_option,
    needed_extra,
    setting_options,
    told_errors,
)
from clawtrace_otel.commands.costcraft.bench import print_report


@click.command("harbor")
@click.argument("tasks", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--agent", required=True, metavar="NAME", help="As Harbor names it.")
@click.option("--model", default="", metavar="PROVIDER/MODEL", help="For the agent.")
@click.option(
    "--skill",
    "skills",
    multiple=True,
    metavar="[NAME=]PATH",
    help="A SKILL.md, or the folder of one; may be given several times.",
)
@click.option("--bundled", is_flag=True, help="Compare with the skills that the tasks bring, too.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("harbor-bench"),
    show_default=True,
    help="Folder for jobs, cards and logs.",
)
@click.option("--repeat", type=click.IntRange(1), default=1, show_default=True, help="Runs each.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="At a time.")
@click.option(
    "--endpoint",
    default="",
    metavar="URL",
    help="Where the agents send OTLP as well; must be reached from the tasks' containers.",
)
@setting_options(*CARD_SETTINGS)
@json_option
def command(
    tasks: Path,
    arguments: tuple[str, ...],
    agent: str,
    model: str,
    skills: tuple[str, ...],
    bundled: bool,
    output: Path,
    repeat: int,
    jobs: int,
    endpoint: str,
    as_json: bool,
    **flags: str | None,
) -> None:
    """Have Harbor run the TASKS in a folder, without a skill and with each, and compare.

    ARGUMENTS, behind --, go to `harbor run` as they are. Tasks are those of SkillsBench,
    Terminal-Bench and whatever else has Harbor's form; the skills that they bring are left out but
    where --bundled asks for them.
    """
    with told_errors(), needed_extra("costcraft"):
        from clawtrace_otel.costcraft.bench.harbor import HarborOrder, run_harbor

        report = run_harbor(
            HarborOrder(
                tasks=tasks,
                agent=agent,
                folder=output.resolve(),
                model=model,
                skills=skills,
                bundled=bundled,
                repeats=repeat,
                jobs=jobs,
                endpoint=endpoint,
                arguments=arguments,
                settings=flags,
            )
        )
    print_report(report, as_json=as_json)
