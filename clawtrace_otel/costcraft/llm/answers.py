"""What a model answers, as types: their JSON Schema is asked for, and answers are read with them.

The schemas are of the subset that OpenAI's strict mode takes: every property is required, no other
is allowed, the root is an object. Endpoints may ignore the schema, so an answer is also looked for
in text around it, and keys that nobody asked for, such as a claim of savings, are not read. What
cannot be read is nonsense: it never becomes a rule.
"""

from functools import cache
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from clawtrace_otel.costcraft.model import Action, Section

LookUpTool = Literal["show_step", "search", "evidence"]


class Proposal(Struct):
    """A change to the skill that a model proposes.

    Attributes:
        action: see :class:`clawtrace_otel.costcraft.model.Patch`.
        section: the heading that the rule is to stand under.
        rule: one sentence or two.
        tool: the tool that it is about; empty if it is about none.
        steps: numbers of the steps that show it.
        calls: of a preserve: the tools whose calls, in this order, are to be preserved.
        why: of a prune: why the run would have ended the same without the steps.
    """

    action: Action
    section: Section
    rule: str
    tool: str
    steps: list[int]
    calls: list[str]
    why: str


class LookUp(Struct):
    """Something that the analyst wants to see: ``n`` for ``show_step``, ``text`` for ``search``."""

    tool: LookUpTool
    n: int | None
    text: str | None


class Proposals(Struct):
    """What an analyst that looks nothing up answers; no proposal at all is a good answer."""

    proposals: list[Proposal]


class Findings(Struct):
    """What an analyst that may look things up answers: proposals count without look-ups only."""

    look_ups: list[LookUp]
    proposals: list[Proposal]


class RewordedRule(Struct):
    """A rule by its number in the request, in other words."""

    number: int
    text: str


class Rewording(Struct):
    """Rules in other words."""

    rules: list[RewordedRule]


A = TypeVar("A", bound=Struct)

_THOUGHT = "</think>"
"""Servers of open models may leave in the answer what the model thought before it."""


@cache
def schema_of(kind: type[Struct]) -> dict[str, Any]:
    """The JSON Schema of an answer, with the root in its place."""
    (root,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    name = root["$ref"].rpartition("/")[2]
    rest = {key: _strict(value) for key, value in definitions.items() if key != name}
    return {**_strict(definitions[name]), **({"$defs": rest} if rest else {})}


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Without titles and docstrings, which are for people who read the code, and closed."""
    kept = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return {**kept, "additionalProperties": False}


def read_answer(text: str, kind: type[A]) -> A:
    """An answer.

    Args:
        text: JSON, or JSON with text or a code fence around it.
        kind: what it is to be.

    Raises:
        ValueError: there is no such JSON in it; the message says where it is not as it should be.
    """
    text = text.rpartition(_THOUGHT)[2]
    start, end = text.find("{"), text.rfind("}")
    try:
        return msgspec.json.decode(text[start : end + 1] if 0 <= start < end else text, type=kind)
    except (msgspec.DecodeError, UnicodeError) as e:
        raise ValueError(str(e)) from e
    except RecursionError as e:
        msg = "it is nested too deep"
        raise ValueError(msg) from e
