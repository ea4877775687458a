import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.costcraft.llm.answers import (
    Findings,
    LookUp,
    Proposal,
    Proposals,
    Rewording,
    read_answer,
    schema_of,
)
from tests.costcraft.llm.asked import PRUNE

KINDS = [Proposals, Findings, Rewording]


def objects(schema: object) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)


@pytest.mark.parametrize("kind", KINDS)
def test_schemas_are_of_the_strict_subset(kind: type[msgspec.Struct]) -> None:
    schema = schema_of(kind)
    assert schema["type"] == "object"
    for one in objects(schema):
        assert one["additionalProperties"] is False
        assert sorted(one["required"]) == sorted(one["properties"])
    text = json.dumps(schema)
    assert not any(word in text for word in ("default", "minLength", "pattern", "allOf", "title"))


def test_what_the_schema_accepts_is_read() -> None:
    look_up = LookUp("search", None, "refund")
    found = Findings([look_up], [msgspec.convert(PRUNE, Proposal)])
    text = msgspec.json.encode(found).decode()
    jsonschema.validate(json.loads(text), schema_of(Findings))
    assert read_answer(text, Findings) == found
    assert read_answer(f"<think>{{is it?}}</think>{text}", Findings) == found
    assert read_answer(f"Sure!\n```json\n{text}\n```\nDone.", Findings) == found


def test_what_nobody_asked_for_is_not_read() -> None:
    text = json.dumps({"proposals": [{**PRUNE, "saves_usd": 9}], "confidence": 1})
    assert read_answer(text, Proposals) == Proposals([msgspec.convert(PRUNE, Proposal)])


@given(st.text() | st.sampled_from(['{"a":' * 100_000, "{" * 100_000 + "}" * 100_000, "\ud800{}"]))
def test_whatever_is_answered_is_an_answer_or_a_value_error(text: str) -> None:
    try:
        answer = read_answer(text, Rewording)
    except ValueError:
        return
    assert isinstance(answer, Rewording)
