"""What the last run over a folder of cards made of which files, so that it need not be made again.

It stands in ``.clawtrace-compiled.json`` beside the cards. Losing it costs time only.
"""

from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from clawtrace_otel import __version__
from clawtrace_otel.errors import CardError, ConfigError
from clawtrace_otel.exporters.card_folder import CardFolder
from clawtrace_otel.importers.plan import Group
from clawtrace_otel.settings import FIELDS, Settings
from clawtrace_otel.storage.interface import Store
from clawtrace_otel.tracecard.read import SUFFIX, card_names

NAME = ".clawtrace-compiled.json"

VERSION = 1


FILES = ("prices", "litellm_prices")
"""Settings that name files which cards depend on."""

_OF_THE_SERVICE = frozenset(
    {
        "budget_usd",
        "budget_webhook",
        "budget_webhook_headers",
        "cards",
        "forward",
        "forward_ca_file",
        "forward_cert_file",
        "forward_headers",
        "forward_key_file",
        "grpc",
        "health",
        "http",
        "idle_seconds",
        "journal",
        "log_format",
        "log_level",
        "max_card_steps",
        "max_connections",
        "max_forward_bytes",
        "max_memory_bytes",
        "max_pending_bytes",
        "max_request_bytes",
        "max_token_bytes_per_second",
        "metrics",
        "own_traces",
        "refresh_seconds",
        "retention_seconds",
        "session_budget_usd",
        "settle_seconds",
        "tls_cert_file",
        "tls_client_ca_file",
        "tls_key_file",
        "tokens",
        "tokens_file",
    }
)
"""Settings that no card depends on. A new one counts as one that it does, until it stands here."""


class Noted(msgspec.Struct):
    """A group as it was read.

    Attributes:
        made: the fingerprint of the run.
        files: size and time of change (ns) by path.
        cards: trace ids.
    """

    made: str
    files: dict[str, tuple[int, int]]
    cards: list[str]


class _Notes(msgspec.Struct):
    version: int = VERSION
    groups: dict[str, Noted] = {}


class LastRun:
    """The notes of a folder of cards.

    Args:
        folder: of the cards.
        fingerprint: of this run.
    """

    def __init__(self, folder: CardFolder, fingerprint: str) -> None:
        self._store = folder.store
        self._fingerprint = fingerprint
        self._notes = _load(self._store)

    def unchanged(self, groups: list[Group]) -> list[Group]:
        """The groups that would give the cards that are there."""
        there = self._cards_there()
        return [group for group in groups if self._is_unchanged(group, there)]

    def cards(self, group: Group) -> list[str]:
        """The cards of a group when it was last read."""
        noted = self._notes.groups.get(group.key)
        return noted.cards if noted else []

    def note(self, group: Group, cards: list[str]) -> None:
        """Remember what became of a group."""
        self._notes.groups[group.key] = Noted(self._fingerprint, group.stamps, cards)

    def forget(self, group: Group) -> None:
        """Have a group read again in the next run."""
        self._notes.groups.pop(group.key, None)

    def save(self) -> None:
        """Write the notes down.

        Raises:
            ConfigError: the folder cannot be written to.
        """
        text = msgspec.json.encode(self._notes, order="deterministic").decode()
        try:
            self._store.write(NAME, text + "\n")
        except OSError as e:
            msg = f"the notes on this run cannot be written to {self._store.where}: {e}"
            raise ConfigError(msg) from e

    def _cards_there(self) -> set[str]:
        if not self._notes.groups:
            return set()
        try:
            return {name.removesuffix(SUFFIX) for name in card_names(self._store)}
        except CardError:
            return set()

    def _is_unchanged(self, group: Group, there: set[str]) -> bool:
        noted = self._notes.groups.get(group.key)
        return (
            noted is not None
            and noted.made == self._fingerprint
            and noted.files == group.stamps
            and there.issuperset(noted.cards)
        )


def fingerprint(settings: Settings) -> str:
    """What cards depend on besides the files: versions, settings, and the price files' content.

    Raises:
        OSError: a price file cannot be read.
    """
    values = _of_cards(settings)
    prices = [Path(values[name]).read_bytes() for name in FILES if values[name]]
    parts = (__version__, version("genai-prices"), values, prices)
    return blake2b(msgspec.msgpack.encode(parts), digest_size=16).hexdigest()


def of_cards(settings: Settings) -> Settings:
    """The settings that cards depend on; the others, with what is secret, have their defaults."""
    return Settings(**_of_cards(settings))


def _of_cards(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in FIELDS if name not in _OF_THE_SERVICE}


def _load(store: Store) -> _Notes:
    try:
        notes = msgspec.json.decode(store.read(NAME), type=_Notes)
    except (OSError, ValueError):
        return _Notes()
    return notes if notes.version == VERSION else _Notes()
