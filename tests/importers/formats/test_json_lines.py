"""JSON files read piece by piece, and what becomes of damage in them."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.importers.formats import json_lines
from clawtrace_otel.importers.formats.json_lines import (
    first_line_members,
    opening_members,
    read_first_value,
    read_json_lines,
)
from clawtrace_otel.importers.formats.reading import watched_by
from clawtrace_otel.importers.importer import Problem

Found = tuple[list[tuple[int, object]], list[str]]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


def lines_of(path: Path, data: bytes) -> Found:
    """Values with their line numbers, and problems without the path."""
    path.write_bytes(data)
    found = list(read_json_lines(path))
    problems = [item for item in found if isinstance(item, Problem)]
    assert {problem.path for problem in problems} <= {path}
    told = [str(problem).removeprefix(str(path)) for problem in problems]
    return [item for item in found if not isinstance(item, Problem)], told


def test_each_line_comes_with_its_number_and_empty_lines_are_passed_over(file: Path) -> None:
    assert lines_of(file, b'{"a": 1}\n\n  \r\n[2]\r\n3') == ([(1, {"a": 1}), (4, [2]), (5, 3)], [])


def test_two_objects_on_a_line_are_both_read(file: Path) -> None:
    expected = [(1, {"a": 1}), (1, {"b": 2}), (2, {"c": 3}), (2, {"d": 4}), (2, 5)]
    assert lines_of(file, b'{"a": 1}{"b": 2}\n{"c": 3} {"d": 4} 5\n') == (expected, [])


def test_half_a_last_line_is_told_and_what_is_whole_before_it_is_read(file: Path) -> None:
    values, problems = lines_of(file, b'{"a": 1}\n{"b": 2}{"c": "tex')
    assert values == [(1, {"a": 1}), (2, {"b": 2})]
    assert problems == [
        ":2: the last line breaks off or is no JSON: Unterminated string starting at at character "
        "15"
    ]


def test_a_damaged_line_is_told_with_the_place_and_loses_nothing_else(file: Path) -> None:
    values, problems = lines_of(file, b'{"a": 1}\n{"b": }\n{"c": 3}\n')
    assert values == [(1, {"a": 1}), (3, {"c": 3})]
    assert problems == [":2: no JSON: Expecting value at character 7"]


def test_a_byte_order_mark_is_no_part_of_the_text(file: Path) -> None:
    assert lines_of(file, b'\xef\xbb\xbf{"a": 1}\n') == ([(1, {"a": 1})], [])


@pytest.mark.parametrize("mark", ["utf-16", "utf-16-be"])
def test_utf_16_is_one_problem(file: Path, mark: str) -> None:
    text = '{"a": 1}\n' * 3
    data = text.encode(mark) if mark == "utf-16" else b"\xfe\xff" + text.encode(mark)
    assert lines_of(file, data) == ([], [": the text is UTF-16, not UTF-8"])


def test_bytes_that_are_no_utf_8_are_replaced_and_told(file: Path) -> None:
    values, problems = lines_of(file, b'{"a": "x\xffy"}\n{"b": "\xef\xbf\xbd"}\n')
    assert values == [(1, {"a": "x\ufffdy"}), (2, {"b": "\ufffd"})]
    assert problems == [":1: bytes that are no UTF-8 were replaced"]


def test_half_a_surrogate_pair_is_replaced_so_that_the_text_can_be_written(file: Path) -> None:
    data = rb'{"\ud83d": ["cut \ud83d", "\ude00", "\ud83d\ude00"], "n": 1}'
    values, problems = lines_of(file, data)
    assert values == [(1, {"\ufffd": ["cut \ufffd", "\ufffd", "\U0001f600"], "n": 1})]
    assert problems == []
    assert json.dumps(values, ensure_ascii=False).encode()


def test_a_line_over_the_limit_is_told_and_never_held(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(json_lines, "CHUNK_BYTES", 16)
    long = json.dumps("x" * 500).encode()
    values, problems = lines_of(file, b"1\n" + long + b"\n2\n" + long)
    assert values == [(1, 1), (3, 2)]
    assert problems == [
        ":2: a line of 503 bytes, more than 100: passed over",
        ":4: a line of 502 bytes, more than 100: passed over",
    ]


def test_a_line_as_long_as_the_limit_is_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "MAX_LINE_BYTES", 100)
    exact = json.dumps("x" * 98).encode()
    for end in (b"", b"\n2"):
        values, problems = lines_of(file, exact + end)
        assert values[0] == (1, "x" * 98)
        assert problems == []


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"[" * 100_000 + b"\n", ":1: JSON that is nested too deeply"),
        (b"\x00" * 50 + b"\n", ":1: no JSON: Expecting value at character 1"),
        (b"1" * 5000 + b"\n", ":1: no JSON: Exceeds the limit"),
    ],
    ids=["deep", "zeros", "digits"],
)
def test_a_line_that_no_parser_takes_is_a_problem(file: Path, data: bytes, problem: str) -> None:
    values, problems = lines_of(file, data + b'{"a": 1}\n')
    assert values == [(2, {"a": 1})]
    assert [text.startswith(problem) for text in problems] == [True], problems


@settings(max_examples=100)
@given(values=st.lists(json_values, max_size=6), ascii_only=st.booleans(), glued=st.booleans())
def test_what_json_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[object],
    ascii_only: bool,
    glued: bool,
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.jsonl"
    lists = [[value] for value in values]  # numbers cannot be glued
    lines = [json.dumps(value, ensure_ascii=ascii_only) for value in lists]
    read, problems = lines_of(file, ("" if glued else "\n").join(lines).encode())
    assert [value for _, value in read] == lists
    assert problems == []


def test_the_first_value_of_a_file_is_found() -> None:
    assert read_first_value(b'\xef\xbb\xbf\n {"a": 1}{"b": 2}\n{"c": 3}') == {"a": 1}
    for none in (b"", b"\n", b'{"a":', b"text", b"{\n}", b'"\xff"'):
        assert read_first_value(none) is None


@pytest.mark.parametrize(
    ("data", "members"),
    [
        (b'{"a": 1, "b": {"c": [2]}}', {"a": 1, "b": {"c": [2]}}),
        (b'\xef\xbb\xbf\n [ {\n"a" : 1 ,\n "b": {"c": 2', {"a": 1, "b": None}),
        (b'{"a": {"b": 1}} {"c": 2}', {"a": {"b": 1}}),
        (b'{"\\u0061\\"": "x", "cu', {'a"': "x"}),
        (b'{"a": nonsense, "b": 1}', {"a": None}),
        (b'{"a": "\xff"}', {"a": "\ufffd"}),
        (b"{" + b'"a":[' * 9, {"a": None}),
        (b'"a": 1', {}),
        (b"[1, {", {}),
        (b"", {}),
    ],
)
def test_the_members_of_an_object_that_breaks_off_are_found(
    data: bytes, members: dict[str, object]
) -> None:
    assert opening_members(data) == members


def test_the_members_of_the_first_line_are_none_of_the_next() -> None:
    assert first_line_members(b'\n{"a": 1,\n"b": 2}') == {"a": 1}


def test_the_bytes_that_are_read_are_told(file: Path) -> None:
    data = b'{"a": [1, 2]}\n' * 10
    told: list[int] = []
    with watched_by(told.append):
        lines_of(file, data)
        assert sum(told) == len(data)
    lines_of(file, data)
    assert sum(told) == len(data)
