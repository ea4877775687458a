"""tau2-bench: files written by the test. ``tests/corpora`` has the real ones."""

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.importers.formats.tau import tau2
from clawtrace_otel.importers.importer import Problem, Record, Told, TraceEnd
from clawtrace_otel.importers.registry import recognise
from clawtrace_otel.money import PER_USD
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Evaluation, Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from tests.importers.compile_files import cards_of

USAGE = {"prompt_tokens": 1000, "completion_tokens": 50}
CALL = {"id": "call_1", "name": "get_user", "arguments": {"id": "u1"}, "requestor": "assistant"}


def message(role: str, at: int, **fields: object) -> dict[str, object]:
    return {"role": role, "timestamp": f"2025-08-01T15:00:{at:02d}.000500", **fields}


SIMULATION: dict[str, Any] = {
    "id": "sim-1",
    "task_id": "7",
    "trial": 2,
    "start_time": "2025-08-01T15:00:00.000000",
    "end_time": "2025-08-01T15:00:30.000000",
    "termination_reason": "user_stop",
    "reward_info": {"reward": 1.0, "reward_breakdown": {"DB": 1.0}},
    "messages": [
        message("assistant", 1, content="Hi! How can I help you?", cost=0.0, usage=None),
        message("user", 2, content="Who am I?", cost=0.5, usage=USAGE),
        message("assistant", 4, content=None, tool_calls=[CALL], cost=0.002, usage=USAGE),
        message("tool", 5, id="call_1", content="Ann", requestor="assistant", error=False),
        message("assistant", 8, content="You are Ann.", cost=0.003, usage=USAGE),
    ],
}
INFO = {
    "user_info": {"llm": "gpt-4.1"},
    "agent_info": {"implementation": "llm_agent", "llm": "gpt-4.1"},
    "environment_info": {"domain_name": "retail"},
}


def changed(**fields: object) -> dict[str, Any]:
    return {**copy.deepcopy(SIMULATION), **fields}


def records_of(tmp_path: Path, *simulations: object, info: object = INFO) -> list[Record]:
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"info": info, "tasks": [], "simulations": simulations}))
    return list(tau2.read([path]))


def steps_of(records: Sequence[Record], kind: str) -> list[Step]:
    steps = [normalize(record) for record in records if isinstance(record, Span)]
    return [step for step in steps if step.kind == kind]


def told_by(records: Sequence[Record]) -> list[Evaluation]:
    return [record.evaluation for record in records if isinstance(record, Told)]


def problems_of(records: Sequence[Record], tmp_path: Path) -> list[str]:
    prefix = f"{tmp_path / 'results.json'}: "
    return [str(r).removeprefix(prefix) for r in records if isinstance(r, Problem)]


def test_a_simulation_becomes_a_trace_with_its_outcome(tmp_path: Path) -> None:
    records = records_of(tmp_path, SIMULATION)
    (card,) = cards_of(records, Compiler())
    assert card["root"]["name"] == "retail task 7 trial 2"
    assert card["root"]["agent"] == "llm_agent"
    assert card["session"] == "sim-1"
    assert (card["started"], card["duration_s"]) == ("2025-08-01T15:00:00.000Z", 30.0)
    assert (card["status"], card["models"]) == ("complete", ["gpt-4.1"])
    assert card["outcome"] == {"passed": True, "by": "tau2", "evidence": ["DB 1"], "score": 1.0}
    total = card["total"]
    assert (total["llm_calls"], total["tool_calls"], total["cost_usd"]) == (2, 1, 0.005)
    assert isinstance(records[-1], TraceEnd)


def test_the_greeting_is_no_call_and_the_user_is_not_the_agent(tmp_path: Path) -> None:
    calls = steps_of(records_of(tmp_path, SIMULATION), "llm")
    assert [call.supplied for call in calls] == [2 * PER_USD // 1000, 3 * PER_USD // 1000]


def test_a_first_message_that_a_model_wrote_is_a_call(tmp_path: Path) -> None:
    first = message("assistant", 1, tool_calls=[CALL], cost=0.001, usage=USAGE)
    records = records_of(tmp_path, changed(messages=[first]))
    assert len(steps_of(records, "llm")) == 1


def test_a_call_lasts_from_the_message_before_it(tmp_path: Path) -> None:
    records = records_of(tmp_path, SIMULATION)
    (first, second), (tool,) = steps_of(records, "llm"), steps_of(records, "tool")
    assert [(s.end_ns - s.start_ns) / 1e9 for s in (first, tool, second)] == [2, 1, 3]
    assert first.end_ns == tool.start_ns


def test_a_tool_call_has_its_arguments_result_and_issuer(tmp_path: Path) -> None:
    records = records_of(tmp_path, SIMULATION)
    (tool,) = steps_of(records, "tool")
    assert (tool.tool, tool.args, tool.call_id) == ("get_user", '{"id":"u1"}', "call_1")
    assert tool.result_size == len("Ann")
    (card,) = cards_of(records, Compiler())
    assert card["steps"][1]["by"] == card["steps"][0]["n"]


def test_a_failed_tool_call_has_its_error(tmp_path: Path) -> None:
    simulation = changed()
    simulation["messages"][3].update(content="Error: no such user", error=True)
    (tool,) = steps_of(records_of(tmp_path, simulation), "tool")
    assert tool.error == "Error: no such user"


def test_grouped_results_belong_to_their_own_calls(tmp_path: Path) -> None:
    other = {**CALL, "id": "call_2", "arguments": {"id": "u2"}}
    simulation = changed()
    simulation["messages"][2]["tool_calls"] = [CALL, other]
    results = [
        {"role": "tool", "id": "call_2", "content": "Bob", "requestor": "assistant"},
        {"role": "tool", "id": "call_1", "content": "Anna", "requestor": "assistant"},
    ]
    simulation["messages"][3] = {"role": "tool", "tool_messages": results}
    tools = steps_of(records_of(tmp_path, simulation), "tool")
    assert {(tool.call_id, tool.result_size) for tool in tools} == {("call_1", 4), ("call_2", 3)}


def test_tools_of_the_user_are_left_out(tmp_path: Path) -> None:
    simulation = changed()
    mine = {"id": "call_9", "name": "toggle", "arguments": {}, "requestor": "user"}
    simulation["messages"][1]["tool_calls"] = [mine]
    simulation["messages"].insert(
        2, message("tool", 3, id="call_9", content="on", requestor="user")
    )
    records = records_of(tmp_path, simulation)
    assert [tool.tool for tool in steps_of(records, "tool")] == ["get_user"]
    assert problems_of(records, tmp_path) == []


def test_a_call_without_a_result_is_kept(tmp_path: Path) -> None:
    records = records_of(tmp_path, changed(messages=SIMULATION["messages"][:3]))
    (tool,) = steps_of(records, "tool")
    assert (tool.tool, tool.result_hash) == ("get_user", "")


RAW_USAGES = [
    # LiteLLM's: cached tokens are a part of the prompt.
    (
        {"prompt_tokens": 1000, "prompt_tokens_details": {"cached_tokens": 600}},
        (400, 600, 0, 0),
    ),
    (
        {
            "prompt_tokens": 1000,
            "cache_read_input_tokens": 600,
            "cache_creation_input_tokens": 300,
            "prompt_tokens_details": {
                "cached_tokens": 600,
                "cache_creation_token_details": {"ephemeral_1h_input_tokens": 100},
            },
        },
        (100, 600, 200, 100),
    ),
    # Anthropic's own: they are beside it.
    (
        {
            "input_tokens": 1000,
            "cache_read_input_tokens": 600,
            "cache_creation_input_tokens": 300,
            "cache_creation": {"ephemeral_1h_input_tokens": 300},
        },
        (1000, 600, 0, 300),
    ),
    ({"prompt_tokens": 10, "prompt_tokens_details": None}, (1000, 0, 0, 0)),
    (None, (1000, 0, 0, 0)),
]


@pytest.mark.parametrize(("raw", "expected"), RAW_USAGES)
def test_cached_tokens_are_found_in_the_raw_answer(
    tmp_path: Path, raw: object, expected: tuple[int, ...]
) -> None:
    simulation = changed()
    simulation["messages"][4]["raw_data"] = {"id": "resp_1", "model": "m", "usage": raw}
    call = steps_of(records_of(tmp_path, simulation), "llm")[-1]
    usage = call.usage
    assert usage is not None
    assert (call.model, call.request_model, call.response_id) == ("m", "gpt-4.1", "resp_1")
    found = (usage.fresh, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
    assert found == expected


def test_a_cost_of_zero_is_unknown(tmp_path: Path) -> None:
    simulation = changed()
    simulation["messages"][4]["cost"] = 0.0
    assert [c.supplied for c in steps_of(records_of(tmp_path, simulation), "llm")][-1] is None


def test_without_times_a_message_takes_a_millisecond(tmp_path: Path) -> None:
    simulation = changed(start_time=None, end_time=None)
    for said in simulation["messages"]:
        del said["timestamp"]
    records = records_of(tmp_path, simulation)
    spans = [(r.start_ns, r.end_ns) for r in records if isinstance(r, Span)]
    assert [(start // 10**6, end // 10**6) for start, end in spans] == [
        (2, 3),
        (3, 4),
        (4, 5),
        (0, 5),
    ]


def test_ids_depend_on_the_simulation_and_not_on_its_file(tmp_path: Path) -> None:
    other = changed(id="sim-2")
    first, second = records_of(tmp_path, SIMULATION, other), records_of(tmp_path, other)
    assert first[len(first) // 2 :] == second
    assert len({r.trace_id for r in first if isinstance(r, TraceEnd)}) == 2
    spans = [(r.trace_id, r.span_id) for r in first if isinstance(r, Span)]
    assert len(set(spans)) == len(spans)


def test_simulations_without_an_id_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    other = changed(id=None, messages=SIMULATION["messages"][:4])
    records = records_of(tmp_path, changed(id=None), other, changed(id=None))
    ends = [r.trace_id for r in records if isinstance(r, TraceEnd)]
    assert (len(ends), len(set(ends))) == (3, 2)


def test_a_run_that_broke_down_failed_and_has_no_outcome(tmp_path: Path) -> None:
    broken = changed(termination_reason="too_many_errors", reward_info=None)
    (card,) = cards_of(records_of(tmp_path, broken), Compiler())
    assert card["status"] == "error"
    assert "outcome" not in card


FAILED_INFO = {
    "reward": 0.0,
    "reward_basis": ["DB", "COMMUNICATE"],
    "db_check": {"db_match": False},
    "action_checks": [
        {"action": {"name": "cancel", "arguments": {"id": "X"}}, "action_match": False},
        {"action": {"name": "look", "arguments": {}}, "action_match": True},
    ],
    "communicate_checks": [{"info": "44", "met": False}],
    "nl_assertions": [{"nl_assertion": "Agent is kind.", "met": False}],
    "env_assertions": [
        {"env_assertion": {"func_name": "is_on", "arguments": {"x": True}}, "met": False}
    ],
}


def test_a_failed_run_says_which_checks_failed_those_of_the_reward_first(tmp_path: Path) -> None:
    records = records_of(tmp_path, changed(reward_info=FAILED_INFO))
    assert [(e.name, e.label, e.explanation) for e in told_by(records)] == [
        ("tau2", "fail", ""),
        ("tau2 communicate_checks", "", "not told to the user: 44"),
        ("tau2 db_check", "", "the final database is not the expected one"),
        ("tau2 action_checks", "", 'expected, not done: cancel{"id":"X"}'),
        ("tau2 env_assertions", "", 'not true at the end: is_on{"x":true}'),
        ("tau2 nl_assertions", "", "not met: Agent is kind."),
    ]
    (card,) = cards_of(records, Compiler())
    outcome = card["outcome"]
    assert (outcome["passed"], outcome["score"]) == (False, 0.0)
    assert outcome["evidence"][:2] == [
        "not told to the user: 44",
        "the final database is not the expected one",
    ]


def test_a_part_of_the_reward_is_no_pass(tmp_path: Path) -> None:
    (told,) = told_by(records_of(tmp_path, changed(reward_info={"reward": 0.5})))
    assert (told.score, told.label) == (0.5, "fail")


BAD = [
    (3, "$.simulations[0] is a number, not an object"),
    (changed(messages=None), None),
    (changed(messages={}), "$.simulations[0].messages is an object, not a list"),
    (changed(messages=["x"]), "$.simulations[0].messages[0] is text, not an object"),
    (
        changed(messages=[message("tool", 1, id="none", content="x")]),
        "$.simulations[0].messages[0]: a result of a call that nobody made",
    ),
    (
        changed(messages=[message("assistant", 1, usage=[1])]),
        "$.simulations[0].messages[0].usage is a list, not an object",
    ),
    (
        changed(messages=[message("assistant", 1, usage={"prompt_tokens": "many"})]),
        "$.simulations[0].messages[0].usage.prompt_tokens is text, not a number",
    ),
    (
        changed(messages=[message("assistant", 1, usage=USAGE, cost="free")]),
        "$.simulations[0].messages[0].cost is text, not a number",
    ),
    (changed(reward_info=[]), "$.simulations[0].reward_info is a list, not an object"),
    (
        changed(reward_info={"reward": "good"}),
        "$.simulations[0].reward_info.reward is text, not a number",
    ),
    (
        changed(reward_info={"reward": 0, "action_checks": [7]}),
        "$.simulations[0].reward_info.action_checks[0] is a number, not an object",
    ),
]


@pytest.mark.parametrize(("simulation", "problem"), BAD)
def test_bad_input_is_named_and_loses_nothing_else(
    tmp_path: Path, simulation: object, problem: str | None
) -> None:
    records = records_of(tmp_path, simulation, changed(id="good"))
    assert problems_of(records, tmp_path) == ([problem] if problem else [])
    good = records_of(tmp_path, changed(id="good"))
    assert records[-len(good) :] == good


def test_a_file_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    whole = json.dumps({"info": INFO, "simulations": [SIMULATION, changed(id="sim-2")]})
    path.write_text(whole[: whole.index("sim-2")])
    records = list(tau2.read([path]))
    assert len([r for r in records if isinstance(r, TraceEnd)]) == 1
    (problem,) = [r for r in records if isinstance(r, Problem)]
    assert str(problem).startswith(f"{path}: damaged JSON after 1 items: ")


def test_an_excerpt_without_a_head_names_its_model_only_where_no_message_does(
    tmp_path: Path,
) -> None:
    path = tmp_path / "excerpt.json"
    simulation = changed()
    simulation["messages"][4]["raw_data"] = {"model": "deepseek-chat"}
    head = {"domain": "airline", "agent": "adaptive", "model": "claude-opus-4-6"}
    path.write_text(json.dumps({**head, "simulations": [simulation]}))
    calls = steps_of(list(tau2.read([path])), "llm")
    names = [(call.agent, call.request_model, call.model) for call in calls]
    assert names == [("adaptive", "claude-opus-4-6", ""), ("adaptive", "", "deepseek-chat")]


def test_unknown_fields_change_nothing(tmp_path: Path) -> None:
    more = changed(new_field={"a": 1})
    more["messages"] = [{**said, "chunk_id": 3} for said in more["messages"]]
    assert records_of(tmp_path, more) == records_of(tmp_path, SIMULATION)


def test_files_are_recognised(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    turns = [{**said, "turn_idx": n} for n, said in enumerate(SIMULATION["messages"])]
    for content in ({"info": INFO, "simulations": []}, {"simulations": [{"messages": turns}]}):
        path.write_text(json.dumps(content, indent=2))
        found = recognise(path)
        assert found is not None
        assert found.name == "tau2"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_stands_in_a_field_nothing_is_raised(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    simulation = changed(reward_info=copy.deepcopy(FAILED_INFO))
    target: Any = simulation
    while isinstance(target, dict | list) and target:
        keys = list(target) if isinstance(target, dict) else list(range(len(target)))
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()) or not isinstance(target[key], dict | list):
            target[key] = data.draw(JSON)
            break
        target = target[key]
    records = records_of(tmp_path_factory.mktemp("any"), simulation)
    assert isinstance([r for r in records if not isinstance(r, Problem)][-1], TraceEnd)
    cards_of(records, Compiler())
