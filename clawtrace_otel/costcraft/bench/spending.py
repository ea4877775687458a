"""What runs have cost, read from their cards as these are written."""

import math
import threading
import time
from pathlib import Path
from typing import Literal

from clawtrace_otel.costcraft.bench.results import Spent
from clawtrace_otel.errors import CardError
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths, read_card

LOOK_SECONDS = 0.25
"""How often the folder is looked at, at most."""


class Spending:
    """The cards of a bench, by run. May be used by several threads.

    A card belongs to the run that its ``run`` names, else to the run that its trace id was given.

    Args:
        cards: the folder.
    """

    def __init__(self, cards: Path) -> None:
        self._folder = cards
        self._lock = threading.Lock()
        self._looked_at = -math.inf
        self._marks: dict[Path, tuple[int, int]] = {}
        self._cards: dict[Path, Card] = {}
        self._by_run: dict[str, list[Card]] = {}
        self._run_of_trace: dict[str, str] = {}

    def expect(self, trace_id: str, run: str) -> None:
        """A trace id was given to a run."""
        with self._lock:
            self._run_of_trace[trace_id] = run

    def look(self) -> None:
        """Look at the folder now."""
        with self._lock:
            self._looked_at = -math.inf
            self._look()

    def of(self, run: str) -> Spent:
        """What is known of a run."""
        return spent(self._cards_of(run))

    def is_settled(self, run: str) -> bool:
        """Whether a run has cards and none of them waits for more."""
        cards = self._cards_of(run)
        return bool(cards) and all(card["status"] != "open" for card in cards)

    def known_usd(self, run: str) -> float:
        """What a run has cost at least, so far."""
        return math.fsum(card["total"]["cost_usd"] or 0.0 for card in self._cards_of(run))

    def total_usd(self) -> float:
        """What all runs have cost at least, so far; those that were broken off included."""
        with self._lock:
            self._look()
            return math.fsum(card["total"]["cost_usd"] or 0.0 for card in self._cards.values())

    def _cards_of(self, run: str) -> list[Card]:
        with self._lock:
            self._look()
            return self._by_run.get(run, [])

    def _look(self) -> None:
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        changed = [path for path in card_paths(self._folder) if self._read(path)]
        if changed:
            self._by_run = {}
            for card in self._cards.values():
                run = card.get("run") or self._run_of_trace.get(card["trace_id"])
                if run is not None:
                    self._by_run.setdefault(run, []).append(card)
        self._looked_at = time.monotonic()

    def _read(self, path: Path) -> bool:
        """Read a card if its file has changed; whether it has."""
        try:
            stat = path.stat()
            mark = (stat.st_mtime_ns, stat.st_size)
            if self._marks.get(path) == mark:
                return False
            self._marks[path] = mark
            self._cards[path] = read_card(path)
        except (OSError, CardError):
            # Somebody else's file, or one that is gone: no cost of ours.
            self._cards.pop(path, None)
        return True


def spent(cards: list[Card]) -> Spent:
    """The sums of the cards of one run; the cost is unknown if any part of it is."""
    if not cards:
        return Spent(why="there is no card: no span of a model or tool call has come in")
    totals = [card["total"] for card in cards]
    at_least = math.fsum(total["cost_usd"] or 0.0 for total in totals)
    why = _unknown(cards)
    return Spent(
        cards=sorted({card["trace_id"] for card in cards}),
        usd=None if why else at_least,
        at_least_usd=at_least,
        why=why,
        llm_calls=sum(total["llm_calls"] for total in totals),
        tool_calls=sum(total["tool_calls"] for total in totals),
        input_tokens=_tokens(cards, "input"),
        cached_tokens=_tokens(cards, "cache_read"),
        output_tokens=_tokens(cards, "output"),
        waste_usd=math.fsum(total.get("waste_usd", [0.0])[0] for total in totals),
    )


def _unknown(cards: list[Card]) -> str:
    """Why the cost of a run is not known; empty if it is."""
    if unpriced := sum(card["total"]["unpriced_calls"] for card in cards):
        return f"calls without a price: {unpriced}"
    if all(card["total"]["cost_usd"] is None for card in cards):
        return "no model call was seen"
    if any(card["status"] == "open" for card in cards):
        return "its card is open: spans may be missing"
    return ""


def _tokens(cards: list[Card], kind: Literal["input", "cache_read", "output"]) -> int:
    return sum(card["total"]["tokens"][kind] for card in cards)
