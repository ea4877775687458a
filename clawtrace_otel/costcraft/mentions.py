"""Where in a run a word comes up: whether what a step brought was ever used again.

Only telling words are looked at: four characters or more, or a digit in them; an id, a price, a
name. A word that was there before brought nothing. This is strict in one direction: a result is
only called unused if not one of its new words comes up in any later argument or answer of any
agent. A number comes up in whatever way it is written, rounded ones included: 1234.567 in
``$1,234.57``. It says nothing of what a model concluded without repeating a word, which is why it
is a dependency and no proof.
"""

import re
from collections.abc import Set

from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.semconv.words import telling_words

_NEVER = 1 << 62
_NUMBER = re.compile(r"\d{1,15}(?:,\d{3})*(?:\.\d{1,30})?")
_DECIMALS = range(5)
"""To which numbers are rounded when they are told."""


class Mentions:
    """The words of a recorded run.

    Args:
        run: what was said in it must be known.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        for step in run.steps:
            texts, n = run.texts(step["n"]), step["n"]
            used = _words(texts.args) | _words(texts.said)
            for word in used | _words(texts.result) | _words(texts.asked):
                self._first.setdefault(word, n)
            self._last.update(dict.fromkeys(used, n))

    def brought(self, n: int) -> Set[str]:
        """The words of a step's result that came up nowhere before it."""
        return {word for word in self.words(n) if self._first.get(word, _NEVER) >= n}

    def words(self, n: int) -> Set[str]:
        """All words of a step's result."""
        return _words(self._run.texts(n).result)

    def used_later(self, n: int) -> Set[str]:
        """Those that it brought and that a later argument or answer has."""
        return {
            word
            for word in self.brought(n)
            if any(self._last.get(form, 0) > n for form in _forms(word))
        }


def _words(text: str) -> Set[str]:
    """The telling words of a text, a number always written in the same way."""
    return {_plain(word) for word in telling_words(text)}


def _plain(word: str) -> str:
    """``1,234.50`` as ``1234.5``; any other word as it is."""
    if not _NUMBER.fullmatch(word):
        return word
    whole, _, decimals = word.replace(",", "").partition(".")
    return ".".join(part for part in (whole, decimals.rstrip("0")) if part)


def _forms(word: str) -> Set[str]:
    """The ways in which a number may be told; of any other word the word itself."""
    if "." not in word or not _NUMBER.fullmatch(word):
        return {word}
    return {word, *(_plain(f"{float(word):.{decimals}f}") for decimals in _DECIMALS)}
