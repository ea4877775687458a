"""``clawtrace cards``."""

import sys
from collections.abc import Callable
from itertools import chain

import click

from clawtrace_otel.commands.common import (
    json_option,
    place,
    print_json,
    print_table,
    told_errors,
    usd,
)
from clawtrace_otel.errors import CardError
from clawtrace_otel.storage.urls import Where
from clawtrace_otel.tracecard.model import Card, StepLine
from clawtrace_otel.tracecard.read import read_card, read_cards

_SORTS: dict[str, Callable[[Card], tuple[float, str]]] = {
    "time": lambda card: (0.0, card["started"]),
    "cost": lambda card: (-(card["total"]["cost_usd"] or 0.0), card["started"]),
    "waste": lambda card: (-card["total"].get("waste_usd", [0.0])[0], card["started"]),
}


@click.group("cards")
def command() -> None:
    """Look at cards, check them, print their schema."""


@command.command("ls")
@click.argument("folder", type=place(exists=True))
@click.option(
    "--sort",
    type=click.Choice(list(_SORTS)),
    default="time",
    show_default=True,
    help="The oldest first, the dearest, or the most wasteful by the low end of its waste.",
)
@json_option
def ls(folder: Where, sort: str, as_json: bool) -> None:
    """List the cards of FOLDER. Files that are no valid card are named on standard error."""
    cards = []
    with told_errors():
        for _, card in read_cards(folder):
            if isinstance(card, CardError):
                click.echo(f"left out: {card}", err=True)
            else:
                cards.append(_without_steps(card))
    cards.sort(key=_SORTS[sort])
    if as_json:
        keys = ("trace_id", "started", "root", "status", "duration_s", "total", "outcome")
        print_json([{key: card[key] for key in keys if key in card} for card in cards])  # type: ignore[literal-required]
        return
    headers = ["trace", "started", "root", "status", "s", "cost", "llm", "tools", "in", "out"]
    rows = [
        [*_row(card), _repeats(card), _interval(card["total"].get("waste_usd")), _outcome(card)]
        for card in cards
    ]
    right = {"s", "cost", "llm", "tools", "in", "out", "repeats", "waste"}
    print_table([*headers, "repeats", "waste", "outcome"], rows, right)


@command.command()
@click.argument("card", type=place(exists=True, file_okay=True, dir_okay=False))
@json_option
def show(card: Where, as_json: bool) -> None:
    """Show one CARD: its sums and a table of its steps."""
    with told_errors():
        content = read_card(card)
    if as_json:
        print_json(content)
        return
    total = content["total"]
    root = content["root"]
    click.echo(f"{root['name']}  {content['trace_id']}  {content['status']}")
    click.echo(
        f"{usd(total['cost_usd'])} in {content['duration_s']} s: {total['llm_calls']} LLM calls, "
        f"{total['tool_calls']} tool calls, {total['unpriced_calls']} unpriced"
    )
    _show_parts(content)
    headers = ["n", "step", "cost", "carried", "in", "cached", "out", "ms", "note"]
    rows = [_step_row(step) for step in content["steps"]]
    print_table(headers, rows, {"n", "cost", "carried", "in", "cached", "out", "ms"})
    if folded := content.get("folded"):
        words = ", ".join(f"{count} {what}" for what, count in folded.items())
        click.echo(f"left out to keep the card small: {words}")


@command.command()
@click.argument("paths", nargs=-1, required=True, type=place(exists=True, file_okay=True))
def validate(paths: tuple[Where, ...]) -> None:
    """Check cards, and folders of them, against the schema."""
    valid = wrong = 0
    with told_errors():
        for _, card in chain.from_iterable(read_cards(path) for path in paths):
            if isinstance(card, CardError):
                wrong += 1
                click.echo(str(card), err=True)
            else:
                valid += 1
    click.echo(f"{valid} valid, {wrong} not")
    sys.exit(1 if wrong else 0)


@command.command()
def schema() -> None:
    """Print the JSON Schema of a card."""
    from clawtrace_otel.tracecard.schema import shipped_schema

    click.echo(shipped_schema(), nl=False)


def _without_steps(card: Card) -> Card:
    """What a list shows of a card; many are in memory at a time."""
    return {**card, "steps": []}


def _row(card: Card) -> list[str]:
    total = card["total"]
    return [
        card["trace_id"],
        card["started"][:19].replace("T", " "),
        card["root"]["name"][:40],
        card["status"],
        f"{card['duration_s']:.1f}",
        usd(total["cost_usd"]),
        str(total["llm_calls"]),
        str(total["tool_calls"]),
        f"{total['tokens']['input']:,}",
        f"{total['tokens']['output']:,}",
    ]


def _show_parts(card: Card) -> None:
    total = card["total"]
    if "split" in total:
        parts = total["split"]
        words = [
            f"{usd(parts['output'])} answers",
            f"{usd(parts['tool_results'])} tool results read",
            f"{usd(parts['base'])} the rest of the prompts",
        ]
        if "unsplit" in parts:
            words.append(f"{usd(parts['unsplit'])} not known which")
        click.echo("of it " + ", ".join(words))
    if wasted := _interval(total.get("waste_usd")):
        click.echo(f"wasted on repeats: {wasted}")


def _interval(waste: list[float] | None) -> str:
    """An interval for people; empty if nothing was wasted."""
    return f"{usd(waste[0])} to {usd(waste[1])}" if waste and waste[1] else ""


def _repeats(card: Card) -> str:
    groups = card.get("redundant", [])
    same = [group for group in groups if group["verdict"] == "same"]
    return str(sum(len(group["steps"]) - 1 + group.get("more", 0) for group in same))


def _outcome(card: Card) -> str:
    words = {True: "passed", False: "failed", None: "scored"}
    return words[card["outcome"]["passed"]] if "outcome" in card else ""


def _step_row(step: StepLine) -> list[str]:
    name = step.get("llm") or step.get("tool") or step.get("agent") or ""
    args = step.get("args", "")
    has_price = "usd" in step
    return [
        str(step["n"]),
        f"{name} {args[:48]}".strip(),
        usd(step["usd"]) if has_price else "",
        usd(step["carry_usd"]) if "carry_usd" in step else "",
        *(f"{step[key]:,}" if key in step else "" for key in ("in", "cached", "out")),
        f"{step['ms']:,}",
        _note(step),
    ]


def _note(step: StepLine) -> str:
    notes: list[str] = [step["does"]] if step.get("does", "other") != "other" else []
    if "agent" in step:
        calls = f"{step.get('llm_calls', 0)} LLM calls, {step.get('tool_calls', 0)} tool calls"
        notes.append(f"sub-agent: {calls}" + ("" if step.get("aggregate") else ", listed below"))
    if "output_used" in step:
        notes.append(f"{step['output_used']:.0%} of its answer used")
    if "compacted_from" in step:
        notes.append(f"compacted from {step['compacted_from']:,} tokens")
    if "waste_usd" in step:
        notes.append(f"waste {_interval(step['waste_usd'])}")
    if "repeat" in step:
        notes.append(f"repeats {step['repeat']['of']}: {step['repeat']['verdict']}")
    if "retry_of" in step:
        notes.append(f"retries {step['retry_of']}")
    if "error" in step:
        notes.append(f"error: {step['error'][:48]}")
    if "repaired_by" in step:
        notes.append(f"repaired by {step['repaired_by']}")
    if "unpriced" in step:
        notes.append(f"unpriced: {step['unpriced']}")
    return "; ".join(notes)
