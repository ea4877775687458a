"""What a dialect is: a table that says which attribute holds what."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["llm", "tool", "agent", "workflow", "span", "account"]
"""What a span is to us. ``workflow`` and ``span`` are no steps, but hold the tree together.

An ``account`` tells what the LLM calls beside it used, one or several.
"""

Keys = tuple[str, ...]
"""Attribute keys in order of preference: the first that is present is read."""

Fields = Mapping[str, Keys]
"""Field -> the keys that may hold it. Fields are those of ``Step`` and what it is read from:

``output_calls`` holds the tool calls of an answer where they are not among its messages.
``input_tokens`` includes the cached tokens and ``fresh_tokens`` does not; ``usage_details`` is a
JSON object of counts (:mod:`clawtrace_otel.semconv.usage_details`), ``input_details`` and
``output_details`` are parts of one, ``cost_details`` is one of amounts in USD.
"""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One family of instrumentations.

    Attributes:
        name: how the docs call it.
        kind_key: the attribute whose value says what a span is; empty if it has none of its own.
        kinds: values of ``kind_key`` and what they mean. Values that are missing say nothing.
        names: names of spans and what they mean, where no attribute says it.
        marks: attributes whose presence says what a span is, where nothing else does.
        scopes: ``names`` and ``events`` hold for spans of these instrumentation scopes, or of any
            if there are none.
        answers: an LLM span of ``scopes`` that has none of these attributes, and did not fail, only
            asked; another span tells of the call.
        llm, tool, agent, any: the fields of a span by its kind.
        events: name of a span event -> the fields that its attributes hold.
        failures: attribute -> its values that say that a call failed, in lower case.
        unnamed: what a span of a kind is if it does not name its agent or tool.
        source: what the table was read from: versions, documents.
    """

    name: str
    kind_key: str = ""
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    names: Mapping[str, Kind] = field(default_factory=dict)
    marks: Mapping[str, Kind] = field(default_factory=dict)
    scopes: Keys = ()
    answers: Keys = ()
    llm: Fields = field(default_factory=dict)
    tool: Fields = field(default_factory=dict)
    agent: Fields = field(default_factory=dict)
    any: Fields = field(default_factory=dict)
    events: Mapping[str, Fields] = field(default_factory=dict)
    failures: Mapping[str, Set[str]] = field(default_factory=dict)
    unnamed: Mapping[Kind, Kind] = field(default_factory=dict)
    source: str = ""
