"""``clawtrace prices``."""

import sys
from datetime import UTC, datetime

import click

from clawtrace_otel.commands.common import (
    json_option,
    print_json,
    print_table,
    setting_options,
    told_errors,
)
from clawtrace_otel.pricing.rates import RateCard, Rates, rate_to_mtok
from clawtrace_otel.settings import load_settings

_COLUMNS = ("fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")


@click.group("prices")
def command() -> None:
    """Show what a model costs, by which source and since when."""


@command.command()
@click.argument("model")
@click.option("--provider", default="", help="As spans name it; left out, the model tells.")
@click.option(
    "--at",
    "when",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Day (or time) of the call in UTC; default now.",
)
@click.option("--tier", default="", help="Service tier, such as priority, flex or batch.")
@setting_options("prices", "litellm_prices")
@json_option
def show(
    model: str,
    provider: str,
    when: datetime | None,
    tier: str,
    as_json: bool,
    **flags: str | None,
) -> None:
    """Show the rates of MODEL in USD a million tokens."""
    moment = when.replace(tzinfo=UTC) if when else datetime.now(UTC)
    with told_errors():
        from clawtrace_otel.pricing import genai, litellm_file, user_file
        from clawtrace_otel.tracecard.factory import make_compiler

        settings = load_settings(flags)
        pricer = make_compiler(settings).pricer
        card = pricer.find_card(provider.lower(), (model,), moment, tier.lower())
    if card is None:
        click.echo(
            f"no source knows a price for {model!r}"
            + (f" of provider {provider!r}" if provider else "")
            + "; give one in a price file (--prices)",
            err=True,
        )
        sys.exit(1)
    files = {user_file.SOURCE: settings.prices, litellm_file.SOURCE: settings.litellm_prices}
    version = files.get(card.source, genai.VERSION)
    if as_json:
        print_json(_as_json(card, version, moment))
        return
    since = f", in force since {card.since}" if card.since else ""
    click.echo(f"{card.provider} / {card.model}: {card.source} {version}{since}")
    click.echo(f"USD a million tokens on {moment:%Y-%m-%d}" + (f", tier {tier}" if tier else ""))
    rows = [[size, *_cells(rates)] for size, rates in _tiers(card)]
    print_table(["request", *_COLUMNS], rows, set(_COLUMNS))


def _tiers(card: RateCard) -> list[tuple[str, Rates]]:
    larger = [(f"over {above:,} input tokens", rates) for above, rates in card.tiers]
    return [("any" if not larger else f"up to {card.tiers[0][0]:,}", card.base), *larger]


def _cells(rates: Rates) -> list[str]:
    return [f"{rate_to_mtok(getattr(rates, name)):f}" for name in _COLUMNS]


def _as_json(card: RateCard, version: str, when: datetime) -> dict[str, object]:
    return {
        "provider": card.provider,
        "model": card.model,
        "source": card.source,
        "version": version,
        "at": when.isoformat(),
        "since": card.since or None,
        "usd_per_mtok": [
            {"request": size, **dict(zip(_COLUMNS, map(float, _cells(rates)), strict=True))}
            for size, rates in _tiers(card)
        ],
    }
