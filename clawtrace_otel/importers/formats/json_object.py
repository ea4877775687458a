"""JSON values of a recorded file, by their type.

What a published format holds is read by :class:`JsonObject`: a value of the wrong type is a
problem. What a program writes down for itself, in many versions, is read by the functions: a value
of the wrong type is as good as none.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

_TYPES = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "a truth value",
    int: "a number",
    float: "a number",
}


@dataclass(slots=True)
class JsonObject:
    """An object and the place where it stands.

    A key that is absent or null gives an empty value.

    Attributes:
        where: path from the top of the file, such as ``$.simulations[3]``.
        value: what it holds.
        problems: what was wrong with it, and with the objects that were read from it.
    """

    where: str
    value: Mapping[str, object] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, value: object, where: str, problems: list[str]) -> "JsonObject":
        """An object; an empty one, and a problem, if ``value`` is none."""
        if value is None or isinstance(value, Mapping):
            return cls(where, value or {}, problems)
        problems.append(f"{where} is {kind_of(value)}, not an object")
        return cls(where, {}, problems)

    def text(self, key: str) -> str:
        """Text; empty if there is none. A whole number counts as text: it is an id then."""
        value = self.value.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is None or isinstance(value, str):
            return value or ""
        self._is_wrong(key, "text")
        return ""

    def number(self, key: str) -> float | None:
        """A number; ``None`` if there is none."""
        value = self.value.get(key)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            self._is_wrong(key, "a number")
            return None
        if not is_finite(value):
            self.problems.append(f"{self.where}.{key} is infinite, or no number")
            return None
        return value  # whole numbers stay so: they are counts

    def object(self, key: str) -> "JsonObject":
        """The object at a key."""
        return JsonObject.of(self.value.get(key), f"{self.where}.{key}", self.problems)

    def objects(self, key: str) -> "list[JsonObject]":
        """The objects of a list."""
        values = self.value.get(key)
        if values is None:
            return []
        if not isinstance(values, list):
            self._is_wrong(key, "a list")
            return []
        where = f"{self.where}.{key}"
        return [JsonObject.of(v, f"{where}[{n}]", self.problems) for n, v in enumerate(values)]

    def _is_wrong(self, key: str, expected: str) -> None:
        kind = kind_of(self.value[key])
        self.problems.append(f"{self.where}.{key} is {kind}, not {expected}")


def kind_of(value: object) -> str:
    """What a JSON value is, for people."""
    return "null" if value is None else _TYPES.get(type(value), type(value).__name__)


def is_finite(value: float) -> bool:
    """Whether a number can be counted with. Python reads ``NaN``, ``Infinity`` and ``1e400``."""
    try:
        return math.isfinite(value)
    except OverflowError:  # of a whole number that is too large
        return False


def text_in(value: object) -> str:
    """A text, or the texts in a list of content blocks; of anything else nothing."""
    if isinstance(value, str):
        return value
    texts = [block.get("text") for block in mappings(value)]
    return "\n".join(text for text in texts if isinstance(text, str))


def mappings(value: object) -> list[dict[str, object]]:
    """The objects in a JSON list; empty if it is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def mapping(value: object) -> dict[str, object]:
    """A JSON object; empty if the value is none."""
    return value if isinstance(value, dict) else {}


def name_in(record: Mapping[str, object], key: str) -> str:
    """The text at ``key``; empty if there is none."""
    value = record.get(key)
    return value if isinstance(value, str) else ""
