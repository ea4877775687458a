"""Files of Claude Code: which are recognised, read together and counted once."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.importers.formats.claude_code.importer import IMPORTER, recognises
from clawtrace_otel.importers.formats.claude_code.records import IGNORED_TYPES
from clawtrace_otel.importers.importer import Head, Problem
from clawtrace_otel.importers.registry import read_head
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.span import Span
from tests.importers.formats.claude_code.records import (
    OTHER_SESSION,
    SESSION,
    Json,
    asked,
    call,
    record,
    result,
    said,
    text,
    usage,
)
from tests.importers.sessions import (
    JSON,
    cards,
    problems,
    read,
    spans,
    the_card,
    write,
)

_KEYS = ("message", "toolUseResult", "timestamp", "uuid", "requestId", "data", "isSidechain")


def session(tmp_path: Path, *records: object, name: str = SESSION) -> Path:
    return write(tmp_path / f"{name}.jsonl", *records)


def test_two_objects_glued_together_on_a_line_are_two_records(tmp_path: Path) -> None:
    glued = json.dumps(said(1, "m1")) + json.dumps(said(2, "m2"))
    records = read(IMPORTER, session(tmp_path, asked(0), glued))
    assert len(spans(records, "chat")) == 2
    assert problems(records) == []


def test_a_last_line_that_breaks_off_is_a_problem_and_loses_nothing_else(tmp_path: Path) -> None:
    records = read(IMPORTER, session(tmp_path, asked(0), said(1, "m1"), '{"type": "assis'))
    assert len(spans(records, "chat")) == 1
    assert [text.split(":")[0] for text in problems(records)] == ["3"]


def test_a_resumed_session_counts_only_what_is_new_in_it(tmp_path: Path) -> None:
    first = [
        asked(0),
        said(1, "m1", call("t1", "Bash", command="make")),
        result(2, "t1"),
        said(3, "m2", text("done")),
    ]
    copied: list[Json] = [{**r, "sessionId": OTHER_SESSION} for r in first]
    new = [
        asked(60, sessionId=OTHER_SESSION),
        said(62, "m3", tokens=usage(fresh=5), sessionId=OTHER_SESSION),
    ]
    # The name of the resumed one sorts first: the order is that of time.
    resumed = session(tmp_path, *copied, *new, name="00000000-2222-4222-8222-222222222222")
    original = session(tmp_path, *first)
    was, now = cards(read(IMPORTER, resumed, original))
    assert (was["session"], was["total"]["llm_calls"], was["total"]["tool_calls"]) == (
        SESSION,
        2,
        1,
    )
    assert (now["total"]["llm_calls"], now["total"]["tool_calls"]) == (1, 0)
    assert now["started"] == "2026-01-05T14:01:00.000Z"


def test_a_session_whose_original_is_gone_keeps_its_copies(tmp_path: Path) -> None:
    copied = said(1, "m1", sessionId=OTHER_SESSION)
    card = the_card(read(IMPORTER, session(tmp_path, asked(0), copied, said(2, "m2"))))
    assert card["session"] == SESSION
    assert card["total"]["llm_calls"] == 2


def test_a_session_of_copies_alone_is_no_trace(tmp_path: Path) -> None:
    original = session(tmp_path, asked(0), said(1, "m1"), said(2, "m2"))
    copy = session(tmp_path, asked(0), said(1, "m1"), said(2, "m2"), name=OTHER_SESSION)
    traces = {span.trace_id for span in spans(read(IMPORTER, original, copy))}
    assert len(traces) == 1


def test_an_unknown_type_of_record_is_told_once_a_file(tmp_path: Path) -> None:
    odd = [record("hologram", n) for n in (1, 2, 3)]
    records = read(IMPORTER, session(tmp_path, asked(0), *odd, said(4, "m1")))
    assert problems(records) == ["2: records of unknown type 'hologram' are ignored"]
    assert len(spans(records, "chat")) == 1


def test_types_that_say_nothing_of_calls_are_passed_over(tmp_path: Path) -> None:
    known = [record(kind, 1) for kind in sorted(IGNORED_TYPES)]
    silent = [record("system", 2, subtype="turn_duration"), record("attachment", 2)]
    records = read(IMPORTER, session(tmp_path, asked(0), *known, *silent, said(4, "m1")))
    assert problems(records) == []
    assert len(spans(records)) == 2


def test_a_file_that_cannot_be_opened_is_a_problem_and_the_others_are_read(tmp_path: Path) -> None:
    path = session(tmp_path, asked(0), said(1, "m1"))
    records = list(IMPORTER.read([tmp_path / "gone.jsonl", path]))
    assert len(problems(records)) == 1
    assert len(spans(records, "chat")) == 1


@pytest.mark.parametrize(
    ("first", "is_one"),
    [
        ({"type": "summary", "summary": "s", "leafUuid": "u"}, True),
        ({"type": "file-history-snapshot", "messageId": "m", "snapshot": {}}, True),
        ({"type": "queue-operation", "operation": "enqueue", "sessionId": "s"}, True),
        ({"type": "session", "id": "s", "timestamp": "t"}, False),
        ({"type": "agent.start", "sessionKey": "agent:main:main"}, False),
        ({"resourceSpans": []}, False),
        ([1], False),
    ],
)
def test_a_file_is_recognised_by_its_first_record(
    tmp_path: Path, first: object, is_one: bool
) -> None:
    assert recognises(read_head(write(tmp_path / "a.jsonl", first))) is is_one


def test_a_file_whose_first_line_is_long_is_recognised(tmp_path: Path) -> None:
    path = session(tmp_path, asked(0, "x" * 100_000))
    head = read_head(path)
    assert head.first is None
    assert recognises(head)
    assert not recognises(Head(path, b'{"type":"resourceSpans","x":"' + b"y" * 10))


def test_sessions_of_a_project_are_one_group_and_sub_agents_belong_to_them() -> None:
    folder = Path("projects/-work")
    own = IMPORTER.group(folder / "s.jsonl")
    assert IMPORTER.group(folder / "s" / "subagents" / "agent-a1.jsonl") == own
    assert IMPORTER.group(folder / "s" / "subagents" / "workflows" / "agent-a1.jsonl") == own
    assert IMPORTER.group(Path("projects/-other/s.jsonl")) != own


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(
        st.tuples(
            st.sampled_from(["m1", "m2", "m3", "m4"]),
            st.integers(0, 500),
            st.integers(0, 500),
            st.integers(0, 500),
        ),
        min_size=1,
        max_size=25,
    ),
    copies=st.integers(0, 25),
)
def test_each_message_is_counted_once_with_what_its_last_line_says(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[tuple[str, int, int, int]],
    copies: int,
) -> None:
    folder = tmp_path_factory.mktemp("project")
    lines = sorted(lines, key=lambda line: line[0])  # the lines of a message stand together
    records = [
        said(n, key, tokens=usage(fresh, out, read_tokens))
        for n, (key, fresh, out, read_tokens) in enumerate(lines, 1)
    ]
    original = session(folder, asked(0), *records)
    resumed = session(folder, asked(0), *records[:copies], asked(90), name=OTHER_SESSION)
    last = {key: rest for key, *rest in lines}
    found = [normalize(s).usage for s in spans(read(IMPORTER, original, resumed), "chat")]
    assert len(found) == len(last)
    total = [sum(x) for x in zip(*last.values(), strict=True)]
    assert total == [
        sum(u.fresh for u in found if u),
        sum(u.output for u in found if u),
        sum(u.cache_read for u in found if u),
    ]


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(["assistant", "user", "progress", "system", "attachment"]),
    odd=st.dictionaries(st.sampled_from(_KEYS), JSON),
    message=st.dictionaries(
        st.sampled_from(["id", "model", "content", "usage", "stop_reason"]), JSON
    ),
)
def test_no_record_however_odd_keeps_the_others_from_being_read(
    tmp_path_factory: pytest.TempPathFactory, kind: str, odd: Json, message: Json
) -> None:
    records = [
        record(kind, 1, **odd),
        record("assistant", 1, message=message),
        record("progress", 1, data={"agentId": "a", "message": {"type": "assistant", **odd}}),
    ]
    path = session(tmp_path_factory.mktemp("odd"), asked(0), *records, said(2, "m1"))
    found = list(IMPORTER.read([path]))
    assert all(isinstance(r, Problem) or r for r in found)
    ids = [normalize(r).response_id for r in found if isinstance(r, Span)]
    assert "m1" in ids
