"""Cards of at most a given size: steps are folded, lists are cut, and what is left out counted."""

from dataclasses import dataclass
from typing import Any, cast

from clawtrace_otel.money import PER_USD
from clawtrace_otel.settings import Content
from clawtrace_otel.tracecard.items import Item
from clawtrace_otel.tracecard.lines import clean, step_line
from clawtrace_otel.tracecard.model import Card, Folded, Redundant
from clawtrace_otel.tracecard.write import dump_card, dump_step

DEFAULT_MAX_BYTES = 4096
_FOLDED_BYTES = 160  # more than the `folded` line ever takes
_SHORTEST_STEP = 16  # bytes; no step takes fewer


@dataclass(frozen=True, slots=True)
class _Limits:
    groups: int
    steps_a_group: int
    loops: int
    names: int
    chars: int


_LIMITS = (
    _Limits(groups=24, steps_a_group=24, loops=12, names=12, chars=120),
    _Limits(groups=12, steps_a_group=8, loops=6, names=8, chars=64),
    _Limits(groups=4, steps_a_group=6, loops=3, names=4, chars=40),
    _Limits(groups=1, steps_a_group=4, loops=1, names=1, chars=20),
    _Limits(groups=0, steps_a_group=2, loops=0, names=1, chars=16),
)
_WITH_TEXT = {"root", "session", "outcome", "models", "unpriced", "redundant"}
_REQUIRED = {"models", "steps"}
_SHARE_OF_LISTS = 0.45
"""Lists are cut further while all that is not steps takes more than this share of a folded card."""


def fit(card: Card, items: list[Item], max_bytes: int, content: Content = "sample") -> Card:
    """Add the steps to a card that has everything else, within ``max_bytes``.

    The cheapest steps are folded first, but those that a loop or a group of verdict ``same`` names
    last: they are what the card is read for.
    """
    if len(items) * _SHORTEST_STEP <= max_bytes:
        card["steps"] = [step_line(item, content) for item in items]
        if len(dump_card(card).encode()) <= max_bytes:
            return card
        card["steps"] = []
    smaller = _cut_lists(card, max_bytes)
    left = max_bytes - _FOLDED_BYTES - len(dump_card(smaller).encode())
    kept = _choose(smaller, items, left, content)
    smaller["steps"] = [step_line(item, content) for item in items if item.n in kept]
    if len(kept) < len(items):
        folded = smaller.setdefault("folded", {})
        left_out = [item for item in items if item.n not in kept]
        folded["steps"] = len(left_out)
        folded["usd"] = sum(i.price.cost or 0 for i in left_out if i.price) / PER_USD
        if carried := sum(item.carry or 0 for item in left_out):
            folded["carry_usd"] = carried / PER_USD
    return smaller


def _choose(card: Card, items: list[Item], left: int, content: Content) -> set[int]:
    """The numbers of the steps that fit into ``left`` bytes."""
    named = _named(card)
    by_worth = sorted(
        items,
        key=lambda item: (item.n not in named, -(item.cost or item.carry or 0), item.n),
    )
    kept: set[int] = set()
    for item in by_worth[: left // _SHORTEST_STEP + 1]:
        left -= len(dump_step(step_line(item, content)).encode())
        if left < 0:
            break
        kept.add(item.n)
    return kept


def _named(card: Card) -> set[int]:
    same = [group for group in card.get("redundant", ()) if group["verdict"] == "same"]
    named = {n for group in same for n in group["steps"]}
    for loop in card.get("loops", ()):
        named |= {loop["first"], loop["last"]}
    return named


def _cut_lists(card: Card, max_bytes: int) -> Card:
    smaller = card
    for limits in _LIMITS:
        smaller = _cut(card, limits)
        if len(dump_card(smaller).encode()) <= max_bytes * _SHARE_OF_LISTS:
            break
    return smaller


def _cut(card: Card, limits: _Limits) -> Card:
    cut: dict[str, Any] = dict(card)
    folded: Folded = {}
    if "redundant" in card:
        cut["redundant"] = [
            _cut_group(group, limits.steps_a_group)
            for group in sorted(card["redundant"], key=_worth)[: limits.groups]
        ]
        folded["redundant"] = len(card["redundant"]) - len(cut["redundant"])
    if "loops" in card:
        cut["loops"] = card["loops"][: limits.loops]
        folded["loops"] = len(card["loops"]) - len(cut["loops"])
    if "unpriced" in card:
        cut["unpriced"] = card["unpriced"][: limits.names]
        folded["unpriced"] = len(card["unpriced"]) - len(cut["unpriced"])
    cut["models"] = card["models"][: limits.names]
    folded["models"] = len(card["models"]) - len(cut["models"])
    for key in _WITH_TEXT & cut.keys():
        cut[key] = _shorten(cut[key], limits.chars)
    smaller = {key: value for key, value in cut.items() if value != [] or key in _REQUIRED}
    if counted := {key: count for key, count in folded.items() if count}:
        smaller["folded"] = counted
    return cast("Card", smaller)


def _worth(group: Redundant) -> tuple[bool, int, int]:
    return group["verdict"] != "same", -len(group["steps"]), group["steps"][0]


def _cut_group(group: Redundant, limit: int) -> Redundant:
    more = len(group["steps"]) - limit
    return group if more <= 0 else {**group, "steps": group["steps"][:limit], "more": more}


def _shorten(value: Any, chars: int) -> Any:
    """Every text in ``value`` cut to ``chars``; ids and words of closed sets are never longer."""
    if isinstance(value, str):
        return clean(value, chars)
    if isinstance(value, list):
        return [_shorten(item, chars) for item in value]
    if isinstance(value, dict):
        return {key: _shorten(item, chars) for key, item in value.items()}
    return value
