"""The form of arguments, and what is told of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.costcraft.miners.arguments import is_name, read_arguments
from clawtrace_otel.costcraft.miners.repair import Repair, differences, rule_of, told
from tests.tracecard.traces import TEXT

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
KINDS = st.sampled_from(["add", "remove", "rename", "form", "first", "again"])


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("2026-05-17", "an ISO date"),
        ("2026-05-17T10:00:00Z", "an ISO time"),
        ("17/05/2026", "a date with slashes"),
        ("10:30", "a clock time"),
        ("-12.5", "digits"),
        ("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", "a UUID"),
        ("ann@example.org", "an e-mail address"),
        ("https://example.org/a", "a URL"),
        ("/etc/hosts", "an absolute path"),
        ("C:\\data\\a.csv", "an absolute path"),
        ("src/main.py", "a relative path"),
        (" ", "empty text"),
        ("in May", "text"),
        (12, "a number"),
        (True, "true or false"),
        (None, "null"),
        ([], "a list"),
        ({}, "an object"),
    ],
)
def test_a_value_is_told_by_its_kind(value: object, kind: str) -> None:
    arguments = read_arguments(json.dumps({"key": value}))
    assert arguments is not None
    assert arguments.forms == {"key": {kind}}


@pytest.mark.parametrize("text", ["", "free text", "[1]", '{"cut": "he', "blake2b:0123456789ab"])
def test_of_what_is_no_object_there_is_no_form(text: str) -> None:
    assert read_arguments(text) is None


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("day", True),
        ("flights[].flight_number", True),
        ("line2", True),
        ("X-Api-Key", True),
        ("2026-05-17", False),
        ("flights[].HAT-229", False),
        ("a b", False),
        ("user_7480005", False),
        ("src/main", False),
    ],
)
def test_a_key_that_looks_like_a_value_is_no_name(path: str, is_one: bool) -> None:
    assert is_name(path) is is_one


@given(st.builds(Repair, KINDS, TEXT, TEXT, TEXT), TEXT)
def test_a_repair_is_known_again_by_its_detail(repair: Repair, tool: str) -> None:
    assert Repair.of(repair.detail) == repair
    assert tool in rule_of(repair, tool)
    assert told(repair)


@given(st.dictionaries(TEXT, JSON, max_size=4), st.dictionaries(TEXT, JSON, max_size=4))
def test_no_value_and_no_odd_key_of_any_arguments_is_told(
    before: dict[str, object], after: dict[str, object]
) -> None:
    one, other = read_arguments(json.dumps(before)), read_arguments(json.dumps(after))
    assert one is not None
    assert other is not None
    for repair in differences(one, other):
        assert is_name(repair.key)
        assert repair.key.split(".")[0].removesuffix("[]") in before.keys() | after.keys()
    assert differences(one, one) == []
