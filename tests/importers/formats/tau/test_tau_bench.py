"""tau-bench: files written by the test. ``tests/corpora`` has the real one."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from clawtrace_otel.importers.formats.tau import tau_bench
from clawtrace_otel.importers.importer import Problem, Record, TraceEnd
from clawtrace_otel.importers.registry import recognise
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from tests.importers.compile_files import cards_of


def call(id_: str, tool: str, arguments: str) -> dict[str, object]:
    return {"id": id_, "type": "function", "function": {"name": tool, "arguments": arguments}}


def result(id_: str, content: str) -> dict[str, object]:
    return {"role": "tool", "tool_call_id": id_, "name": "x", "content": content}


TASK: dict[str, Any] = {
    "task_id": 3,
    "reward": 0.0,
    "info": {"reward_info": {"reward": 0.0, "info": {"r_actions": 0.0, "gt_data_hash": "ab"}}},
    "traj": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Who am I?"},
        {"role": "assistant", "content": None, "tool_calls": [call("c1", "look", '{"id": "u1"}')]},
        result("c1", "Error: no such user"),
        {"role": "assistant", "content": None, "tool_calls": [call("c1", "look", '{"id": "u2"}')]},
        result("c1", "Ann"),
        {"role": "assistant", "content": "You are Ann."},
    ],
    "trial": 1,
}


def changed(**fields: object) -> dict[str, Any]:
    return {**copy.deepcopy(TASK), **fields}


def records_of(tmp_path: Path, *tasks: object) -> list[Record]:
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(tasks))
    return list(tau_bench.read([path]))


def steps_of(records: list[Record], kind: str) -> list[Step]:
    steps = [normalize(record) for record in records if isinstance(record, Span)]
    return [step for step in steps if step.kind == kind]


def test_a_run_becomes_a_trace_whose_cost_is_unknown(tmp_path: Path) -> None:
    (card,) = cards_of(records_of(tmp_path, TASK), Compiler())
    assert card["root"]["name"] == "task 3 trial 1"
    assert card["started"] == "1970-01-01T00:00:00.000Z"
    total = card["total"]
    assert (total["llm_calls"], total["tool_calls"], total["cost_usd"]) == (3, 2, None)
    assert card["unpriced"] == [{"model": "unknown", "reason": "no_usage", "calls": 3}]
    assert card["outcome"] == {
        "passed": False,
        "by": "tau-bench",
        "evidence": ["the final database is not the expected one"],
        "score": 0.0,
    }


def test_results_follow_their_calls_where_an_id_occurs_again(tmp_path: Path) -> None:
    first, second = steps_of(records_of(tmp_path, TASK), "tool")
    assert (first.args, first.error) == ('{"id":"u1"}', "Error: no such user")
    assert (second.args, second.error, second.result_size) == ('{"id":"u2"}', None, 3)


def test_each_message_takes_a_millisecond(tmp_path: Path) -> None:
    records = records_of(tmp_path, TASK)
    steps = [*steps_of(records, "llm"), *steps_of(records, "tool")]
    assert sorted(step.start_ns // 10**6 for step in steps) == [2, 3, 4, 5, 6]
    assert {step.end_ns - step.start_ns for step in steps} == {10**6}


def test_what_the_user_was_not_told_is_evidence(tmp_path: Path) -> None:
    told = {"r_outputs": 0.0, "outputs": {"327": False, "1000": True}}
    (card,) = cards_of(
        records_of(tmp_path, changed(info={"reward_info": {"info": told}})), Compiler()
    )
    assert card["outcome"]["evidence"] == ["not told to the user: 327"]


def test_a_run_that_broke_down_failed(tmp_path: Path) -> None:
    (card,) = cards_of(records_of(tmp_path, changed(info={"error": "quota"})), Compiler())
    assert card["status"] == "error"


def test_equal_tasks_and_trials_of_other_runs_are_other_traces(tmp_path: Path) -> None:
    """Each model's file has the same tasks and trials."""
    other = changed(traj=TASK["traj"][:-1])
    records = records_of(tmp_path, TASK, other, changed(info={}))
    ends = [r.trace_id for r in records if isinstance(r, TraceEnd)]
    assert (len(ends), len(set(ends))) == (3, 2)


BAD = [
    ("x", "$[0] is text, not an object"),
    (changed(reward="good"), "$[0].reward is text, not a number"),
    (changed(traj={}), "$[0].traj is an object, not a list"),
    (changed(info=[]), "$[0].info is a list, not an object"),
    (
        changed(traj=[{"role": "assistant", "tool_calls": [{"id": "a", "function": "f"}]}]),
        "$[0].traj[0].tool_calls[0].function is text, not an object",
    ),
    (changed(traj=[result("c1", "x")]), "$[0].traj[0]: a result of a call that nobody made"),
    (
        changed(traj=[{"role": "assistant", "content": 3.5}]),
        "$[0].traj[0].content is a number, not text",
    ),
]


@pytest.mark.parametrize(("task", "problem"), BAD)
def test_bad_input_is_named_and_loses_nothing_else(
    tmp_path: Path, task: object, problem: str
) -> None:
    records = records_of(tmp_path, task, TASK)
    path = tmp_path / "runs.json"
    assert [str(r) for r in records if isinstance(r, Problem)] == [f"{path}: {problem}"]
    good = records_of(tmp_path, TASK)
    assert records[-len(good) :] == good


def test_a_file_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    path.write_text(json.dumps([TASK, TASK])[:-20])
    records = list(tau_bench.read([path]))
    assert len([r for r in records if isinstance(r, TraceEnd)]) == 1
    assert "damaged JSON after 1 items" in str(records[-1])


def test_arguments_that_are_no_json_are_kept_as_text(tmp_path: Path) -> None:
    said = [{"role": "assistant", "tool_calls": [call("c1", "look", "{oops")]}]
    (tool,) = steps_of(records_of(tmp_path, changed(traj=said)), "tool")
    assert tool.args == "{oops"


def test_files_are_recognised(tmp_path: Path) -> None:
    records_of(tmp_path, TASK)
    found = recognise(tmp_path / "runs.json")
    assert found is not None
    assert found.name == "tau-bench"
