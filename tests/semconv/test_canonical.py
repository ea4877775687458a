import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.semconv.canonical import MAX_PARSED_CHARS, digest, encodable, loads, text_of

DEEP = "[" * 100_000 + "]" * 100_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON)
def test_json_is_equal_whatever_the_order_of_its_keys_and_its_spaces(value: object) -> None:
    shuffled = json.loads(json.dumps(value, indent=2), object_pairs_hook=lambda p: dict(p[::-1]))
    assert text_of({"a": value}) == text_of({"a": shuffled})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ("report.xlsx", "report.xlsx"),
        ('{"a": 1', '{"a": 1'),
        ("", ""),
        ('"' + "a" * MAX_PARSED_CHARS + '"', '"' + "a" * MAX_PARSED_CHARS + '"'),
        (DEEP, DEEP),
        ("1" * 5000, "1" * 5000),
    ],
    ids=["json", "text", "cut", "empty", "long", "deep", "digits"],
)
def test_text_that_is_no_json_or_too_much_of_it_is_left_as_it_is(text: str, value: object) -> None:
    assert loads(text) == value


def nested(depth: int) -> object:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [nested(50_000), {1: "a", "b": "c"}, 10**5000], ids=["deep", "keys", "digits"]
)
def test_what_cannot_be_written_is_no_evidence(value: object) -> None:
    assert text_of(value) == ""


def test_bytes_are_written_as_hex() -> None:
    assert text_of({"data": b"\x00\xff"}) == '{"data":"00ff"}'


@settings(deadline=None)
@given(st.text(st.characters()))
def test_every_text_can_be_hashed_and_made_fit_for_utf_8(text: str) -> None:
    assert len(digest(text)) == 24
    assert encodable(text).encode("utf-8").decode("utf-8") == encodable(text)


def test_lone_surrogates_are_replaced_and_everything_else_is_kept() -> None:
    assert encodable("caf\u00e9 \U0001f600") == "caf\u00e9 \U0001f600"
    assert encodable("a\ud800b") == "a?b"
    assert digest("a\ud800b") != digest("a?b")
