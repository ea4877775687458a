"""Where the choices of a generated input come from: a coverage-guided fuzzer, or hypothesis."""

import random
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Choices(Protocol):
    """A source of choices. Equal sources make equal inputs."""

    def integer(self, low: int, high: int) -> int:
        """An integer from ``low`` to ``high``, both included."""

    def real(self) -> float:
        """Any float, infinite and NaN as well."""

    def text(self, size: int) -> str:
        """At most ``size`` characters without surrogates."""

    def data(self, size: int) -> bytes:
        """At most ``size`` bytes."""


def pick(choices: Choices, items: Sequence[T]) -> T:
    """One of ``items``."""
    return items[choices.integer(0, len(items) - 1)]


def some(choices: Choices, items: Sequence[T], most: int) -> list[T]:
    """At most ``most`` of ``items``; one may be there several times."""
    return [pick(choices, items) for _ in range(choices.integer(0, most))]


def chance(choices: Choices, percent: int) -> bool:
    """True in so many cases of a hundred; false once a source of bytes has run out."""
    return choices.integer(0, 99) >= 100 - percent


def ordered(items: Iterable[T]) -> list[T]:
    """The items of a set in an order that is the same in every process."""
    return sorted(items, key=repr)


class RandomChoices:
    """Choices of a random generator: a seeded one, or hypothesis's."""

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def integer(self, low: int, high: int) -> int:
        """See :class:`Choices`."""
        return self._source.randint(low, high)

    def real(self) -> float:
        """See :class:`Choices`."""
        return self._source.choice([self._source.uniform(-10, 10), 1e308, 5e-324, 1e400, -1e400])

    def text(self, size: int) -> str:
        """See :class:`Choices`."""
        letters = [*map(chr, range(128)), "é", "\x85", "\u2028", "\u0663", "\ufeff", "\U0001f600"]
        return "".join(self._source.choices(letters, k=self.integer(0, size)))

    def data(self, size: int) -> bytes:
        """See :class:`Choices`."""
        return self._source.randbytes(self.integer(0, size))


CHOICES = st.builds(RandomChoices, st.randoms(use_true_random=False))
"""Hypothesis's choices."""
