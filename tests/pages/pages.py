"""The pages of docs/integrations: the blocks that are tried, and the parts that a try writes.

A block that is tried follows a line `<!-- try: WHAT [VARIANT,...] -->`. WHAT is `install` or `run`,
whose lines a shell runs, or the name of a file that the block is put into. A block without variants
belongs to all of its page. Between `<!-- tried -->` or `<!-- card [VARIANT] -->` and the mark that
ends it stands what the last try found.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence

import msgspec

from tests.fixtures.environments import ROOT
from tests.pages.results import Result
from tests.pages.tries import NOT_TRIED, TRIES

FOLDER = ROOT / "docs" / "integrations"
INDEX = "README"

_BLOCK = re.compile(
    r"^<!-- try: (\S+)(?: (\S+))? -->\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
_TRIED = re.compile(r"(<!-- tried -->\n).*?(<!-- /tried -->)", re.DOTALL)
_CARD = re.compile(r"(<!-- card(?: (\S+))? -->\n).*?(<!-- /card -->)", re.DOTALL)
_ROW = re.compile(r"^(\| \[[^\]]+\]\((\S+)\.md\) \| [^|]+ \| )[^|]*( \|)", re.MULTILINE)


class Block(msgspec.Struct, frozen=True):
    """A block that is tried: `what` it is, in which `variants` (none: all), and its text."""

    what: str
    variants: tuple[str, ...]
    text: str


def names() -> list[str]:
    """The pages, by file name without suffix."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


def text_of(page: str) -> str:
    """The text of a page."""
    return (FOLDER / f"{page}.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """All blocks of a page that are tried, in order."""
    found = _BLOCK.findall(text)
    return [Block(what, tuple(v for v in only.split(",") if v), body) for what, only, body in found]


def variants(text: str) -> list[str]:
    """The variants that the blocks of a page name, in order; one empty name if they name none."""
    named = dict.fromkeys(variant for block in blocks(text) for variant in block.variants)
    return list(named) or [""]


def tries_of(page: str) -> list[str]:
    """The tries of a page, `PAGE` or `PAGE:VARIANT` each; none if it has no blocks to try."""
    text = text_of(page)
    return [f"{page}:{v}".rstrip(":") for v in variants(text)] if blocks(text) else []


def blocks_of(name: str) -> list[Block]:
    """The blocks of a try."""
    page, _, variant = name.partition(":")
    return [b for b in blocks(text_of(page)) if not b.variants or variant in b.variants]


def digest(name: str) -> str:
    """Of all that decides what a try does: its blocks, and what is prepared and expected."""
    told = msgspec.json.encode([blocks_of(name), TRIES[name]])
    return hashlib.blake2b(told, digest_size=8).hexdigest()


def written(page: str, results: Mapping[str, Result]) -> str:
    """A page with the parts that the last tries write."""
    text = text_of(page)
    if page == INDEX:
        return _ROW.sub(lambda row: f"{row[1]}{_cell(row[2], results)}{row[3]}", text)
    mine = [name for name in tries_of(page) if name in results]
    text = _TRIED.sub(lambda part: f"{part[1]}{_tried(page, mine, results)}{part[2]}", text)
    return _CARD.sub(lambda part: f"{part[1]}{_card(page, part[2], results)}{part[3]}", text)


def _tried(page: str, mine: Sequence[str], results: Mapping[str, Result]) -> str:
    lines = [f"Not tried: {why}" for key, why in NOT_TRIED.items() if key == page]
    for name in mine:
        variant = name.partition(":")[2]
        lead = f"* {variant.capitalize()}: " if variant else ""
        lines.append(f"{lead}tried on {results[name].day} with {_versions(results[name])}.")
    return "".join(f"{line[0].upper()}{line[1:]}\n" for line in lines)


def _versions(result: Result) -> str:
    return ", ".join(f"{package} {version}" for package, version in result.versions.items())


def _card(page: str, variant: str, results: Mapping[str, Result]) -> str:
    name = f"{page}:{variant}" if variant else next(iter(tries_of(page)))
    result = results.get(name)
    return f"```yaml\n{result.card}```\n" if result else ""


def _cell(page: str, results: Mapping[str, Result]) -> str:
    if page in NOT_TRIED:
        return "no"
    days = sorted({r.day for name, r in results.items() if name.partition(":")[0] == page})
    return days[0] if days else "no"
