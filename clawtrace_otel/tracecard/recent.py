"""What was last set, up to a limit."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping that forgets what was set longest ago.

    Args:
        limit: how many values are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value, or ``None``."""
        return self._values.get(key)

    def set(self, key: K, value: V) -> None:
        """Keep a value; it is the last to be forgotten."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._limit:
            self._values.popitem(last=False)

    def pop(self, key: K) -> V | None:
        """Take a value out."""
        return self._values.pop(key, None)

    def values(self) -> list[V]:
        """All values, the one that was set longest ago first."""
        return list(self._values.values())
