"""Logs of OpenClaw's telemetry plugin, from files that the tests write."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.importers.formats.openclaw_telemetry.importer import IMPORTER
from clawtrace_otel.importers.registry import read_head
from clawtrace_otel.semconv.normalize import normalize
from tests.importers.sessions import (
    JSON,
    by_time,
    cards,
    problems,
    read,
    spans,
    steps,
    the_card,
    write,
)

Json = dict[str, object]
START_MS = 1_782_238_951_000
MAIN = "agent:main:main"
DIRECT = "agent:main:telegram:default:direct:42"
SUB = "agent:main:subagent:ee85499e"
MODEL = "claude-opus-4-8"


def ns(second: float) -> int:
    return (START_MS + round(second * 1000)) * 1_000_000


def message_in(second: float) -> Json:
    at = START_MS + round(second * 1000)
    return {"type": "message.in", "channel": "telegram", "content": "go", "timestamp": at}


def start(key: str, *messages: Json, prompt: str = "go", **more: object) -> Json:
    same = {"type": "agent.start", "sessionKey": key, "agentId": "main", "prompt": prompt}
    return {**same, "messages": list(messages), **more}


def tool(key: str, name: str, **params: object) -> Json:
    return {"type": "tool.start", "toolName": name, "params": params, "sessionKey": key}


def done(key: str, name: str, ms: int, **more: object) -> Json:
    same = {"type": "tool.end", "toolName": name, "durationMs": ms, "sessionKey": key}
    return {"success": True, **same, **more}


def said(second: float, response_id: str, *calls: Json, **more: object) -> Json:
    usage = {"input": 2, "output": 50, "cacheRead": 100, "cacheWrite": 8, "cost": {"total": 0}}
    same = {"role": "assistant", "provider": "anthropic", "model": MODEL, "stopReason": "stop"}
    content = list(calls) or [{"type": "text", "text": response_id}]
    at = START_MS + round(second * 1000)
    return {
        **same,
        "responseId": response_id,
        "content": content,
        "usage": usage,
        "timestamp": at,
    } | more


def call(call_id: str, name: str, **arguments: object) -> Json:
    return {"type": "toolCall", "id": call_id, "name": name, "arguments": arguments}


def result(second: float, call_id: str, text: str) -> Json:
    same = {"role": "toolResult", "toolCallId": call_id, "isError": False}
    at = START_MS + round(second * 1000)
    return {**same, "content": [{"type": "text", "text": text}], "timestamp": at}


def log(tmp_path: Path, *events: object) -> Path:
    return write(tmp_path / "telemetry.jsonl", *events)


CONVERSATION = (
    said(2, "r1", call("t1", "exec", command="ls")),
    result(5, "t1", "a b"),
    said(6, "r2"),
)


def test_calls_come_from_the_conversation_that_the_next_run_is_given(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        message_in(0),
        start(MAIN),
        tool(DIRECT, "exec", command="ls"),
        done(DIRECT, "exec", 500),
        start(MAIN, *CONVERSATION),
        start(MAIN, *CONVERSATION, said(9, "r3")),
    )
    records = read(IMPORTER, path)
    card = the_card(records)
    assert (card["total"]["llm_calls"], card["total"]["tool_calls"]) == (3, 1)
    assert card["total"]["tokens"]["input"] == 3 * 110
    assert card["session"] == MAIN
    assert card["root"]["agent"] == "main"
    (ran,) = spans(records, "execute_tool")
    assert (ran.start_ns, ran.end_ns) == (ns(4.5), ns(5))
    step = normalize(ran)
    assert (step.call_id, step.args, step.result_size) == ("t1", '{"command":"ls"}', 3)
    first = by_time(spans(records, "chat"))[0]
    assert (first.start_ns, first.end_ns) == (ns(2), ns(4.5))


def test_an_agent_with_a_tool_call_that_no_conversation_asked_for_is_unpriced(
    tmp_path: Path,
) -> None:
    path = log(
        tmp_path,
        message_in(0),
        start(MAIN, said(-5, "r0")),
        tool(MAIN, "exec", command="ls"),
        done(MAIN, "exec", 500, success=False, error="not found"),
    )
    card = the_card(read(IMPORTER, path))
    (ran,) = steps(card, "tool")
    assert ran["error"] == "not found"
    assert ran["ms"] == 500
    assert "by" not in ran
    assert (card["total"]["llm_calls"], card["total"]["unpriced_calls"]) == (1, 1)
    assert card["unpriced"] == [{"model": "unknown", "reason": "no_usage", "calls": 1}]


def test_a_sub_agent_is_under_the_call_that_gave_it_its_task(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        message_in(0),
        start(MAIN),
        tool(MAIN, "sessions_spawn", task="check the west", label="west"),
        tool(MAIN, "sessions_spawn", task="check the east", label="east"),
        done(MAIN, "sessions_spawn", 100),
        start(SUB, prompt="[Subagent Task]\n\ncheck the east\n\nBegin."),
        tool(SUB, "exec", command="curl east"),
        done(SUB, "exec", 900),
    )
    card = the_card(read(IMPORTER, path))
    (agent,) = steps(card, "agent")
    assert agent["agent"] == "east"
    spawned = next(step for step in card["steps"] if step["n"] == agent["by"])
    assert "check the east" in spawned["args"]
    (own,) = [s for s in steps(card, "tool") if s.get("under") == agent["n"]]
    assert own["args"] == '{"command":"curl east"}'
    assert (agent["usd"], agent["unpriced"], agent["llm_calls"]) == (None, "no_usage", 0)
    assert (card["total"]["llm_calls"], card["total"]["unpriced_calls"]) == (0, 2)


def test_a_sub_agent_whose_conversation_is_told_has_its_own_calls(tmp_path: Path) -> None:
    path = log(tmp_path, message_in(0), start(MAIN), start(SUB), start(SUB, said(3, "s1")))
    card = the_card(read(IMPORTER, path))
    (agent,) = steps(card, "agent")
    assert agent["llm_calls"] == 1
    assert agent["usd"]
    assert agent["agent"] == "subagent"


def test_sub_agents_do_not_begin_before_the_call_that_ran_them(tmp_path: Path) -> None:
    spawn = call("t1", "sessions_spawn", task="check")
    path = log(
        tmp_path,
        message_in(0),
        start(MAIN),
        tool(MAIN, "sessions_spawn", task="check"),
        done(MAIN, "sessions_spawn", 100),
        start(SUB, prompt="check"),
        tool(SUB, "exec", command="ls"),
        start(MAIN, said(2, "r1", spawn), result(9, "t1", "accepted")),
    )
    card = the_card(read(IMPORTER, path))
    (agent,) = steps(card, "agent")
    assert agent["n"] > agent["by"]


def test_sessions_of_other_channels_and_agents_are_traces_of_their_own(tmp_path: Path) -> None:
    group, other = "agent:main:discord:channel:7", "agent:ops:main"
    path = log(
        tmp_path,
        message_in(0),
        start(MAIN, said(1, "r1")),
        start(group, said(2, "r2")),
        start(other, said(3, "r3")),
    )
    assert {card["session"] for card in cards(read(IMPORTER, path))} == {MAIN, group, other}


def test_usage_events_count_where_no_conversation_tells_the_calls(tmp_path: Path) -> None:
    used = {
        "type": "llm.usage",
        "sessionKey": MAIN,
        "provider": "anthropic",
        "model": MODEL,
        "inputTokens": 5,
        "outputTokens": 7,
        "cacheTokens": 100,
        "durationMs": 2000,
        "costUsd": 0.5,
    }
    path = log(
        tmp_path,
        start(MAIN, ts=START_MS),
        {**used, "ts": START_MS + 3000},
        start(MAIN, said(1, "r1"), ts=START_MS + 4000),
        {**used, "ts": START_MS + 9000, "seq": 4},
    )
    records = read(IMPORTER, path)
    told, event = by_time(spans(records, "chat"))
    assert told.attributes["gen_ai.response.id"] == "r1"
    assert (event.start_ns, event.end_ns) == (ns(7), ns(9))
    step = normalize(event)
    assert step.usage is not None
    assert (step.usage.input, step.usage.cache_read, step.usage.output) == (105, 100, 7)
    assert steps(the_card(records), "llm")[1]["usd"] == 0.5


@pytest.mark.parametrize("success", [True, False])
def test_a_run_that_failed_makes_the_trace_fail(tmp_path: Path, success: bool) -> None:
    end = {"type": "agent.end", "sessionKey": MAIN, "success": success}
    if not success:
        end["error"] = "model overloaded"
    card = the_card(read(IMPORTER, log(tmp_path, start(MAIN, said(1, "r1")), end)))
    assert card["status"] == ("complete" if success else "error")


def test_what_cannot_be_read_is_told_with_its_line_and_loses_nothing_else(tmp_path: Path) -> None:
    odd: Json = {"type": "hologram", "sessionKey": MAIN}
    path = log(tmp_path, message_in(0), odd, odd, start(MAIN, said(1, "r1")), '{"type": "age')
    records = read(IMPORTER, path)
    found = problems(records)
    assert found[0] == "2: events of unknown type 'hologram' are ignored"
    assert [text.split(":")[0] for text in found] == ["2", "5"]
    assert len(spans(records, "chat")) == 1


def test_reading_again_gives_the_same_spans(tmp_path: Path) -> None:
    path = log(tmp_path, start(MAIN, *CONVERSATION), tool(SUB, "exec", command="x"))
    assert read(IMPORTER, path) == read(IMPORTER, path)


def test_other_files_are_not_taken_for_logs(tmp_path: Path) -> None:
    others: list[object] = [
        {"type": "session", "id": "s", "timestamp": "t"},
        {"type": "agent.start"},
        {"resourceSpans": []},
    ]
    for number, other in enumerate(others):
        path = write(tmp_path / f"{number}.jsonl", other)
        assert not IMPORTER.recognises(read_head(path))


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 8), min_size=1, max_size=6),
    tools=st.lists(st.sampled_from(["ls", "pwd", "id"]), max_size=6),
)
def test_each_call_counts_once_however_often_the_conversation_is_repeated(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], tools: list[str]
) -> None:
    asked = [call(f"t{n}", "exec", command=command) for n, command in enumerate(tools)]
    conversation = [said(1, "r0", *asked)]
    conversation += [result(2 + n, f"t{n}", "ok") for n in range(len(tools))]
    conversation += [said(20 + n, f"r{n}") for n in range(1, 9)]
    events = [tool(MAIN, "exec", command=command) for command in tools]
    events += [done(MAIN, "exec", 10) for _ in tools]
    runs = [start(MAIN, *conversation[:length]) for length in [*lengths, len(conversation)]]
    path = log(tmp_path_factory.mktemp("log"), message_in(0), start(MAIN), *events, *runs)
    total = the_card(read(IMPORTER, path))["total"]
    assert total["llm_calls"] == 9
    assert total["tool_calls"] == len(tools)
    assert total["unpriced_calls"] == 0


_KEYS = ("sessionKey", "toolName", "params", "durationMs", "messages", "prompt", "ts", "error")


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(["agent.start", "agent.end", "tool.start", "tool.end", "llm.usage"]),
    odd=st.dictionaries(st.sampled_from(_KEYS), JSON),
    key=st.sampled_from(["", "a", "agent:", "agent:x", "agent:x:subagent", "subagent:1", MAIN]),
)
def test_no_event_however_odd_keeps_the_others_from_being_read(
    tmp_path_factory: pytest.TempPathFactory, kind: str, odd: Json, key: str
) -> None:
    odds = [{"type": kind, "sessionKey": key, **odd}, {"type": kind, "sessionKey": key, "ts": 1}]
    odds.append(start(key, {"role": "assistant", **odd}))
    path = log(tmp_path_factory.mktemp("odd"), message_in(0), *odds, start(MAIN, said(2, "r9")))
    ids = [normalize(span).response_id for span in spans(read(IMPORTER, path))]
    assert "r9" in ids
