"""The user's own prices: a YAML file of dated rates by provider and model globs.

::

    prices: 1
    usd_per: {EUR: 1.08}              # one unit of each currency that is used below
    models:
      - model: "llama-3.3-*"          # glob, compared without case
        provider: "self-hosted"       # glob; left out: any
        from: 2026-03-01              # first UTC day; left out: always
        currency: EUR                 # left out: USD
        input: 0.20                   # a million tokens
        cache_read: 0.02              # left out: as input
        cache_write: 0.25             # 5 minutes; left out: as input
        cache_write_1h: 0.40          # left out: as cache_write
        output: 0.80
      - {model: "gemma-*", free: true}

The last entry that matches and has begun wins, so that a list can be read from general to special
and from old to new.
"""

from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from clawtrace_otel.errors import PriceError
from clawtrace_otel.pricing.rates import RateCard, Rates, rate_from_mtok
from clawtrace_otel.yaml_io import load_yaml

SOURCE = "user"

_MAX_AMOUNT = 10**9


class Entry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One line of the file; amounts are per million tokens in ``currency``."""

    model: str
    provider: str = "*"
    from_: date | None = msgspec.field(default=None, name="from")
    currency: str = "USD"
    free: bool = False
    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None


class PriceFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    prices: int
    models: list[Entry]
    usd_per: dict[str, Decimal] = {}


class UserPrices:
    """The prices of one file.

    Args:
        path: the YAML file.

    Raises:
        PriceError: it cannot be read, has unknown keys, or an entry makes no sense.
    """

    def __init__(self, path: Path) -> None:
        file = load_yaml(path, PriceFile, PriceError)
        if file.prices != 1:
            msg = f"{path}: $.prices is {file.prices}; this version reads 1"
            raise PriceError(msg)
        for currency, usd in file.usd_per.items():
            if not usd or not _is_sane(usd):
                msg = f"{path}: $.usd_per.{currency} is {usd}; one unit must be worth some USD"
                raise PriceError(msg)
        self.path = path
        self._cards = [
            (entry, _card(path, n, entry, file.usd_per)) for n, entry in enumerate(file.models)
        ]

    def find_card(self, provider: str, model: str, day: date) -> RateCard | None:
        """The rates of a model on a UTC day, or ``None`` if no entry matches."""
        for entry, card in reversed(self._cards):
            if _matches(entry, provider, model) and (entry.from_ is None or entry.from_ <= day):
                return card
        return None


def _matches(entry: Entry, provider: str, model: str) -> bool:
    return fnmatchcase(model.lower(), entry.model.lower()) and fnmatchcase(
        provider.lower(), entry.provider.lower()
    )


def _is_sane(amount: Decimal) -> bool:
    return amount.is_finite() and 0 <= amount < _MAX_AMOUNT


def _card(path: Path, n: int, entry: Entry, usd_per: dict[str, Decimal]) -> RateCard:
    where = f"{path}: $.models[{n}]"
    if not entry.free and (entry.input is None or entry.output is None):
        msg = f'{where} ({entry.model!r}) needs "input" and "output", or "free: true"'
        raise PriceError(msg)
    usd = Decimal(1) if entry.currency == "USD" else usd_per.get(entry.currency)
    if usd is None:
        msg = f"{where}.currency is {entry.currency!r}, which $.usd_per does not convert to USD"
        raise PriceError(msg)
    amounts = (entry.input, entry.output, entry.cache_read, entry.cache_write, entry.cache_write_1h)
    given = [amount for amount in amounts if amount is not None]
    if entry.free and given:
        msg = f"{where} ({entry.model!r}) is free and has amounts; leave one of them out"
        raise PriceError(msg)
    if not all(map(_is_sane, given)):
        msg = f"{where} ({entry.model!r}) has a negative or absurd amount"
        raise PriceError(msg)
    return RateCard(
        source=SOURCE,
        provider=entry.provider,
        model=entry.model,
        base=_rates(entry, usd),
        since=entry.from_.isoformat() if entry.from_ else "",
    )


def _rates(entry: Entry, usd: Decimal) -> Rates:
    def rate(*amounts: Decimal | None) -> int:
        given = next((amount for amount in amounts if amount is not None), Decimal(0))
        return rate_from_mtok(given * usd)

    return Rates(
        fresh=rate(entry.input),
        cache_read=rate(entry.cache_read, entry.input),
        cache_write_5m=rate(entry.cache_write, entry.input),
        cache_write_1h=rate(entry.cache_write_1h, entry.cache_write, entry.input),
        output=rate(entry.output),
        reasoning=rate(entry.output),
    )
