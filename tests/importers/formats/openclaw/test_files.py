"""Files of pi: which are recognised, read together and counted once."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.importers.formats.openclaw.importer import IMPORTER
from clawtrace_otel.importers.registry import read_head
from clawtrace_otel.semconv.normalize import normalize
from tests.importers.formats.openclaw.records import (
    Json,
    call,
    entry,
    header,
    iso,
    result,
    said,
)
from tests.importers.sessions import (
    JSON,
    cards,
    problems,
    read,
    spans,
    write,
)


def session(tmp_path: Path, *records: object, name: str = "a.jsonl") -> Path:
    return write(tmp_path / name, *records)


def test_a_forked_session_counts_only_what_is_new_in_it(tmp_path: Path) -> None:
    old = [said(1, 2, call("t1", "read", path="a")), result(3, "t1"), said(4, 5)]
    fork = session(
        tmp_path, header("s2", 30, parentSession="b.jsonl"), *old, said(40, 41), name="a.jsonl"
    )
    original = session(tmp_path, header(), *old, name="b.jsonl")
    was, now = cards(read(IMPORTER, fork, original))
    assert (was["session"], was["total"]["llm_calls"], was["total"]["tool_calls"]) == ("s1", 2, 1)
    assert (now["session"], now["total"]["llm_calls"], now["total"]["tool_calls"]) == ("s2", 1, 0)


def test_what_cannot_be_read_is_told_with_its_line_and_loses_nothing_else(tmp_path: Path) -> None:
    odd = {"type": "hologram", "id": "h", "timestamp": iso(1)}
    known = [{"type": "label", "id": "l"}, {"type": "model_change", "id": "m"}]
    glued = json.dumps(said(1, 2)) + json.dumps(said(3, 4))
    path = session(tmp_path, header(), *known, odd, odd, glued, '{"type": "mess')
    records = read(IMPORTER, path)
    found = problems(records)
    assert found[0] == "4: entries of unknown type 'hologram' are ignored"
    assert [text.split(":")[0] for text in found] == ["4", "7"]
    assert len(spans(records, "chat")) == 2


@settings(max_examples=60, deadline=None)
@given(
    usages=st.lists(st.tuples(*[st.integers(0, 10**6)] * 4), min_size=1, max_size=20),
    forked=st.integers(0, 20),
)
def test_the_sums_of_a_session_and_its_fork_are_those_of_the_recorded_calls(
    tmp_path_factory: pytest.TempPathFactory,
    usages: list[tuple[int, int, int, int]],
    forked: int,
) -> None:
    folder = tmp_path_factory.mktemp("sessions")
    calls = [said(n, n + 0.5, usage=used, cost=0.25) for n, used in enumerate(usages)]
    original = session(folder, header(), *calls, name="b.jsonl")
    fork = session(folder, header("s2", 59), *calls[:forked], name="a.jsonl")
    found = cards(read(IMPORTER, original, fork))
    assert len(found) == 1
    total = found[0]["total"]
    fresh, out, read_tokens, written = (sum(column) for column in zip(*usages, strict=True))
    assert total["tokens"]["input"] == fresh + read_tokens + written
    assert total["tokens"]["output"] == out
    assert total["tokens"]["cache_read"] == read_tokens
    assert total["tokens"]["cache_write"] == written
    assert total["cost_usd"] == 0.25 * len(usages)


@settings(max_examples=100, deadline=None)
@given(
    message=st.dictionaries(
        st.sampled_from(["role", "content", "usage", "model", "timestamp", "toolCallId"]), JSON
    ),
    odd=st.dictionaries(st.sampled_from(["message", "timestamp", "id"]), JSON),
)
def test_no_entry_however_odd_keeps_the_others_from_being_read(
    tmp_path_factory: pytest.TempPathFactory, message: Json, odd: Json
) -> None:
    records = [entry(1, {"role": "assistant", **message}), {**entry(1, {}), **odd}]
    path = session(tmp_path_factory.mktemp("odd"), header(), *records, said(2, 3, responseId="r9"))
    ids = [normalize(span).response_id for span in spans(read(IMPORTER, path))]
    assert "r9" in ids


def test_other_files_are_not_taken_for_sessions(tmp_path: Path) -> None:
    others: list[object] = [
        {"type": "session"},
        {"resourceSpans": []},
        {"type": "summary", "leafUuid": "u", "summary": "s"},
        {"type": "agent.start", "sessionKey": "agent:main:main"},
    ]
    for number, other in enumerate(others):
        path = write(tmp_path / f"{number}.jsonl", other)
        assert not IMPORTER.recognises(read_head(path))
