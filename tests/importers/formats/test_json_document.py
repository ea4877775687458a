"""Large OTLP documents, a few spans at a time."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawtrace_otel.importers.formats import json_document, otlp_file
from clawtrace_otel.importers.formats.json_document import read_document
from clawtrace_otel.importers.importer import Problem
from tests.importers.records import FileContent, read_file

FIXTURE = Path(__file__).parents[2] / "fixtures" / "otlp" / "langchain_traceloop.jsonl"
REQUESTS = [json.loads(line) for line in FIXTURE.read_bytes().splitlines()]
WHOLE = {"resourceSpans": [rs for request in REQUESTS for rs in request["resourceSpans"]]}
SNAKE = json.loads(
    json.dumps(WHOLE)
    .replace('"resourceSpans"', '"resource_spans"')
    .replace('"scopeSpans"', '"scope_spans"')
)


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "traces.json"


def read(file: Path, value: object, indent: int | None = 1) -> FileContent:
    file.write_text(json.dumps(value, indent=indent))
    return read_file(file)


def spans_in(request: Any) -> list[dict[str, object]]:
    return [
        span
        for resource in request["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def with_end(value: Any) -> Any:
    """The requests with a last key in each span, by which its end can be found in the text."""
    for request in value if isinstance(value, list) else [value]:
        for span in spans_in(request):
            span["isLast"] = True
    return value


EXPECTED = read_file(FIXTURE)
ENDED = with_end(copy.deepcopy(WHOLE))
ENDED_LIST = with_end(copy.deepcopy(REQUESTS))


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
@pytest.mark.parametrize("value", [WHOLE, SNAKE, REQUESTS, [WHOLE, {}, WHOLE]])
def test_pieces_of_any_size_hold_every_span_once(
    file: Path, monkeypatch: pytest.MonkeyPatch, value: object, size: int
) -> None:
    monkeypatch.setattr(json_document, "MAX_SPANS", size)
    content = read(file, value)
    times = 2 if isinstance(value, list) and len(value) == 3 and value[1] == {} else 1
    assert content.spans == EXPECTED.spans * times
    assert content.problems == []


def test_a_piece_has_no_more_spans_than_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_document, "MAX_SPANS", 3)
    file.write_text(json.dumps(WHOLE))
    sizes = [len(spans_in(item[1])) for item in read_document(file) if isinstance(item, tuple)]
    assert max(sizes) == 3
    assert sum(sizes) == len(EXPECTED.spans)


def test_a_request_on_a_line_that_is_too_long_is_read_in_pieces(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp_file, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(otlp_file, "_CHUNK_BYTES", 100)
    assert read(file, WHOLE, indent=None).spans == EXPECTED.spans


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1), is_list=st.booleans(), pieces=st.sampled_from([2, 500]))
def test_wherever_a_document_breaks_off_the_spans_before_are_read(
    file: Path, monkeypatch: pytest.MonkeyPatch, share: float, is_list: bool, pieces: int
) -> None:
    monkeypatch.setattr(json_document, "MAX_SPANS", pieces)
    text = json.dumps(ENDED_LIST if is_list else ENDED, indent=1)
    end = round(share * (len(text) - 1))
    file.write_text(text[:end])
    content = read_file(file)
    assert content.spans == EXPECTED.spans[: len(content.spans)]
    assert len(content.problems) == (1 if end else 0)
    assert len(content.spans) == len(re.findall(r'"isLast": true\s*}', text[:end]))


def test_what_is_in_a_list_and_no_request_is_told_by_its_index(file: Path) -> None:
    content = read(file, [REQUESTS[0], 5, ["x"], None, REQUESTS[1]])
    assert [problem.split(": ", 1)[1] for problem in content.problems] == [
        "[1]: the body is a JSON int, not an object",
        "[2]: the body is a JSON list, not an object",
        "[3]: the body is a JSON NoneType, not an object",
    ]
    assert len(content.spans) == sum(len(spans_in(r)) for r in (REQUESTS[0], REQUESTS[1]))


def test_a_document_with_a_key_that_is_called_item_is_read(file: Path) -> None:
    assert read(file, {"item": {"a": 1}, **WHOLE}).spans == EXPECTED.spans


def test_nothing_is_left_of_what_was_handed_out(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_document, "MAX_SPANS", 1)
    many = {"resourceSpans": WHOLE["resourceSpans"] * 20}
    file.write_text(json.dumps(many))
    for item in read_document(file):
        assert not isinstance(item, Problem)
        request: Any = item[1]
        assert len(request["resourceSpans"]) <= 2
