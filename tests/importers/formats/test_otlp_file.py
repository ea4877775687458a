"""OTLP files of every kind, and what becomes of damage in them."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clawtrace_otel.importers.formats.otlp_file import PROTOBUF_SUFFIXES
from clawtrace_otel.otlp.json_body import traces_to_protobuf
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.write import dump_card
from tests.importers.compile_files import compile_files
from tests.importers.records import FileContent, read_file

FIXTURES = sorted((Path(__file__).parents[2] / "fixtures" / "otlp").glob("*.jsonl"))
FIXTURE = FIXTURES[0].with_name("openai_official.jsonl")
LINES = FIXTURE.read_bytes().splitlines()

Write = Callable[[str, bytes | str], Path]


@pytest.fixture(name="write")
def _write(tmp_path: Path) -> Write:
    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def in_base64(value: Any) -> Any:
    """A request with its ids as plain protobuf-JSON mappings write them."""
    if isinstance(value, list):
        return [in_base64(item) for item in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId")
    return {
        key: base64.b64encode(bytes.fromhex(item)).decode() if key in ids else in_base64(item)
        for key, item in value.items()
    }


def merged(lines: list[bytes]) -> bytes:
    """All requests as one in protobuf: repeated fields of messages in a row are put together."""
    return b"".join(traces_to_protobuf(line) for line in lines)


def content(path: Path) -> FileContent:
    found = read_file(path)
    assert found.problems == []
    return found


def cards(*paths: Path) -> list[str]:
    done = compile_files(paths, Compiler())
    assert done.problems == []
    return [dump_card(card) for card in done.cards]


@pytest.mark.slow
@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_capture_gives_the_same_cards_in_every_kind_of_file(path: Path, write: Write) -> None:
    lines = path.read_bytes().splitlines()
    requests = [json.loads(line) for line in lines]
    expected = cards(path)
    assert expected
    for other in (
        write("one.json", json.dumps(requests)),
        write("indented.json", json.dumps(requests, indent=2)),
        write("base64.jsonl", "\n".join(json.dumps(in_base64(request)) for request in requests)),
        write("windows.jsonl", b"\r\n\r\n".join(lines) + b"\r\n"),
    ):
        assert cards(other) == expected
    if b"resourceLogs" not in path.read_bytes():  # a protobuf file holds spans only
        assert cards(write("traces.pb", merged(lines))) == expected


@pytest.mark.parametrize("suffix", sorted(PROTOBUF_SUFFIXES))
def test_the_suffix_tells_protobuf(write: Write, suffix: str) -> None:
    assert len(content(write(f"traces{suffix}", merged(LINES))).spans) == 17


def test_any_other_suffix_is_read_as_json(write: Write) -> None:
    assert len(content(write("traces.log", b"\n".join(LINES))).spans) == 17


def test_one_request_in_a_file_is_enough(write: Write) -> None:
    spans = content(write("one.json", LINES[0])).spans
    assert len(spans) == 8
    assert content(write("one.jsonl", LINES[0] + b"\n")).spans == spans
    assert content(write("list.json", b"[" + LINES[0] + b"]")).spans == spans


def test_a_damaged_line_is_told_and_loses_nothing_else(write: Write) -> None:
    path = write("traces.jsonl", b"\n".join([LINES[0], LINES[1][:100], *LINES[1:]]))
    found = read_file(path)
    assert len(found.spans) == 17
    assert len(found.problems) == 1
    assert found.problems[0].startswith(f"{path}:2: no JSON: ")


def test_a_line_that_is_no_request_is_told(write: Write) -> None:
    path = write("traces.jsonl", b"\n".join([*LINES, b"17", b'{"resourceSpans": 5}', b"[]"]))
    found = read_file(path)
    assert len(found.spans) == 17
    first = len(LINES) + 1
    assert [problem.split(": ")[0] for problem in found.problems] == [
        f"{path}:{first + n}" for n in range(3)
    ]
    assert "a JSON int, not an object" in found.problems[0]
    assert "no ExportTraceServiceRequest" in found.problems[1]


def test_a_request_in_a_list_is_told_by_its_place(write: Write) -> None:
    path = write("traces.json", json.dumps([json.loads(LINES[0]), 5, {"resourceSpans": [{}]}]))
    found = read_file(path)
    assert found.spans == content(write("one.json", LINES[0])).spans
    assert found.problems == [f"{path}: [1]: the body is a JSON int, not an object"]


def test_a_text_over_many_lines_that_breaks_off_is_one_problem(write: Write) -> None:
    text = json.dumps([json.loads(line) for line in LINES], indent=2)
    path = write("traces.json", text[: len(text) // 2])
    found = read_file(path)
    whole = content(write("whole.json", text)).spans
    assert 0 < len(found.spans) < len(whole)
    assert found.spans == whole[: len(found.spans)]
    assert len(found.problems) == 1
    assert found.problems[0].startswith(f"{path}: damaged JSON: ")


def test_a_single_damaged_line_is_told_by_its_number(write: Write) -> None:
    path = write("traces.jsonl", LINES[0][:-5])
    assert [problem.split(": ")[0] for problem in read_file(path).problems] == [f"{path}:1"]


def test_a_span_with_a_bad_id_is_left_out_alone(write: Write) -> None:
    request = json.loads(LINES[0])
    scope = request["resourceSpans"][0]["scopeSpans"][0]
    scope["spans"].insert(0, {"traceId": "00", "spanId": "00"})
    path = write("traces.json", json.dumps(request))
    found = read_file(path)
    assert found.spans == content(write("one.json", LINES[0])).spans
    assert found.problems == [
        f"{path}:1: 1 spans left out: "
        "resource_spans[0].scope_spans[0].spans[0]: trace_id has 1 bytes, not 16"
    ]


@pytest.mark.parametrize("data", [b"\xff", merged(LINES)[:-3], b"{}"])
def test_damaged_protobuf_is_told(write: Write, data: bytes) -> None:
    path = write("traces.pb", data)
    found = read_file(path)
    assert found.spans == []
    assert found.problems[0].startswith(f"{path}: the body is no ExportTraceServiceRequest")


@pytest.mark.parametrize("text", ["", "\n\n", "[]", "{}", '{"resourceMetrics": []}'])
def test_a_file_without_traces_is_no_problem(write: Write, text: str) -> None:
    assert content(write("traces.json", text)).spans == []


@pytest.mark.parametrize("damage", [b"\xff\xfe\x00", b"[" * 100_000, b'"\xed\xa0\x80"'])
def test_bytes_that_are_no_text_are_a_problem_and_no_crash(write: Write, damage: bytes) -> None:
    path = write("traces.jsonl", b"\n".join([*LINES, damage]))
    found = read_file(path)
    assert len(found.spans) == 17
    assert {problem.split(": ")[0] for problem in found.problems} == {f"{path}:{len(LINES) + 1}"}


def test_results_of_evaluations_are_read_from_log_requests(write: Write) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    values = {"gen_ai.evaluation.name": "db_check", "gen_ai.evaluation.score.label": "passed"}
    record = {
        "traceId": trace_id,
        "eventName": "gen_ai.evaluation.result",
        "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in values.items()],
    }
    for logs, records in (("resourceLogs", "logRecords"), ("resource_logs", "log_records")):
        scopes = "scopeLogs" if logs == "resourceLogs" else "scope_logs"
        request = json.dumps({logs: [{scopes: [{records: [record]}]}]})
        found = content(write("mixed.jsonl", b"\n".join([LINES[0], request.encode()])))
        assert [(t.trace_id, t.evaluation.name, t.evaluation.label) for t in found.told] == [
            (trace_id, "db_check", "passed")
        ]
        assert found.spans


def test_a_folder_is_searched_for_known_suffixes(write: Write, tmp_path: Path) -> None:
    write("a.jsonl", b"\n".join(LINES))
    write("b.pb", merged(LINES))
    write("readme.md", "no traces")
    (tmp_path / "deep").mkdir()
    write("deep/c.json", b"[" + b",".join(LINES) + b"]")
    done = compile_files([tmp_path], Compiler())
    assert done.problems == []
    assert done.spans == 3 * 17
    assert [dump_card(card) for card in done.cards] == cards(FIXTURE)


def test_a_file_that_cannot_be_opened_is_a_problem(tmp_path: Path) -> None:
    done = compile_files([tmp_path / "absent.json", FIXTURE], Compiler())
    assert len(done.problems) == 1
    assert "absent.json" in done.problems[0]
    assert done.spans == 17
