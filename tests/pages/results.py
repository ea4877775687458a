"""What the last tries found: `results.json`, which is committed."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

PATH = Path(__file__).with_name("results.json")


class Result(msgspec.Struct, frozen=True):
    """A try that held.

    Attributes:
        day: when, as `2026-11-22`, in UTC.
        digest: of what was tried, `pages.digest`.
        versions: of the packages that were installed by name.
        card: an excerpt of the card, or of the first of several.
    """

    day: str
    digest: str
    versions: dict[str, str]
    card: str


def load() -> dict[str, Result]:
    """The results by try, `PAGE` or `PAGE:VARIANT`."""
    return msgspec.json.decode(PATH.read_bytes(), type=dict[str, Result]) if PATH.exists() else {}


def save(results: Mapping[str, Result]) -> None:
    """Write all results, sorted."""
    encoded = msgspec.json.encode(dict(sorted(results.items())))
    PATH.write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")
