"""``clawtrace compile``."""

import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

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
from clawtrace_otel.importers.registry import MODULES
from clawtrace_otel.money import to_usd
from clawtrace_otel.settings import Settings, load_settings
from clawtrace_otel.storage.urls import Where

if TYPE_CHECKING:
    from clawtrace_otel.importers.compile_folder import Engine, Outcome
    from clawtrace_otel.importers.forward_spans import SpanForwarder
    from clawtrace_otel.importers.plan import Plan


@click.command("compile")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["auto", *sorted(MODULES)]),
    default="auto",
    help="Of the files; auto asks each format.",
)
@click.option("-o", "--output", type=place(), metavar="FOLDER", help="Or s3://BUCKET/PREFIX.")
@click.option("--force", is_flag=True, help="Read what did not change, too.")
@click.option(
    "--jobs",
    type=click.IntRange(0),
    default=0,
    help="Processes; 0, the default, is as many as are worth it.",
)
@click.option(
    "--engine",
    metavar="URL",
    default="",
    help="Have the workers of a Dask cluster read: tcp://SCHEDULER:8786.",
)
@click.option("--forward", metavar="URL", help="Send the enriched spans to this OTLP receiver.")
@setting_options(*CARD_SETTINGS)
@json_option
def command(
    paths: tuple[Path, ...],
    kind: str,
    output: Where | None,
    force: bool,
    jobs: int,
    engine: str,
    forward: str | None,
    as_json: bool,
    **flags: str | None,
) -> None:
    """Write the cards of recorded runs: of files, and of folders of them.

    Reads OTLP (JSON, JSON lines, protobuf), the sessions of Claude Code, OpenClaw and pi, result
    files of tau2 and tau-bench, and Langfuse's exports. The cards are those that the service would
    have written. What did not change since the last run is left alone. What cannot be read is
    listed and loses nothing else; the status is 1 if nothing could be read.
    """
    if engine and (jobs or forward):
        msg = "--jobs and --forward are for this machine, --engine is not"
        raise click.UsageError(msg)
    with told_errors(), needed_extra("importers"):
        from clawtrace_otel.commands.progress import ReadingBar
        from clawtrace_otel.exporters.card_folder import CardFolder
        from clawtrace_otel.importers.compile_folder import FolderRun
        from clawtrace_otel.importers.plan import make_plan

        settings = load_settings(flags)
        where = output or settings.cards
        folder = CardFolder(where)
        folder.check()
        plan = make_plan(paths, kind)
        with ExitStack() as stack:
            sender = stack.enter_context(_forwarder(forward, settings)) if forward else None
            run = FolderRun(
                plan,
                where,
                settings,
                jobs=jobs,
                force=force,
                watcher=sender,
                engine=_engine(engine) if engine else None,
            )
            with ReadingBar(run.size) as bar:
                outcome = run.run(bar.tell)
    _tell_problems(plan, outcome)
    if as_json:
        print_json(_as_json(folder.where, plan, outcome, sender))
    else:
        _print(folder.where, outcome, sender)
    if not outcome.summary.spans and not outcome.unchanged:
        click.echo("nothing could be read", err=True)
        sys.exit(1)


def _forwarder(url: str, settings: Settings) -> "SpanForwarder":
    with needed_extra("collector"):
        from clawtrace_otel.collector.forwarding.outgoing import make_outgoing
        from clawtrace_otel.importers.forward_spans import SpanForwarder
        from clawtrace_otel.tracecard.factory import make_compiler

    return SpanForwarder(url, make_compiler(settings), outgoing=make_outgoing(settings))


def _engine(address: str) -> "Engine":
    with needed_extra("dask"):
        from clawtrace_otel.importers.dask_pool import DaskPool

    return partial(DaskPool, address)


def _tell_problems(plan: "Plan", outcome: "Outcome") -> None:
    for problem in outcome.summary.problems:
        click.echo(str(problem), err=True)
    if outcome.summary.unlisted:
        click.echo(f"and {outcome.summary.unlisted:,} more problems", err=True)
    if plan.unknown:
        text = f"{_count(len(plan.unknown), 'file')} of no known format left out"
        click.echo(f"{text}, the first: {plan.unknown[0]}", err=True)


def _print(folder: str, outcome: "Outcome", sender: "SpanForwarder | None") -> None:
    done = outcome.summary
    told = [
        f"{_count(done.spans, 'span')}, {_count(done.traces, 'trace')}, "
        f"{_count(len(done.cards), 'card')} in {folder}, {usd(to_usd(done.cost))} together"
    ]
    if unchanged := outcome.unchanged_files:
        told = [*(told if done.spans else ()), f"{_count(unchanged, 'file')} unchanged"]
    click.echo("; ".join(told))
    if done.unpriced:
        models = ", ".join(f"{model} ({calls:,})" for model, calls in done.unpriced.most_common(5))
        more = ", …" if len(done.unpriced) > 5 else ""
        click.echo(f"{_count(done.unpriced.total(), 'call')} without a price: {models}{more}")
    if sender is not None:
        click.echo(f"{_count(sender.sent, 'span')} forwarded")
        if sender.rejected:
            click.echo(f"{sender.rejected:,} rejected: {sender.reason}", err=True)


def _as_json(
    folder: str, plan: "Plan", outcome: "Outcome", sender: "SpanForwarder | None"
) -> dict[str, object]:
    done = outcome.summary
    value: dict[str, object] = {
        "folder": folder,
        "spans": done.spans,
        "traces": done.traces,
        "cards": done.cards,
        "cost_usd": to_usd(done.cost),
        "unpriced": dict(done.unpriced),
        "problems": [
            {"file": str(p.path), "line": p.line or None, "text": p.text} for p in done.problems
        ],
        "more_problems": done.unlisted,
        "unknown": [str(path) for path in plan.unknown],
        "unchanged": [str(path) for group in outcome.unchanged for path in group.paths],
    }
    if sender is not None:
        value["forwarded"] = {"sent": sender.sent, "rejected": sender.rejected}
    return value


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
