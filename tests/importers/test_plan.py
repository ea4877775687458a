"""Which files are read, as what, and which of them together."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from clawtrace_otel.importers.importer import HEAD_BYTES, Importer
from clawtrace_otel.importers.plan import Plan, make_plan
from clawtrace_otel.importers.registry import MODULES, importer, read_head, recognise, suffixes
from tests.corpora.folder import CORPORA
from tests.importers.captures import FIXTURE

FIXTURES = sorted(FIXTURE.parent.rglob("*.jsonl"))

Write = Callable[[str, bytes], Path]

RECORDED = {
    "claude-code-sessions/*.jsonl": "claude-code",
    "langfuse-framework-traces/*.json": "langfuse",
    "openclaw-pi-sessions/*.jsonl": "openclaw",
    "openclaw-telemetry/*.jsonl": "openclaw-telemetry",
    "openclaw-uniclawbench/*.json": "openclaw",
    "otlp-agent-prism/*.json": "otlp",
    "otlp-agentpile/*.jsonl": "otlp",
    "tau-bench-gpt-4o-airline/*.json": "tau-bench",
    "tau2/*.json": "tau2",
    "spreadsheetbench-50/*.json": None,
    "claude-code-sessions/*.metadata.json": None,
}

OF_OTHER_FORMATS: dict[str, object] = {
    "langfuse": {
        "id": "t",
        "projectId": "p",
        "sessionId": "s",
        "public": False,
        "bookmarked": False,
        "observations": [{"traceId": "t", "parentObservationId": None, "type": "SPAN"}],
    },
    "otlp": {"resourceSpans": [{"scopeSpans": []}]},
    "tau2": {"info": {"user_info": {}, "agent_info": {}}, "simulations": []},
    "tau-bench": [{"task_id": 0, "reward": 1.0, "traj": []}],
    "openclaw": {"taskSummary": {}, "attemptCards": []},
    "openclaw-telemetry": {"type": "agent.start", "sessionKey": "agent:main:main"},
    "claude-code": {"parentUuid": None, "sessionId": "s", "type": "user", "message": {}},
}
"""Format -> what a file of it begins with."""


@pytest.fixture(name="write")
def _write(tmp_path: Path) -> Write:
    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return write


def names(plan: Plan) -> list[str]:
    return [path.name for group in plan.groups for path in group.paths]


@pytest.mark.parametrize("name", MODULES)
def test_every_format_has_an_importer_of_its_name(name: str) -> None:
    found = importer(name)
    assert isinstance(found, Importer)
    assert found.name == name
    assert all(suffix.startswith(".") for suffix in found.suffixes)


def formats_of(path: Path) -> list[str]:
    """All formats that take a file for their own, in whatever order they are asked."""
    head = read_head(path)
    return [name for name in MODULES if importer(name).recognises(head)]


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_captures_of_spans_are_otlp_alone(path: Path) -> None:
    assert recognise(path) is importer("otlp")
    assert formats_of(path) == ["otlp"]


@pytest.mark.corpora
@pytest.mark.skipif(not CORPORA.is_dir(), reason="the recorded runs are not in ../shared/corpora")
@pytest.mark.parametrize(("files", "name"), RECORDED.items())
def test_recorded_runs_are_of_one_format_alone(files: str, name: str | None) -> None:
    paths = list(CORPORA.glob(files))
    assert paths
    for path in paths:
        assert formats_of(path) == ([name] if name else [])


@pytest.mark.corpora
@pytest.mark.skipif(not CORPORA.is_dir(), reason="the recorded runs are not in ../shared/corpora")
@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize("folder", ["langfuse-framework-traces", "otlp-agent-prism"])
def test_it_says_nothing_how_a_document_is_indented(
    folder: str, indent: int | None, write: Write
) -> None:
    for path in (CORPORA / folder).iterdir():
        again = write(path.name, json.dumps(json.loads(path.read_bytes()), indent=indent).encode())
        assert formats_of(again) == formats_of(path)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", OF_OTHER_FORMATS)
def test_the_beginning_of_each_format_is_of_no_other(
    name: str, indent: int | None, write: Write
) -> None:
    data = json.dumps(OF_OTHER_FORMATS[name], indent=indent).encode()
    is_of_lines = name in ("claude-code", "openclaw-telemetry")
    assert formats_of(write("a.json", data)) == ([] if is_of_lines and indent else [name])


@pytest.mark.parametrize("is_long", [False, True])
@pytest.mark.parametrize("quoted", [name for name in OF_OTHER_FORMATS if name != "claude-code"])
def test_a_session_that_quotes_another_format_stays_a_session(
    quoted: str, is_long: bool, write: Write
) -> None:
    record = {
        "parentUuid": None,
        "sessionId": "s",
        "type": "user",
        "toolUseResult": OF_OTHER_FORMATS[quoted],
        "message": {"role": "user", "content": "x" * HEAD_BYTES * is_long},
    }
    assert formats_of(write("a.jsonl", json.dumps(record).encode() + b"\n")) == ["claude-code"]


def test_a_long_export_with_a_session_on_its_first_line_is_no_session(write: Write) -> None:
    trace = {
        "trace": {"projectId": "p", "public": False, "bookmarked": False, "sessionId": "s"},
        "observations": [{"type": "SPAN", "parentUuid": "x", "input": "x" * HEAD_BYTES}],
    }
    assert formats_of(write("a.json", json.dumps(trace).encode())) == ["langfuse"]


def test_a_first_line_that_breaks_off_or_is_long_tells_its_format_by_what_is_there(
    write: Write,
) -> None:
    long = "x" * HEAD_BYTES
    event = {"type": "agent.start", "sessionKey": "agent:main:main", "prompt": long}
    untyped = {"parentUuid": None, "sessionId": "s", "message": {"content": long}, "type": "user"}
    for record, name in ((event, "openclaw-telemetry"), (untyped, "claude-code")):
        data = json.dumps(record).encode()
        assert formats_of(write("a.jsonl", data)) == [name]
        assert formats_of(write("b.jsonl", data[:200])) == [name]
    requests = b'damaged\n{"resourceLogs": []}\n'
    assert formats_of(write("c.jsonl", requests)) == ["otlp"]


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"{}", b"[]", b"[1]", b"null", b'"text"', b"text", b"\x00\xff" * 9, b"{" * 999],
)
@pytest.mark.parametrize("name", MODULES)
def test_what_is_of_no_format_is_recognised_by_none(write: Write, name: str, data: bytes) -> None:
    assert not importer(name).recognises(read_head(write("a.json", data)))


def test_only_the_beginning_of_a_file_is_looked_at(write: Write) -> None:
    head = read_head(write("a.json", b'{"a": 1}\n' + b"x" * 2 * HEAD_BYTES))
    assert (len(head.data), head.first) == (HEAD_BYTES, {"a": 1})


def test_a_folder_is_searched_for_files_with_a_known_suffix_by_name(
    write: Write, tmp_path: Path
) -> None:
    data = FIXTURE.read_bytes()
    for name in (
        "b.jsonl",
        "a/z.json",
        "a/.hidden.json",
        "c.md",
        "a-file.ndjson",
        ".clawtrace.json",
    ):
        write(name, data)
    plan = make_plan([tmp_path])
    assert names(plan) == ["a-file.ndjson", "b.jsonl", "z.json"]
    assert plan.problems == []


def test_a_file_that_is_named_and_found_is_read_once(write: Write, tmp_path: Path) -> None:
    path = write("a.jsonl", FIXTURE.read_bytes())
    plan = make_plan([path, tmp_path, tmp_path / "x" / ".." / "a.jsonl"])
    assert names(plan) == ["a.jsonl"]


def test_files_of_no_known_format_are_put_aside_and_named_ones_told(
    write: Write, tmp_path: Path
) -> None:
    write("settings.json", b'{"theme": "dark"}')
    plan = make_plan([tmp_path])
    assert (plan.groups, plan.problems, plan.unknown) == ([], [], [tmp_path / "settings.json"])
    plan = make_plan([tmp_path / "settings.json"])
    assert plan.unknown == []
    assert str(plan.problems[0]).startswith(f"{tmp_path}/settings.json: none of the known formats")


def test_a_format_that_is_named_is_not_asked_for(write: Write, tmp_path: Path) -> None:
    write("odd.json", b'{"resource_metrics": []}\n')
    (group,) = make_plan([tmp_path], "tau2").groups
    assert group.kind == "tau2"


def test_a_group_has_the_same_key_from_wherever_it_is_seen(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("runs/a.jsonl", FIXTURE.read_bytes())
    monkeypatch.chdir(tmp_path)
    absolute, relative = (make_plan([path]).groups for path in (tmp_path, Path("runs")))
    assert [group.key for group in absolute] == [group.key for group in relative]
    assert absolute[0].stamps == relative[0].stamps
    assert absolute[0].size == FIXTURE.stat().st_size


def test_files_that_are_gone_or_locked_are_problems(write: Write, tmp_path: Path) -> None:
    plan = make_plan([tmp_path / "absent.json"])
    assert [str(p) for p in plan.problems] == [f"{tmp_path}/absent.json: No such file or directory"]
    if os.geteuid():  # pragma: no cover - root may read everything
        locked = write("locked.json", b"{}")
        locked.chmod(0)
        assert "Permission denied" in str(make_plan([locked]).problems[0])


def test_the_suffixes_of_all_formats_are_looked_for() -> None:
    assert suffixes() >= {".json", ".jsonl", ".ndjson", ".pb"}
    assert suffixes(["otlp"]) == importer("otlp").suffixes
