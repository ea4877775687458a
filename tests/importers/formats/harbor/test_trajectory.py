"""Trajectories in ATIF: calls, results, usage, sub-agents, and what continues what."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawtrace_otel.importers.formats.harbor.importer import IMPORTER
from clawtrace_otel.importers.importer import Problem
from clawtrace_otel.importers.registry import recognise
from clawtrace_otel.money import PER_USD
from tests.importers.formats.harbor.trials import (
    ANSWER,
    FILES,
    READ,
    STEPS,
    Json,
    call,
    card_of,
    cards_of,
    metrics,
    observed,
    problems_of,
    records_of,
    result,
    step,
    steps_of,
    trajectory,
    trial,
    with_steps,
    write,
)

WRITTEN = {"cache_creation_input_tokens": 300, "cache_creation": {"ephemeral_1h_input_tokens": 100}}


def only_call(tmp_path: Path, used: Json, name: str = "scripted") -> Any:
    records = records_of(trial(tmp_path, with_steps(step(1, metrics=used), name=name)))
    (made,) = steps_of(records, "llm")
    return made


class TestCalls:
    def test_a_step_is_an_llm_call_and_the_tool_calls_that_it_asked_for(
        self, tmp_path: Path
    ) -> None:
        records = records_of(trial(tmp_path))
        first, last = steps_of(records, "llm")
        (tool,) = steps_of(records, "tool")

        assert (first.request_model, first.provider) == ("gpt-5-mini", "")
        assert [c.id for c in first.calls] == ["call_0"]
        assert (tool.tool, tool.call_id, tool.error) == ("read_file", "call_0", None)
        assert last.does == "final_reply"

    def test_a_call_lasts_from_what_was_before_it_to_its_own_time(self, tmp_path: Path) -> None:
        records = records_of(trial(tmp_path))
        first, last = steps_of(records, "llm")
        (tool,) = steps_of(records, "tool")

        seconds = [round((s.end_ns - s.start_ns) / 1e9, 3) for s in (first, tool, last)]
        assert seconds == [2.0, 0.001, 1.999]

    def test_steps_without_a_time_take_a_millisecond_each(self, tmp_path: Path) -> None:
        timeless = [{k: v for k, v in each.items() if k != "timestamp"} for each in STEPS]
        records = records_of(trial(tmp_path, with_steps(*timeless)))

        spans = [*steps_of(records, "llm"), *steps_of(records, "tool")]
        assert {s.end_ns - s.start_ns for s in spans} == {1_000_000}

    def test_cached_tokens_are_a_part_of_the_prompt(self, tmp_path: Path) -> None:
        usage = only_call(tmp_path, metrics(1300, 40, cached_tokens=512)).usage

        assert (usage.fresh, usage.cache_read, usage.output) == (788, 512, 40)

    def test_what_is_written_to_a_cache_is_told_apart_by_how_long_it_lives(
        self, tmp_path: Path
    ) -> None:
        used = metrics(1300, 40, cached_tokens=500, extra=WRITTEN)
        usage = only_call(tmp_path, used, "claude-code").usage

        assert (usage.fresh, usage.cache_read) == (500, 500)
        assert (usage.cache_write_5m, usage.cache_write_1h) == (200, 100)

    def test_agents_that_leave_out_what_they_write_to_a_cache_get_it_added(
        self, tmp_path: Path
    ) -> None:
        used = metrics(700, 40, cached_tokens=200, extra={"cache_write_tokens": 300})
        usage = only_call(tmp_path, used, "opencode").usage

        assert usage.input == 1000
        assert (usage.fresh, usage.cache_read, usage.cache_write_5m) == (500, 200, 300)

    def test_a_cost_is_supplied_unless_it_is_an_estimate(self, tmp_path: Path) -> None:
        stated = only_call(tmp_path / "a", metrics(10, 1, cost_usd=0.5))
        guessed = metrics(10, 1, cost_usd=0.5, extra={"cost_source": "litellm_estimate"})

        assert stated.supplied == PER_USD // 2
        assert only_call(tmp_path / "b", guessed).supplied is None

    def test_the_provider_stands_before_the_model(self, tmp_path: Path) -> None:
        named = step(1, model_name="anthropic/claude-opus-4-5", metrics=metrics(10, 1))
        (made,) = steps_of(records_of(trial(tmp_path, with_steps(named))), "llm")

        assert (made.provider, made.request_model) == ("anthropic", "claude-opus-4-5")

    def test_a_step_without_any_inference_is_no_llm_call(self, tmp_path: Path) -> None:
        sent = {**READ, "llm_call_count": 0, "metrics": None}
        records = records_of(trial(tmp_path, with_steps(sent)))

        assert len(steps_of(records, "tool")) == 1
        assert steps_of(records, "llm") == []

    def test_what_a_terminal_shows_after_several_commands_is_of_the_last(
        self, tmp_path: Path
    ) -> None:
        typed = step(
            1,
            tool_calls=[call("call_0_1", "bash_command"), call("call_0_2", "bash_command")],
            observation=observed(result("total 4")),
        )
        first, last = steps_of(records_of(trial(tmp_path, with_steps(typed))), "tool")

        assert (first.result_hash, bool(last.result_hash)) == ("", True)

    def test_parts_of_a_result_are_one_text(self, tmp_path: Path) -> None:
        parts = [{"type": "text", "text": "north,3"}, {"type": "image", "source": {"path": "a"}}]
        told = {**READ, "observation": observed(result(parts, "call_0"))}
        plain = {**READ, "observation": observed(result("north,3", "call_0"))}
        (one,) = steps_of(records_of(trial(tmp_path / "a", with_steps(told))), "tool")
        (other,) = steps_of(records_of(trial(tmp_path / "b", with_steps(plain))), "tool")

        assert one.result_hash == other.result_hash

    def test_a_result_that_says_so_is_an_error(self, tmp_path: Path) -> None:
        failed = result("No such file", "call_0", extra={"tool_result_is_error": True})
        told = {**READ, "observation": observed(failed)}
        (tool,) = steps_of(records_of(trial(tmp_path, with_steps(told))), "tool")

        assert tool.error == "No such file"

    def test_a_result_of_no_call_is_named(self, tmp_path: Path) -> None:
        told = {**READ, "observation": observed(result("x", "call_9"))}
        folder = trial(tmp_path, with_steps(told))

        assert problems_of(records_of(folder), folder) == [
            "agent/trajectory.json: $.steps[0]: a result of a call that nobody made: call_9"
        ]

    def test_after_a_compaction_the_next_call_says_so(self, tmp_path: Path) -> None:
        compaction = {"context_management": {"type": "compaction", "boundary": "replace"}}
        told = step(2, "system", second=45, extra=compaction)
        first, second = steps_of(records_of(trial(tmp_path, with_steps(READ, told, ANSWER))), "llm")

        assert (first.compacted, second.compacted) == (False, True)


SUB = trajectory(step(1, second=43, metrics=metrics(50, 5), message="Found."), name="searcher") | {
    "trajectory_id": "sub-1"
}


def asking(**reference: object) -> Json:
    """A step whose call is done by a sub-agent."""
    answered = result("Found.", "call_0", subagent_trajectory_ref=[reference])
    return {**READ, "observation": observed(answered)}


class TestSubAgents:
    def test_one_in_the_same_file_is_under_the_call_that_it_did(self, tmp_path: Path) -> None:
        files = with_steps(asking(trajectory_id="sub-1"), ANSWER, subagent_trajectories=[SUB])
        folder = trial(tmp_path, files)
        records = records_of(folder)
        (tool,) = steps_of(records, "tool")
        sub, main = steps_of(records, "agent")

        assert problems_of(records, folder) == []
        assert (sub.agent, sub.parent_id, main.parent_id) == ("searcher", tool.span_id, "")
        assert card_of(folder)["total"]["llm_calls"] == 3

    def test_one_in_a_file_beside_it_is_too(self, tmp_path: Path) -> None:
        name = "trajectory.summarization-1-summary.json"
        files = {**with_steps(asking(trajectory_path=name)), f"agent/{name}": SUB}
        records = records_of(trial(tmp_path, files))
        (tool,) = steps_of(records, "tool")

        assert steps_of(records, "agent")[0].parent_id == tool.span_id
        assert [s.request_model for s in steps_of(records, "llm")] == ["gpt-5-mini"] * 2

    @pytest.mark.parametrize("name", ["gone.json", "../../secret.json", "s3://bucket/a.json"])
    def test_one_that_is_nowhere_near_is_named_and_its_cost_unknown(
        self, tmp_path: Path, name: str
    ) -> None:
        folder = trial(tmp_path, with_steps(asking(trajectory_path=name)))
        write(tmp_path / "passed", {"secret.json": SUB})
        records = records_of(folder)

        assert problems_of(records, folder) == [
            f"agent/trajectory.json: the trajectory of a sub-agent is not beside it: {name}"
        ]
        assert card_of(folder)["total"]["unpriced_calls"] == 1

    def test_one_that_is_not_in_the_file_is_named(self, tmp_path: Path) -> None:
        folder = trial(tmp_path, with_steps(asking(trajectory_id="sub-9")))
        (problem,) = problems_of(records_of(folder), folder)

        assert problem.endswith("the trajectory of a sub-agent is not in the file: sub-9")

    def test_one_that_has_an_id_and_a_file_is_read_from_there(self, tmp_path: Path) -> None:
        named = asking(trajectory_id="sub-1", trajectory_path="sub.json")
        folder = trial(tmp_path, {**with_steps(named), "agent/sub.json": SUB})

        assert problems_of(records_of(folder), folder) == []
        assert card_of(folder)["total"]["llm_calls"] == 2

    def test_those_that_are_nested_without_an_end_are_read_to_some_depth(
        self, tmp_path: Path
    ) -> None:
        nested = SUB
        for _ in range(200):
            nested = {**SUB, "subagent_trajectories": [nested]}
        folder = trial(tmp_path, with_steps(*STEPS, subagent_trajectories=[nested]))
        records = records_of(folder)

        (problem,) = problems_of(records, folder)
        assert problem.endswith("sub-agents of sub-agents, 50 deep: sub-1")
        assert len(steps_of(records, "llm")) == 2 + 49

    def test_one_among_the_steps_of_its_caller_is_an_agent_of_its_own(self, tmp_path: Path) -> None:
        aside = step(3, second=45, metrics=metrics(50, 5))
        aside["extra"] = {"is_sidechain": True, "agent_id": "a1"}
        records = records_of(trial(tmp_path, with_steps(READ, aside, ANSWER)))
        sub, main = steps_of(records, "agent")

        assert sub.parent_id == main.span_id
        assert [s.parent_id for s in steps_of(records, "llm")] == [
            main.span_id,
            sub.span_id,
            main.span_id,
        ]


class TestContinued:
    def test_what_is_quoted_of_an_earlier_trajectory_does_not_count_again(
        self, tmp_path: Path
    ) -> None:
        quoted = [{**each, "is_copied_context": True} for each in STEPS]
        first = with_steps(*STEPS, continued_trajectory_ref="trajectory.cont-1.json")
        more = trajectory(*quoted, step(4, second=48, metrics=metrics(2000, 9)))
        folder = trial(tmp_path, {**first, "agent/trajectory.cont-1.json": more})

        assert problems_of(records_of(folder), folder) == []
        assert card_of(folder)["total"]["llm_calls"] == 3

    def test_one_that_continues_itself_is_named(self, tmp_path: Path) -> None:
        folder = trial(tmp_path, with_steps(*STEPS, continued_trajectory_ref="trajectory.json"))
        (problem,) = problems_of(records_of(folder), folder)

        told = "what continues it is not beside it, or was read before: trajectory.json"
        assert problem == f"agent/trajectory.json: {told}"

    @pytest.mark.parametrize("name", ["../other.json", "gone.json", "x" * 300, "a\0b"])
    def test_what_is_not_beside_it_does_not_continue_it(self, tmp_path: Path, name: str) -> None:
        folder = trial(tmp_path, with_steps(*STEPS, continued_trajectory_ref=name))
        write(folder, {"other.json": SUB})
        (problem,) = problems_of(records_of(folder), folder)

        assert problem.endswith(name)
        assert card_of(folder)["total"]["llm_calls"] == 2


class TestAlone:
    def test_a_trajectory_of_no_trial_is_a_card_without_an_outcome(self, tmp_path: Path) -> None:
        path = write(tmp_path, {"run.json": trajectory(*STEPS)}) / "run.json"

        found = recognise(path)
        card = card_of(path)

        assert found is not None
        assert found.name == "harbor"
        assert "outcome" not in card
        assert card["total"]["llm_calls"] == 2
        assert (card["started"], card["duration_s"]) == ("2026-11-22T08:07:42.000Z", 4.0)

    def test_one_that_another_names_is_a_part_of_that_one(self, tmp_path: Path) -> None:
        run = trajectory(asking(trajectory_path="a-sub.json"))
        write(tmp_path, {"run.json": run, "a-sub.json": SUB})

        assert card_of(tmp_path)["total"]["llm_calls"] == 2

    def test_two_runs_in_one_folder_are_two_cards(self, tmp_path: Path) -> None:
        other = {**trajectory(*STEPS), "session_id": "other"}
        write(tmp_path, {"a.json": trajectory(*STEPS), "b.json": other})

        assert len(cards_of(tmp_path)) == 2


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["content", "results", "extra"]), st.integers(), max_size=2),
)


def places(value: object, at: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """All places in a JSON value below its top."""
    items: list[tuple[object, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [at_ for key, item in items for at_ in ((*at, key), *places(item, (*at, key)))]


WHOLE: Json = {
    "config.json": FILES["config.json"],
    "result.json": FILES["result.json"],
    "agent/trajectory.json": trajectory(
        *STEPS, asking(trajectory_id="sub-1"), subagent_trajectories=[SUB]
    ),
    "verifier/ctrf.json": {"results": {"tests": [{"name": "a", "status": "failed"}]}},
}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(places(WHOLE)[4:]), JUNK)
def test_whatever_stands_anywhere_reading_goes_on(
    tmp_path: Path, place: tuple[Any, ...], junk: object
) -> None:
    files = copy.deepcopy(WHOLE)
    holder: Any = files
    for key in place[:-1]:
        holder = holder[key]
    if len(place) > 1:
        holder[place[-1]] = junk
    folder = trial(tmp_path, {name: json.dumps(content) for name, content in files.items()})

    records = list(IMPORTER.read([folder / "result.json", folder / "agent" / "trajectory.json"]))

    assert any(not isinstance(record, Problem) for record in records)
    cards_of(folder)
