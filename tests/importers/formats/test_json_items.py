"""JSON documents read piece by piece, and what becomes of damage and odd numbers in them."""

import io
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.importers.formats import json_items
from clawtrace_otel.importers.formats.json_items import read_json_events, read_json_items
from clawtrace_otel.importers.formats.odd_numbers import MAX_HELD, OddNumbers, restored
from clawtrace_otel.importers.formats.reading import watched_by
from clawtrace_otel.importers.importer import Problem

Found = tuple[list[tuple[int, object]], list[str]]

HUGE = 99_999_999_999_999_999_999

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["NaN", '"NaN', "\\", f"{HUGE}", "-Infinity\\"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
"""Values whose writing by Python is read by Python as the same ones."""


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "runs.json"


def items_of(path: Path, data: bytes, prefix: str) -> Found:
    """Items with their indices, and problems without the path."""
    path.write_bytes(data)
    found = list(read_json_items(path, prefix))
    told = [str(item).removeprefix(str(path)) for item in found if isinstance(item, Problem)]
    return [item for item in found if not isinstance(item, Problem)], told


def rewritten(data: bytes, size: int) -> bytes:
    """What the parser is given, read in pieces."""
    file = OddNumbers(io.BytesIO(data))
    return b"".join(iter(lambda: file.read(size), b""))


def test_items_of_a_document_come_with_their_index(file: Path) -> None:
    data = json.dumps({"info": {"items": [0]}, "runs": [{"id": n, "x": 0.5} for n in range(3)]})
    assert items_of(file, data.encode(), "runs.item") == (
        [(n, {"id": n, "x": 0.5}) for n in range(3)],
        [],
    )
    assert items_of(file, b"[1, 2]", "item") == ([(0, 1), (1, 2)], [])
    assert items_of(file, b"[1, 2]", "runs.item") == ([], [])
    assert items_of(file, b'\xef\xbb\xbf{"a": [1]}', "a.item") == ([(0, 1)], [])


def test_a_document_that_breaks_off_gives_the_items_before_and_one_problem(file: Path) -> None:
    values, problems = items_of(file, b'{"runs": [{"id": 0}, {"id": 1}, {"id": 2, "te', "runs.item")
    assert values == [(0, {"id": 0}), (1, {"id": 1})]
    assert len(problems) == 1
    assert problems[0].startswith(": damaged JSON after 2 items: ")


@pytest.mark.parametrize("data", [b"", b"nothing", b'{"runs": [1', b'["\xff"]', b"{'a': 1}"])
def test_what_is_no_document_is_one_problem(file: Path, data: bytes) -> None:
    _, problems = items_of(file, data, "item")
    assert len(problems) == 1


@pytest.mark.parametrize("odd", [HUGE, -HUGE, math.inf, -math.inf, 2**63, -(2**63) - 1])
def test_a_number_that_the_parser_stops_at_loses_nothing(file: Path, odd: float) -> None:
    runs = [{"id": 0, "text": "NaN"}, {"id": [odd, {"x": odd}], "y": 2**63 - 1}, {"id": 2}]
    data = json.dumps({"runs": runs, "after": odd})
    assert items_of(file, data.encode(), "runs.item") == (list(enumerate(runs)), [])


def test_no_number_and_one_that_is_too_large_are_read_as_python_reads_them(file: Path) -> None:
    data = b'[1, {"score": NaN}, 1e400, ' + b"9" * 5000 + b", -1, 2]"
    values, problems = items_of(file, data, "item")
    first, nan, overflow, digits, *last = (value for _, value in values)
    assert isinstance(nan, dict)
    assert math.isnan(nan["score"])
    assert (first, overflow, digits, last) == (1, math.inf, None, [-1, 2])
    assert problems == []


def test_damage_behind_an_odd_number_is_still_told(file: Path) -> None:
    values, problems = items_of(file, b"[1, NaN, 3, nul", "item")
    assert [index for index, _ in values] == [0, 1, 2]
    assert len(problems) == 1
    assert problems[0].startswith(": damaged JSON after 3 items: ")


def test_an_odd_number_in_place_of_a_key_is_damage(file: Path) -> None:
    """It becomes a text for the parser, which takes a text for a key."""
    data = f'[{{"id": 1}}, {{{HUGE}: 2}}]'.encode()
    values, problems = items_of(file, data, "item")
    assert values == [(0, {"id": 1})]
    assert problems == [": damaged JSON after 1 items: a number stands where a key has to be"]
    with pytest.raises(ValueError, match="a number stands where a key has to be"):
        list(read_json_events(file))


def test_events_tell_odd_numbers_as_numbers(file: Path) -> None:
    file.write_text(f'{{"id": {HUGE}, "session": "s1"}}')
    events = [event for event in read_json_events(file) if event[0]]
    assert events == [("id", "number", HUGE), ("session", "string", "s1")]


@settings(max_examples=150)
@given(value=json_values, size=st.integers(1, 9))
def test_documents_are_read_alike_with_and_without_odd_numbers(value: object, size: int) -> None:
    data = json.dumps(value).encode()
    seen = rewritten(data, size)
    assert seen == rewritten(data, len(data) + 1)
    assert restored(json.loads(seen)) == value
    assert all(-(2**63) <= number < 2**63 for number in integers_in(json.loads(seen)))


def integers_in(value: object) -> list[int]:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [number for item in inner for number in integers_in(item)]
    return [value] if isinstance(value, int) else []


def test_no_more_than_a_number_is_held_back() -> None:
    text = b'"' + b"x" * 10 * MAX_HELD + b'"'
    for data in (text, b"1" * 10 * MAX_HELD):
        file = OddNumbers(io.BytesIO(data))
        assert len(file.read(2 * MAX_HELD)) == 2 * MAX_HELD


def test_the_bytes_that_are_read_twice_are_told_once(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_items, "CHUNK_BYTES", 64)
    data = json.dumps({"a": [*range(200), HUGE, *range(200)]}).encode()
    told: list[int] = []
    with watched_by(told.append):
        values, _ = items_of(file, data, "a.item")
    assert len(values) == 401
    assert sum(told) == len(data)


def test_a_first_look_is_not_told(file: Path) -> None:
    file.write_bytes(b'{"a": [1, NaN]}')
    told: list[int] = []
    with watched_by(told.append):
        assert list(read_json_events(file, is_counted=False))
    assert sum(told) == 0
