"""A domain of tau2: an environment as new for every play, cheaply and always the same."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType, SimpleNamespace
from typing import cast
from uuid import UUID

from clawtrace_otel.costcraft.replay.tau2.package import Model, Toolkit, World, hash_of, load, tasks

DOMAINS = ("airline", "retail", "telecom")

State = Mapping[str, str]
"""Name of each database -> its hash."""


class Domain:
    """One of ``DOMAINS``.

    Args:
        name: of the domain.

    Raises:
        CostCraftError: the package is not installed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._make = cast(
            "Callable[..., World]", load(f"domains.{name}.environment").get_environment
        )
        self._tools = load(f"domains.{name}.tools")
        self._first = {key: _Database(side) for key, side in _sides(self._make())}
        self._unused: World | None = None

    def world(self) -> World:
        """A new environment, or one that nothing was changed in."""
        world, self._unused = self._unused, None
        if world is not None:
            return world
        return self._make(**{key: first.copy() for key, first in self._first.items()})

    def look(self, world: World) -> "Seen":
        """The state that it is in."""
        plain = {key: side.db.model_dump() for key, side in _sides(world)}
        return Seen(plain, {key: self._first[key].hash_of(plain[key]) for key in plain})

    def give_back(self, world: World, seen: "Seen") -> None:
        """Take an environment that is not needed any more, to be made as new and used again.

        Args:
            world: not changed since it was looked at.
            seen: its state.
        """
        sides = list(_sides(world))
        if all(set(vars(side)) == {"db"} for _, side in sides) and all(
            self._first[key].restore(side.db, seen.plain[key]) for key, side in sides
        ):
            self._unused = world

    def same_ids(self) -> "_SameIds":
        """While it is entered, ids that the tools make up are the same in every play."""
        return _SameIds(self._tools)

    @cached_property
    def tasks(self) -> Mapping[str, Mapping[str, object]]:
        """The tasks of the package, by id."""
        return tasks(self.name)


@dataclass(frozen=True, slots=True)
class Seen:
    """A state.

    Attributes:
        plain: each database as plain values.
        hashes: the hash of each, as tau2's ``get_db_hash`` has it.
    """

    plain: Mapping[str, dict[str, object]]
    hashes: State


class _Database:
    """A database as it is at first."""

    def __init__(self, side: Toolkit) -> None:
        self._kind = type(side.db)
        self._text = side.db.model_dump_json()
        self._plain = side.db.model_dump()
        self._hash = hash_of(self._plain)

    def copy(self) -> object:
        """One that is equal; reading JSON is faster than copying objects."""
        return self._kind.model_validate_json(self._text)

    def hash_of(self, plain: dict[str, object]) -> str:
        """The hash of a state; many are as at first, and comparing is faster than hashing."""
        return self._hash if plain == self._plain else hash_of(plain)

    def restore(self, database: Model, plain: Mapping[str, object]) -> bool:
        """Undo what was changed, record by record: a tenth of the time of a copy.

        Args:
            database: to be changed.
            plain: what it holds.

        Returns:
            Whether it is as at first.
        """
        return all(
            plain[name] == first or _restore_table(getattr(database, name), plain[name], first)
            for name, first in self._plain.items()
        )


def _restore_table(table: object, plain: object, first: object) -> bool:
    """Whether it could be restored: a dictionary of records, none of which was removed."""
    if not isinstance(table, dict) or not isinstance(plain, dict) or not isinstance(first, dict):
        return False
    if not first.keys() <= plain.keys():
        return False  # put in again, they would be the last
    for key in plain.keys() - first.keys():
        del table[key]
    for key, record in first.items():
        if plain[key] != record:
            table[key] = type(table[key]).model_validate(deepcopy(record))
    return True


class _SameIds:
    """Telecom's tools give a new bill a random id, which would make every final state another."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._real = getattr(module, "uuid", None)

    def __enter__(self) -> None:
        self._made = 0
        if self._real is not None:
            self._module.uuid = SimpleNamespace(uuid4=self._next)  # type: ignore[attr-defined]

    def __exit__(self, *_: object) -> None:
        if self._real is not None:
            self._module.uuid = self._real  # type: ignore[attr-defined]

    def _next(self) -> UUID:
        self._made += 1
        return UUID(int=self._made << 96)  # only the first digits are looked at


def _sides(world: World) -> Iterator[tuple[str, Toolkit]]:
    """The databases, by the names of the parameters that take them."""
    sides = {"db": world.tools, "user_db": world.user_tools}
    yield from ((key, side) for key, side in sides.items() if side is not None)


@contextmanager
def no_collection() -> Iterator[None]:
    """Databases are made of many objects and have no cycles: looking for some doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
