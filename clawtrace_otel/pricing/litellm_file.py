"""Prices in LiteLLM's format: ``model_prices_and_context_window.json``, or a part of it.

One JSON object of entries by model. Rates are USD a token. Of an entry are read, each also with
``_above_200k_tokens`` (any size) and with a service tier behind it (``_priority``, ``_flex``,
``_batches``)::

    input_cost_per_token                         needed
    output_cost_per_token                        needed, but of embeddings
    cache_read_input_token_cost                  left out: as input
    cache_creation_input_token_cost              left out: as input
    cache_creation_input_token_cost_above_1hr    left out: as cache_creation_input_token_cost
    output_cost_per_reasoning_token              left out: as output
    input_cost_per_request                       beside the tokens; left out: none
    tiered_pricing                               rates by ``range`` of input tokens
    litellm_provider                             left out: any

What is not priced by tokens, costs 0, or changes within a day (``off_peak_pricing``) is passed
over, and the next source is asked. Other keys are not looked at.

Source: BerriAI/litellm, ``litellm_core_utils/llm_cost_calc/utils.py``; ``tests/pricing`` states
what was compared.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path

from clawtrace_otel.errors import PriceError
from clawtrace_otel.pricing.names import PROVIDER_ALIASES, spellings
from clawtrace_otel.pricing.rates import RateCard, Rates, rate_from_mtok

SOURCE = "litellm"

Entry = Mapping[str, object]

PREFIXES = {
    "aws": ("bedrock",),
    "azure": ("azure", "azure_ai"),
    "fireworks": ("fireworks_ai",),
    "google": ("gemini", "vertex_ai"),
    "moonshotai": ("moonshot",),
    "together": ("together_ai",),
    "x-ai": ("xai",),
}
"""Provider -> what LiteLLM writes before its models; of others their own name."""

PROVIDERS = {
    "amazon_nova": "aws",
    "azure_text": "azure",
    "bedrock_converse": "aws",
    "cohere_chat": "cohere",
    "text-completion-openai": "openai",
    **PROVIDER_ALIASES,
}
"""``litellm_provider`` -> provider, where the names differ; variants (``vertex_ai-…``) as well."""

INCLUSIVE = frozenset({"xai"})
"""Providers whose larger rates hold from a size on, rather than above it."""

_BATCHES = "batches"
_SUFFIXES = {"batch": _BATCHES, "fast": "priority"}
MAX_EXPONENT = 100
"""Of a number. As an integer, one with a million digits takes minutes."""

_COST = re.compile(
    r"(?:input|output)_cost_per_(?:token|reasoning_token|request)(?:_.+)?"
    r"|cache_(?:read|creation)_input_token_cost(?:_.+)?"
)
_ABOVE = re.compile(r"input_cost_per_token_above_(\d+)(k?)_tokens")
_PER_MTOK = 1_000_000
_MAX_USD = 1
"""No token costs more; the value is a mistake of a million."""


class LitellmPrices:
    """The prices of one file.

    Args:
        path: the JSON file.

    Raises:
        PriceError: it cannot be read, is no JSON object of entries, or a rate makes no sense.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries = dict(_checked(path, _load(path)))
        self._by_lower = {key.lower(): key for key in reversed(self._entries)}
        self.find_card = lru_cache(maxsize=4096)(self._find_card)

    def _find_card(self, provider: str, model: str, tier: str) -> RateCard | None:
        """The rates of a model; ``None`` if no entry prices its tokens.

        Args:
            provider: as the span names it; empty if it names none.
            model: as the span names it.
            tier: service tier, or ``batch``; empty is the standard.
        """
        for seller, name in spellings(provider, model):
            for key in self._keys(seller, name):
                card = _card(key, self._entries[key], _SUFFIXES.get(tier, tier))
                if card is not None:
                    return card
        return None

    def _keys(self, provider: str, model: str) -> Iterator[str]:
        for prefix in PREFIXES.get(provider, (provider,)) if provider else ():
            if key := self._key(f"{prefix}/{model}"):
                yield key
        key = self._key(model)
        if key and provider in ("", *_sellers(self._entries[key], provider)):
            yield key

    def _key(self, name: str) -> str | None:
        return name if name in self._entries else self._by_lower.get(name.lower())


def _sellers(entry: Entry, default: str) -> tuple[str, ...]:
    """Who sells a model; whoever is asked for, if the entry does not say it."""
    name = entry.get("litellm_provider")
    if not isinstance(name, str):
        return (default,)
    plain = name.partition("-")[0]
    return (PROVIDERS.get(name, name), PROVIDERS.get(plain, plain))


def _load(path: Path) -> Mapping[str, object]:
    try:
        value = json.loads(path.read_bytes(), parse_float=Decimal)
    except (OSError, ValueError, RecursionError, InvalidOperation) as e:
        msg = f"cannot read {path}: {e}"
        raise PriceError(msg) from e
    if not isinstance(value, dict):
        msg = f"{path} is no JSON object of models, as LiteLLM's model_prices_…json is"
        raise PriceError(msg)
    return value


def _checked(path: Path, entries: Mapping[str, object]) -> Iterator[tuple[str, Entry]]:
    for model, entry in entries.items():
        where = f"{path}: $[{json.dumps(model)}]"
        if not isinstance(entry, dict):
            msg = f"{where} is no object"
            raise PriceError(msg)
        if model != "sample_spec":  # It explains the keys, and prices nothing.
            yield model, {key: _read(f"{where}.{key}", key, held) for key, held in entry.items()}


def _read(where: str, key: str, value: object) -> object:
    """A value of an entry, rates as decimals."""
    if value is None:
        return None
    if key == "tiered_pricing":
        return list(_read_tiers(where, value))
    return _rate(where, value) if _COST.fullmatch(key) else value


def _read_tiers(where: str, value: object) -> Iterator[Entry]:
    """The tiers of tokens; there are others, of searches for one."""
    for n, tier in enumerate(_list(where, value)):
        if isinstance(tier, dict) and "input_cost_per_token" in tier:
            here = f"{where}[{n}]"
            bounds = _list(f"{here}.range", tier.get("range"))
            rates = {key: _read(f"{here}.{key}", key, held) for key, held in tier.items()}
            yield {**rates, "range": [_number(f"{here}.range", bound) for bound in bounds]}


def _list(where: str, value: object) -> list[object]:
    if isinstance(value, list) and value:
        return value
    msg = f"{where} is {str(value)[:40]!r}, not a list with something in it"
    raise PriceError(msg)


def _rate(where: str, value: object) -> Decimal:
    """A rate; LiteLLM takes text too, because YAML reads 3e-7 as text."""
    amount = _number(where, value)
    if not 0 <= amount < _MAX_USD:
        msg = f"{where} is {amount}; a token costs from 0 to {_MAX_USD} USD"
        raise PriceError(msg)
    return amount


def _number(where: str, value: object) -> Decimal:
    try:
        if not isinstance(value, bool) and isinstance(value, int | str | Decimal):
            amount = Decimal(value)
            if amount.is_finite() and abs(amount.adjusted()) <= MAX_EXPONENT:
                return amount
    except InvalidOperation:
        pass
    msg = f"{where} is {str(value)[:40]!r}, not a number"
    raise PriceError(msg)


def _card(key: str, entry: Entry, suffix: str) -> RateCard | None:
    if entry.get("off_peak_pricing"):
        return None
    tiers = list(_tiers(entry, suffix))
    if not tiers or all(rates == Rates() for _, rates in tiers):
        return None
    provider = str(entry.get("litellm_provider") or "")
    inclusive = provider in INCLUSIVE
    return RateCard(
        source=SOURCE,
        provider=provider,
        model=key,
        base=tiers[0][1],
        tiers=tuple((above - inclusive, rates) for above, rates in tiers[1:]),
    )


def _tiers(entry: Entry, suffix: str) -> Iterator[tuple[int, Rates]]:
    """(input tokens above which they hold, rates), ascending."""
    listed = entry.get("tiered_pricing")
    if isinstance(listed, list):
        output = entry.get("output_cost_per_token")
        for tier in sorted(listed, key=lambda tier: tier["range"][0]):
            yield int(tier["range"][0]), _rates({"output_cost_per_token": output, **tier}, "", ())
        return
    is_embedding = entry.get("mode") == "embedding"
    if entry.get("input_cost_per_token") is None or not (
        is_embedding or entry.get("output_cost_per_token") is not None
    ):
        return
    passed: list[str] = []
    yield 0, _rates(entry, suffix, passed)
    for above, named in sorted(_thresholds(entry)):
        passed.append(named)
        yield above, _rates(entry, suffix, passed)


def _thresholds(entry: Entry) -> Iterator[tuple[int, str]]:
    for key, value in entry.items():
        match = _ABOVE.fullmatch(key)
        if match and value is not None:
            yield int(match[1]) * (1000 if match[2] else 1), f"{match[1]}{match[2]}"


def _rates(entry: Entry, suffix: str, passed: "list[str] | tuple[()]") -> Rates:
    """The rates of requests that are larger than all thresholds ``passed``."""

    def usd(*names: str) -> Decimal:
        found = (_usd(entry, name, suffix, passed) for name in names)
        return next((amount for amount in found if amount is not None), Decimal(0))

    written = "cache_creation_input_token_cost"
    rates = {
        "fresh": usd("input_cost_per_token"),
        "cache_read": usd("cache_read_input_token_cost", "input_cost_per_token"),
        "cache_write_5m": usd(written, "input_cost_per_token"),
        "cache_write_1h": usd(f"{written}_above_1hr", written, "input_cost_per_token"),
        "output": usd("output_cost_per_token"),
        "reasoning": usd("output_cost_per_reasoning_token", "output_cost_per_token"),
        "request": usd("input_cost_per_request"),
    }
    return replace(
        Rates(), **{name: rate_from_mtok(amount * _PER_MTOK) for name, amount in rates.items()}
    )


def _usd(entry: Entry, name: str, suffix: str, passed: "list[str] | tuple[()]") -> Decimal | None:
    """A rate: that of the largest threshold passed comes before that of the service tier alone.

    A batch's own rate comes first: standard rates of larger requests do not hold for it.
    """
    stems = [*(f"{name}_above_{size}_tokens" for size in reversed(passed)), name]
    keys = [key for stem in stems for key in (f"{stem}_{suffix}", stem)]
    if suffix == _BATCHES:
        keys.sort(key=lambda key: not key.endswith(suffix))
    found = (entry.get(key) for key in keys)
    return next((amount for amount in found if isinstance(amount, Decimal)), None)
