"""Objects of a recorded file, read by key: a value of the wrong type is a problem."""

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
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value  # whole numbers stay so: they are counts
        self._is_wrong(key, "a number")
        return None

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
