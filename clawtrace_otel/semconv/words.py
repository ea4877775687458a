"""The words of a text as hashes, so that two texts can be compared without keeping either.

Only words that carry something are taken: four characters or more, or a digit in them. Of long
texts a part is taken, the same part of the vocabulary in every text, so that what is left can still
be compared (bottom-k sampling: Broder, "On the resemblance and containment of documents", 1997).
"""

import re
from collections.abc import Iterable
from itertools import chain
from zlib import crc32

MAX_CHARS = 16_384
"""Of a text that are looked at."""

MAX_WORDS = 64
"""Hashes that are kept: those with the smallest values."""

_WORD = re.compile(r"[^\W_]+(?:[.,:-]\d+)*")
_MIN_CHARS = 4
_ALL = 1 << 32

Words = tuple[int, ...]
"""Hashes in ascending order."""


def telling_words(text: str) -> set[str]:
    """The words of a text that carry something, in lower case."""
    found = _WORD.findall(text.lower())
    return {word for word in found if len(word) >= _MIN_CHARS or not word.isalpha()}


def words_of(texts: Iterable[str]) -> Words:
    """The words of some texts."""
    telling = telling_words(" ".join(texts)[:MAX_CHARS])
    hashes = sorted({crc32(word.encode("utf-8", "replace")) for word in telling})
    return tuple(hashes[:MAX_WORDS])


def used_share(said: Words, known: Iterable[Words], later: Iterable[Words]) -> float | None:
    """How many of the words that were said come up later, from 0 to 1.

    Args:
        said: the words in question.
        known: words that were there before; they tell nothing and are left out.
        later: words in which they may come up.

    Returns:
        ``None`` if nothing new was said, or too little is left of it to be compared.
    """
    known, later = list(known), list(later)
    reach = min(map(_reach, (said, *known, *later)))
    brought = {word for word in said if word <= reach}.difference(*known)
    if not brought:
        return None
    return len(brought.intersection(chain.from_iterable(later))) / len(brought)


def _reach(words: Words) -> int:
    """The largest hash up to which nothing was left out."""
    return words[-1] if len(words) == MAX_WORDS else _ALL
