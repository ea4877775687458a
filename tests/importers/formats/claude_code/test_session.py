"""Sessions of Claude Code, read from files that the tests write."""

from pathlib import Path

import pytest

from clawtrace_otel.importers.formats.claude_code.importer import IMPORTER
from clawtrace_otel.semconv.normalize import normalize
from tests.importers.formats.claude_code.records import (
    MODEL,
    SESSION,
    Json,
    asked,
    call,
    ns,
    record,
    result,
    said,
    text,
    usage,
)
from tests.importers.sessions import (
    by_time,
    read,
    spans,
    steps,
    the_card,
    write,
)


def session(tmp_path: Path, *records: object, name: str = SESSION) -> Path:
    return write(tmp_path / f"{name}.jsonl", *records)


def test_the_lines_of_a_message_are_one_call_with_the_usage_of_the_last(tmp_path: Path) -> None:
    path = session(
        tmp_path,
        asked(0),
        said(2, "m1", {"type": "thinking", "thinking": "hm"}, tokens=usage(output=1)),
        said(3, "m1", text("I look."), tokens=usage(output=1)),
        said(4, "m1", call("t1", "Read", file_path="a"), tokens=usage(output=77), stop="tool_use"),
        result(5, "t1"),
    )
    (chat,) = spans(read(IMPORTER, path), "chat")
    step = normalize(chat)
    assert step.usage is not None
    assert step.usage.output == 77
    assert step.does == "plan_then_tool"
    assert [(c.id, c.tool, c.args) for c in step.calls] == [("t1", "Read", '{"file_path":"a"}')]
    assert (step.model, step.provider, step.response_id) == (MODEL, "anthropic", "m1")
    assert chat.scope == "clawtrace.importers.claude_code"


def test_a_call_lasts_from_the_last_input_before_it_to_its_last_line(tmp_path: Path) -> None:
    path = session(
        tmp_path,
        asked(0),
        said(2, "m1", call("t1", "Bash", command="ls")),
        result(5.25, "t1"),
        said(7, "m2", text("almost")),
        said(7.5, "m2", text("done")),
    )
    records = read(IMPORTER, path)
    times = [(span.start_ns, span.end_ns) for span in by_time(spans(records, "chat"))]
    assert times == [(ns(0), ns(2)), (ns(5.25), ns(7.5))]
    (tool,) = spans(records, "execute_tool")
    assert (tool.start_ns, tool.end_ns) == (ns(2), ns(5.25))
    (root,) = spans(records, "invoke_agent")
    assert (root.start_ns, root.end_ns, root.parent_id) == (ns(0), ns(7.5), "")


def test_a_session_is_a_trace_named_by_the_session(tmp_path: Path) -> None:
    card = the_card(read(IMPORTER, session(tmp_path, asked(0), said(1, "m1"))))
    assert card["session"] == SESSION
    assert card["root"]["agent"] == "claude-code"
    assert card["status"] == "complete"


def test_input_tokens_include_the_cached_ones_and_one_hour_writes_are_told_apart(
    tmp_path: Path,
) -> None:
    tokens = usage(fresh=3, output=5, read=100, write=40)
    tokens["cache_creation"] = {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 30}
    path = session(tmp_path, asked(0), said(1, "m1", tokens=tokens))
    (chat,) = spans(read(IMPORTER, path), "chat")
    assert chat.attributes["gen_ai.usage.input_tokens"] == 143
    found = normalize(chat).usage
    assert found is not None
    assert (found.fresh, found.cache_read) == (3, 100)
    assert (found.cache_write_5m, found.cache_write_1h) == (10, 30)
    assert normalize(chat).tier == "standard"


def test_thinking_tokens_and_a_speed_with_its_own_price_are_told(tmp_path: Path) -> None:
    tokens = {**usage(output=50), "output_tokens_details": {"thinking_tokens": 30}, "speed": "fast"}
    path = session(tmp_path, asked(0), said(1, "m1", tokens=tokens))
    step = normalize(spans(read(IMPORTER, path), "chat")[0])
    assert step.usage is not None
    assert (step.usage.output, step.usage.reasoning) == (50, 30)
    assert step.tier == "fast"


def test_a_count_that_is_none_makes_the_call_unpriced_and_nothing_else(tmp_path: Path) -> None:
    path = session(
        tmp_path,
        asked(0),
        said(1, "m1", tokens={**usage(), "cache_read_input_tokens": "many"}),
        said(2, "m2"),
    )
    card = the_card(read(IMPORTER, path))
    assert card["unpriced"] == [{"model": MODEL, "reason": "invalid_usage", "calls": 1}]
    assert card["total"]["llm_calls"] == 2


def test_what_no_model_answered_is_no_call(tmp_path: Path) -> None:
    path = session(
        tmp_path,
        asked(0),
        said(1, "m1"),
        said(2, "m2", text("No response requested."), model="<synthetic>"),
    )
    card = the_card(read(IMPORTER, path))
    assert card["total"]["llm_calls"] == 1
    assert card["status"] == "complete"


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_session_that_ends_with_an_api_error_failed(tmp_path: Path, goes_on: bool) -> None:
    error = said(
        3,
        "m2",
        text("API Error: 529 Overloaded"),
        model="<synthetic>",
        isApiErrorMessage=True,
        error="server_error",
    )
    later = [asked(4, "go on"), said(5, "m3")] if goes_on else []
    records = read(IMPORTER, session(tmp_path, asked(0), said(1, "m1"), error, *later))
    (root,) = spans(records, "invoke_agent")
    assert root.failed is not goes_on
    assert the_card(records)["total"]["llm_calls"] == 1 + goes_on
    if not goes_on:
        assert root.attributes["error.type"] == "server_error"
        assert root.status_message == "API Error: 529 Overloaded"


def test_a_tool_call_has_its_arguments_its_result_and_the_call_that_asked_for_it(
    tmp_path: Path,
) -> None:
    path = session(
        tmp_path,
        asked(0),
        said(1, "m1", call("t1", "Read", file_path="a"), call("t2", "Bash", command="ls")),
        result(2, "t2", [{"type": "text", "text": "a b"}]),
        result(3, "t1", "<tool_use_error>no such file</tool_use_error>", failed=True),
    )
    records = read(IMPORTER, path)
    step_of = {s.call_id: s for s in map(normalize, spans(records, "execute_tool"))}
    assert step_of["t1"].error == "<tool_use_error>no such file</tool_use_error>"
    assert step_of["t1"].read_only is True
    assert step_of["t2"].error is None
    assert step_of["t2"].result_size == len("a b")
    assert step_of["t2"].read_only is None
    assert [step["by"] for step in steps(the_card(records), "tool")] == [1, 1]


def test_a_tool_call_without_a_result_has_not_ended(tmp_path: Path) -> None:
    path = session(tmp_path, asked(0), said(1, "m1", call("t1", "Bash", command="sleep 9")))
    (tool,) = spans(read(IMPORTER, path), "execute_tool")
    assert (tool.start_ns, tool.end_ns) == (ns(1), 0)


def test_reading_the_same_file_twice_finds_the_second_read_a_repeat(tmp_path: Path) -> None:
    path = session(
        tmp_path,
        asked(0),
        said(1, "m1", call("t1", "Read", file_path="a")),
        result(2, "t1", "text"),
        said(3, "m2", call("t2", "Grep", pattern="x")),
        result(4, "t2", "none"),
        said(5, "m3", call("t3", "Read", file_path="a")),
        result(6, "t3", "text"),
    )
    _, _, again = steps(the_card(read(IMPORTER, path)), "tool")
    assert again["repeat"]["verdict"] == "same"


@pytest.mark.parametrize(
    "marker",
    [
        record("system", 3, subtype="compact_boundary", content="Conversation compacted"),
        asked(3, "This session is being continued …", isCompactSummary=True),
    ],
    ids=["boundary", "summary"],
)
def test_the_call_after_a_compaction_is_marked(tmp_path: Path, marker: Json) -> None:
    path = session(tmp_path, asked(0), said(1, "m1"), marker, said(5, "m2"), said(6, "m3"))
    chats = by_time(spans(read(IMPORTER, path), "chat"))
    marks = [span.attributes.get("gen_ai.conversation.compacted") for span in chats]
    assert marks == [None, True, None]


def test_a_recorded_cost_is_supplied(tmp_path: Path) -> None:
    path = session(tmp_path, asked(0), said(1, "m1", costUSD=0.0125))
    card = the_card(read(IMPORTER, path))
    (step,) = card["steps"]
    assert (step["usd"], step["source"]) == (0.0125, "supplied")


def test_another_makers_model_is_not_said_to_be_anthropics(tmp_path: Path) -> None:
    (chat,) = spans(
        read(IMPORTER, session(tmp_path, asked(0), said(1, "m1", model="glm-4.6"))), "chat"
    )
    assert "gen_ai.provider.name" not in chat.attributes


def test_reading_again_gives_the_same_spans(tmp_path: Path) -> None:
    path = session(
        tmp_path, asked(0), said(1, "m1", call("t1", "Read", file_path="a")), result(2, "t1")
    )
    once, again = read(IMPORTER, path), read(IMPORTER, path)
    assert once == again
    assert len({span.span_id for span in spans(once)}) == len(spans(once)) == 3
