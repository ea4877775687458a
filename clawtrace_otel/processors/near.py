"""Near equality of arguments: at most a given share of edits apart.

The similarity is 1 - d / max(len), with d the Levenshtein distance, as rapidfuzz computes it. Two
texts whose lengths differ by more than that share can never be near, so only a window of lengths is
looked at; that loses no pair.
"""

from math import ceil, floor

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import extractOne

DEFAULT_THRESHOLD = 0.90
"""The paper clusters at 0.80, which takes one in twenty distinct templated calls for equal."""

DEFAULT_BUDGET = 4_000_000
"""Comparisons within one trace, weighed by length; a second or two. Beyond it nothing is near."""

_CHARS_A_UNIT = 200
_ROUNDING = 1e-9
"""Of floats: 20 * 0.55 is over 11 and 1 - 0.8 under 0.2, which must not lose a pair."""


class NearIndex:
    """The distinct arguments of one tool in one trace.

    Args:
        threshold: similarity from which on two texts are near, in (0, 1].
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._by_length: dict[int, list[str]] = {}
        self._order: dict[str, int] = {}

    def add(self, text: str) -> None:
        """Remember a text. Those of different calls can be the same once secrets are masked."""
        if text not in self._order:
            self._by_length.setdefault(len(text), []).append(text)
            self._order[text] = len(self._order)

    def cost(self, text: str) -> int:
        """What a look-up of ``text`` takes off the budget."""
        lengths = self._window(len(text))
        return sum(len(self._by_length[n]) for n in lengths) * (1 + len(text) // _CHARS_A_UNIT)

    def find(self, text: str) -> str | None:
        """The most similar text at or over the threshold; of equally similar ones the first."""
        best: str | None = None
        least = self._threshold
        for length in self._window(len(text)):
            longest = max(length, len(text), 1)
            # Whole edits rather than shares: rapidfuzz loses shares that are equal to its cutoff.
            found = extractOne(
                text,
                self._by_length[length],
                scorer=Levenshtein.distance,
                processor=None,
                score_cutoff=floor((1 - least) * longest + _ROUNDING),
            )
            similarity = 1 - found[1] / longest if found else 0.0
            if found is None or similarity < least:
                continue
            if best is None or similarity > least or self._order[found[0]] < self._order[best]:
                best, least = found[0], similarity
        return best

    def _window(self, length: int) -> list[int]:
        low = ceil(length * self._threshold * (1 - _ROUNDING))
        high = floor(length / self._threshold * (1 + _ROUNDING))
        if high - low > len(self._by_length):
            return sorted(n for n in self._by_length if low <= n <= high)
        return [n for n in range(low, high + 1) if n in self._by_length]
