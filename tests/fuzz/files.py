"""Targets: files of every recorded format, of settings, of prices, and cards."""

import datetime
import json
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from clawtrace_otel.cli import main
from clawtrace_otel.errors import CardError, ConfigError, PriceError
from clawtrace_otel.importers.compile_group import compile_records
from clawtrace_otel.importers.registry import MODULES, importer, recognise
from clawtrace_otel.pricing.litellm_file import LitellmPrices
from clawtrace_otel.pricing.rates import RateCard
from clawtrace_otel.pricing.user_file import UserPrices
from clawtrace_otel.semconv.step import Usage
from clawtrace_otel.settings import FIELDS, PREFIX, load_settings
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import read_card
from tests.fuzz.checks import check_card, compiler, scratch

SEPARATOR = b"\n\0\n"
"""Between the files of a group."""

NAMES: dict[str, list[str]] = {
    "claude-code": ["11111111-1111-4111-8111-111111111111.jsonl", "agent-a1.jsonl"],
    "harbor": [
        "trial/config.json",
        "trial/result.json",
        "trial/agent/trajectory.json",
        "trial/verifier/ctrf.json",
        "trial/verifier/reward.json",
    ],
    "openclaw": ["a.jsonl", "b.jsonl"],
    "otlp": ["a.json", "b.jsonl", "c.pb"],
}
"""Format -> the names of its files, one for each part of an input; of others one alone."""

USAGE = Usage(
    fresh=100, cache_read=200, cache_write_5m=300, cache_write_1h=400, output=500, reasoning=50
)
TODAY = datetime.date(2026, 11, 20)


def recorded(name: str) -> Callable[[bytes], None]:
    """The target of a format: its files, read and compiled."""

    def run(data: bytes) -> None:
        names, parts = NAMES.get(name, ["a.jsonl"]), data.split(SEPARATOR)
        paths = [_write(file, part) for file, part in zip(names, parts, strict=False)]
        for file in names[len(parts) :]:  # of the input before
            (scratch() / file).unlink(missing_ok=True)
        for path in paths:
            recognise(path)
        records = importer(name).read(paths)
        summary = compile_records(records, compiler(), _keep)
        faults = [str(p) for p in summary.problems if "fault of ours" in p.text]
        assert not faults, faults

    return run


RECORDED = {f"recorded_{name.replace('-', '_')}": recorded(name) for name in MODULES}


def settings(data: bytes) -> None:
    """A settings file, and the same values in the environment."""
    text = data.decode(errors="replace").replace("\0", "")
    environment = {PREFIX + name.upper(): text[:200] for name in FIELDS}
    for file, given in ((_write("settings.yaml", data), {}), (None, environment)):
        try:
            found = load_settings(file=file, environment=given)
        except ConfigError:
            continue
        assert found.max_card_bytes >= 1024
        assert 0 < found.near_threshold <= 1
        assert min(found.settle_seconds, found.idle_seconds, found.refresh_seconds) >= 0


def prices_yaml(data: bytes) -> None:
    """A price file."""
    try:
        prices = UserPrices(_write("prices.yaml", data))
    except PriceError:
        return
    for model in ("gpt-5.4", "round", "llama-3.3-70b"):
        for provider in ("", "openai", "self-hosted"):
            _check_rates(prices.find_card(provider, model, TODAY))


def prices_json(data: bytes) -> None:
    """A price file in LiteLLM's format."""
    path = _write("prices.json", data)
    try:
        prices = LitellmPrices(path)
    except PriceError:
        return
    models = [name for name in json.loads(data) if name != "sample_spec"][:20]
    for model in models:
        for tier in ("", "batch", "priority"):
            _check_rates(prices.find_card("", model, tier))
            _check_rates(prices.find_card("openai", model, tier))


def card_file(data: bytes) -> None:
    """A file that may be a card, and what the command line makes of it."""
    try:
        card = read_card(_write("card.yaml", data))
    except CardError:
        return
    for arguments in (["show"], ["show", "--json"]):
        path = str(scratch() / "card.yaml")
        done = CliRunner().invoke(main, ["cards", *arguments, path], catch_exceptions=False)
        assert done.exit_code == 0, done.output
    assert card["tracecard"] == 1


def _write(name: str, data: bytes) -> Path:
    path = scratch() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _keep(compiled: Callable[[int], Card | None]) -> Card | None:
    card = compiled(1)
    if card is not None:
        check_card(card, compiler().max_bytes)
    return card


def _check_rates(card: RateCard | None) -> None:
    if card is not None:
        assert card.cost(USAGE) >= 0
