"""``clawtrace costcraft distill``."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from clawtrace_otel.commands.common import (
    CARD_SETTINGS,
    json_option,
    needed_extra,
    place,
    print_json,
    setting_options,
    told_errors,
    usd,
)
from clawtrace_otel.commands.costcraft.llm_options import llm_options, read_llm_options
from clawtrace_otel.costcraft.wording import counted
from clawtrace_otel.settings import load_settings
from clawtrace_otel.storage.urls import Where

if TYPE_CHECKING:
    from clawtrace_otel.costcraft.distill_files import Asked, Written
    from clawtrace_otel.costcraft.gates.context import Options
    from clawtrace_otel.costcraft.llm.options import LlmOptions

_LIMIT_EXCEEDED = 3


@click.command("distill")
@click.argument("cards", nargs=-1, type=place(exists=True, file_okay=True))
@click.option(
    "--runs",
    "recorded",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="What was recorded of the runs: the files that `clawtrace compile` read. Repeatable.",
)
@click.option(
    "--skill",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The SKILL.md to be evolved; without it an empty one.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("distilled"),
    show_default=True,
    help="Folder of SKILL.md, patches.yaml, report.md and report.html.",
)
@click.option(
    "--replayed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What `clawtrace costcraft replay` wrote: prunes that changed nothing count for more.",
)
@click.option(
    "--task-data",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON or YAML with data of the tasks; no string of it gets into the skill. Repeatable.",
)
@click.option(
    "--analyst",
    type=click.Choice(["rules", "llm"]),
    default="rules",
    show_default=True,
    help="With `llm` a model reads the runs too; the same gates judge what it proposes.",
)
@click.option(
    "--reword",
    is_flag=True,
    help="With `--analyst llm`: let the model shorten rules; a program checks what they say.",
)
@click.option(
    "--max-skill-tokens",
    type=click.IntRange(1),
    default=1200,
    show_default=True,
    help="Of the evolved skill, three bytes each.",
)
@click.option("--no-cost", is_flag=True, help="Ablation: costs play no part.")
@click.option("--no-prune", is_flag=True, help="Ablation: nothing is pruned.")
@click.option("--no-counterfactual", is_flag=True, help="Ablation: a prune needs none.")
@click.option(
    "--ablations",
    is_flag=True,
    help="Write the skills with one thing switched off each, too: for `bench --ablations`.",
)
@llm_options
@setting_options(*CARD_SETTINGS)
@json_option
def command(
    cards: tuple[Where, ...],
    recorded: tuple[Path, ...],
    skill: Path | None,
    output: Path,
    replayed: Path | None,
    task_data: tuple[Path, ...],
    analyst: str,
    reword: bool,
    max_skill_tokens: int,
    no_cost: bool,
    no_prune: bool,
    no_counterfactual: bool,
    ablations: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Distil CARDS with outcomes into an evolved skill.

    CARDS are folders of cards, cards, or URLs of either. Each rule of the skill names its patches
    in patches.yaml, each patch its runs, steps and dollars, and what a program checked. With --runs
    more can be checked: whether a result was ever used. Without running an agent nothing here says
    that the evolved skill keeps task success; see `clawtrace costcraft bench`.
    """
    if not cards and not recorded:
        msg = "give cards, or what was recorded: --runs"
        raise click.UsageError(msg)
    with told_errors(), needed_extra("costcraft"):
        from clawtrace_otel.costcraft.distill_files import Asked, distill_files
        from clawtrace_otel.costcraft.gates.context import Options

        options = Options(no_cost, no_prune, no_counterfactual)
        asked = Asked(
            cards=cards,
            recorded=recorded,
            skill=skill,
            output=output,
            replayed=replayed,
            task_data=task_data,
            max_skill_tokens=max_skill_tokens,
            options=options,
            llm=_llm(given, options) if analyst == "llm" else None,
            reword=reword,
            ablations=ablations,
        )
        written = distill_files(asked, load_settings({n: given[n] for n in CARD_SETTINGS}))
    for problem in written.file.problems:
        click.echo(problem, err=True)
    if as_json:
        print_json(msgspec.to_builtins(written.file))
    else:
        _print(asked, written)
    if written.is_over_limit:
        sys.exit(_LIMIT_EXCEEDED)


def _llm(given: Mapping[str, Any], options: "Options") -> "LlmOptions":
    return read_llm_options(
        given,
        prices=given["prices"] or "",
        litellm_prices=given["litellm_prices"] or "",
        show_cost=not options.no_cost,
        allow_prune=not options.no_prune,
    )


def _print(asked: "Asked", written: "Written") -> None:
    file = written.file
    accepted = sum(not patch.rejected for patch in file.patches)
    source = file.source
    click.echo(
        f"{counted(source.runs, 'run')} ({source.passed:,} passed, {source.failed:,} failed, "
        f"{source.unknown:,} unknown), {usd(source.cost_usd)} together"
    )
    if not source.passed and not source.failed:
        click.echo("no run has an outcome: nothing can be preserved, and nobody knows what passed")
    click.echo(
        f"{counted(len(file.rules), 'rule')} from {counted(accepted, 'patch')} in "
        f"{asked.output / 'SKILL.md'}; {counted(len(file.patches) - accepted, 'patch')} rejected, "
        f"see {asked.output / 'report.md'}"
    )
    for rule in file.rules:
        click.echo(f"- {rule.text}")
