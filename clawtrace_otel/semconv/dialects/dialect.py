"""What a dialect is: a table that says which attribute holds what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["llm", "tool", "agent", "workflow", "span"]
"""What a span is to us. ``workflow`` and ``span`` are no steps, but hold the tree together."""

Keys = tuple[str, ...]
"""Attribute keys in order of preference: the first that is present is read."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One family of instrumentations.

    Attributes:
        name: how the docs call it.
        kind_key: the attribute whose value says what a span is; empty if it has none of its own.
        kinds: values of ``kind_key`` and what they mean. Values that are missing say nothing.
        llm, tool, agent, any: field of ``Step`` -> the keys that may hold it, by kind of span.
        unnamed: what a span of a kind is if it does not name its agent or tool.
    """

    name: str
    kind_key: str = ""
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    llm: Mapping[str, Keys] = field(default_factory=dict)
    tool: Mapping[str, Keys] = field(default_factory=dict)
    agent: Mapping[str, Keys] = field(default_factory=dict)
    any: Mapping[str, Keys] = field(default_factory=dict)
    unnamed: Mapping[Kind, Kind] = field(default_factory=dict)
