"""Sessions of pi and OpenClaw, and runs of UniClawBench, from files that the tests write."""

import json
from pathlib import Path

from clawtrace_otel.importers.formats.openclaw.importer import IMPORTER
from clawtrace_otel.importers.importer import Told
from clawtrace_otel.semconv.normalize import normalize
from tests.importers.formats.openclaw.records import (
    MODEL,
    START_MS,
    Json,
    asked,
    call,
    entry,
    header,
    iso,
    ns,
    result,
    said,
)
from tests.importers.sessions import (
    by_time,
    read,
    spans,
    steps,
    the_card,
    write,
)


def session(tmp_path: Path, *records: object, name: str = "a.jsonl") -> Path:
    return write(tmp_path / name, *records)


def test_a_call_has_the_recorded_tokens_cost_and_times(tmp_path: Path) -> None:
    answer = said(2, 5, usage=(7, 30, 400, 50), cost=0.0125)
    records = read(IMPORTER, session(tmp_path, header(), asked(1), answer))
    (chat,) = spans(records, "chat")
    step = normalize(chat)
    assert step.usage is not None
    assert (step.usage.fresh, step.usage.cache_read, step.usage.cache_write) == (7, 400, 50)
    assert (step.usage.output, step.usage.input) == (30, 457)
    assert (chat.start_ns, chat.end_ns) == (ns(2), ns(5))
    assert (step.model, step.provider) == (MODEL, "anthropic")
    card = the_card(records)
    (line,) = card["steps"]
    assert (line["usd"], line["source"]) == (0.0125, "supplied")
    assert (card["session"], card["status"]) == ("s1", "complete")


def test_a_recorded_cost_of_zero_is_no_price(tmp_path: Path) -> None:
    records = read(IMPORTER, session(tmp_path, header(), said(2, 5, usage=(1000, 10, 0, 0))))
    (line,) = the_card(records)["steps"]
    assert "source" not in line
    assert line["usd"]


def test_a_tool_call_lasts_from_the_answer_that_asked_for_it_to_its_result(tmp_path: Path) -> None:
    path = session(
        tmp_path,
        header(),
        said(1, 2, call("t1", "read", path="a"), call("t2", "bash", command="x")),
        result(3, "t1", "text"),
        result(4, "t2", "no such command", failed=True),
    )
    records = read(IMPORTER, path)
    read_call, bash = by_time(spans(records, "execute_tool"))
    assert (read_call.start_ns, read_call.end_ns) == (ns(2), ns(3))
    assert (normalize(read_call).read_only, normalize(bash).read_only) == (True, None)
    assert normalize(bash).error == "no such command"
    assert [step["by"] for step in steps(the_card(records), "tool")] == [1, 1]


def test_calls_of_an_answer_that_was_broken_off_never_ran(tmp_path: Path) -> None:
    broken = said(
        1,
        2,
        call("t1", "read", path="a"),
        stopReason="aborted",
        errorMessage="Request was aborted.",
    )
    path = session(tmp_path, header(), broken, said(8, 9))
    card = the_card(read(IMPORTER, path))
    (tool,) = steps(card, "tool")
    assert (tool["error"], tool["ms"]) == ("Request was aborted.", 0)
    assert steps(card, "llm")[0]["error"] == "Request was aborted."
    assert card["total"]["llm_calls"] == 2
    assert card["status"] == "complete"


def test_a_call_without_a_result_ran_until_the_next_call_at_most(tmp_path: Path) -> None:
    path = session(tmp_path, header(), said(1, 2, call("t1", "read", path="a")), said(5, 6))
    (tool,) = spans(read(IMPORTER, path), "execute_tool")
    assert (tool.start_ns, tool.end_ns) == (ns(2), ns(5))


def test_a_session_that_ends_with_a_failed_call_failed(tmp_path: Path) -> None:
    error = said(3, 4, stopReason="error", errorMessage="400 invalid_request_error")
    card = the_card(read(IMPORTER, session(tmp_path, header(), said(1, 2), error)))
    assert card["status"] == "error"


def test_the_call_after_a_compaction_is_marked(tmp_path: Path) -> None:
    compaction = {"type": "compaction", "id": "c", "timestamp": iso(3), "summary": "s"}
    path = session(tmp_path, header(), said(1, 2), compaction, said(4, 5), said(6, 7))
    chats = by_time(spans(read(IMPORTER, path), "chat"))
    marks = [span.attributes.get("gen_ai.conversation.compacted") for span in chats]
    assert marks == [None, True, None]


def test_all_branches_of_a_session_count(tmp_path: Path) -> None:
    first = said(1, 2, id="x")
    left = {**said(3, 4), "parentId": first["id"]}
    right = {**said(5, 6), "parentId": first["id"]}
    card = the_card(read(IMPORTER, session(tmp_path, header(), first, left, right)))
    assert card["total"]["llm_calls"] == 3


def test_text_that_openclaw_put_down_itself_is_no_call(tmp_path: Path) -> None:
    mirror = said(3, 3, provider="openclaw", model="delivery-mirror")
    card = the_card(read(IMPORTER, session(tmp_path, header(), said(1, 2), mirror)))
    assert card["total"]["llm_calls"] == 1


def benchmark(tmp_path: Path, **score: object) -> Path:
    bare: Json = {"type": "toolCall", "name": "exec", "summary": "omitted"}
    attempt = {
        "attemptPath": "r/1/a/1",
        "score": score,
        "transcript": [
            asked(1),
            entry(3, {"role": "assistant", "timestamp": START_MS + 1000, "content": [bare]}),
            entry(6, {"role": "assistant", "timestamp": START_MS + 4000, "content": [bare]}),
        ],
    }
    document = {
        "taskSummary": {"taskId": "task_1", "model": "gpt-5.4"},
        "attemptCards": [],
        "attemptDetails": [attempt],
    }
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return path


def test_an_attempt_of_uniclawbench_is_a_trace_with_its_grade(tmp_path: Path) -> None:
    path = benchmark(tmp_path, overall_score=0.94, verdict="pass", rationale="as asked")
    records = read(IMPORTER, path)
    card = the_card(records)
    assert card["outcome"] == {
        "passed": True,
        "score": 0.94,
        "by": "uniclawbench",
        "evidence": ["as asked"],
    }
    assert card["session"] == "task_1"
    assert card["unpriced"] == [{"model": "gpt-5.4", "reason": "no_usage", "calls": 2}]
    first, _ = by_time(spans(records, "execute_tool"))
    assert (first.start_ns, first.end_ns) == (ns(3), ns(4))


def test_tool_calls_without_arguments_are_no_repeats(tmp_path: Path) -> None:
    card = the_card(read(IMPORTER, benchmark(tmp_path)))
    assert card["total"]["tool_calls"] == 2
    assert "redundant" not in card
    assert "outcome" not in card


def test_an_ungraded_attempt_has_no_evaluation(tmp_path: Path) -> None:
    assert not [r for r in read(IMPORTER, benchmark(tmp_path)) if isinstance(r, Told)]
