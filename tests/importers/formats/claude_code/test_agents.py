"""Sub-agents of Claude Code, in each of the ways in which versions write them down."""

from itertools import pairwise
from pathlib import Path

from clawtrace_otel.importers.formats.claude_code.importer import IMPORTER
from tests.importers.formats.claude_code.records import (
    MODEL,
    SESSION,
    Json,
    agent_result,
    asked,
    call,
    ns,
    progress,
    result,
    said,
    text,
    usage,
)
from tests.importers.sessions import by_time, read, spans, steps, the_card, write

TASK = call("t1", "Task", prompt="look", subagent_type="Explore")
LAST = usage(fresh=1, output=30, read=900, write=50)


def main_run(*between: object, told: Json | None = None) -> list[object]:
    """A session whose first call runs a sub-agent."""
    found = agent_result("a1", LAST) if told is None else told
    return [
        asked(0),
        said(1, "m1", TASK, tokens=usage(fresh=100)),
        *between,
        result(9, "t1", "found it", told=found),
        said(10, "m2", text("done"), tokens=usage(fresh=200)),
    ]


def agent_lines(**more: object) -> list[object]:
    """What a sub-agent did: two calls and one of a tool."""
    return [
        asked(2, "look", **more),
        said(3, "s1", call("u1", "Grep", pattern="x"), tokens=usage(fresh=7), **more),
        result(4, "u1", **more),
        said(5, "s2", text("found it"), tokens=LAST, **more),
    ]


def check(card_path: list[Path]) -> None:
    """The card of ``main_run`` with the calls of ``agent_lines``."""
    card = the_card(read(IMPORTER, *card_path))
    (agent,) = steps(card, "agent")
    task = steps(card, "tool")[0]
    assert (task["tool"], agent["agent"], agent["by"]) == ("Task", "Explore", task["n"])
    assert (agent["llm_calls"], agent["tool_calls"]) == (2, 1)
    assert card["total"]["llm_calls"] == 4
    assert card["total"]["unpriced_calls"] == 0
    assert card["total"]["tokens"]["input"] == 100 + 200 + 7 + 951
    under = [step for step in card["steps"] if step.get("under") == agent["n"]]
    assert len(under) == 3


def test_side_chains_in_the_sessions_file_are_told_apart_by_their_prompt(tmp_path: Path) -> None:
    lines = agent_lines(isSidechain=True)
    for before, line in pairwise(lines):
        assert isinstance(before, dict)
        assert isinstance(line, dict)
        line["parentUuid"] = before["uuid"]
    check([write(tmp_path / f"{SESSION}.jsonl", *main_run(*lines))])


def test_an_agent_of_an_older_version_is_known_by_its_result_alone(tmp_path: Path) -> None:
    told: Json = {"totalTokens": 5, "totalDurationMs": 5, "usage": LAST}
    path = write(tmp_path / f"{SESSION}.jsonl", *main_run(told=told))
    (agent,) = steps(the_card(read(IMPORTER, path)), "agent")
    assert (agent["agent"], agent["usd"]) == ("Explore", None)


def test_side_chains_that_name_their_agent_belong_to_it(tmp_path: Path) -> None:
    lines = agent_lines(isSidechain=True, agentId="a1")
    check([write(tmp_path / f"{SESSION}.jsonl", *main_run(*lines))])


def test_an_agents_own_file_in_the_sessions_folder_is_a_part_of_the_session(tmp_path: Path) -> None:
    lines = agent_lines(isSidechain=True, agentId="a1")
    own = write(tmp_path / SESSION / "subagents" / "agent-a1.jsonl", *lines)
    check([own, write(tmp_path / f"{SESSION}.jsonl", *main_run())])


def test_an_agents_own_file_beside_the_sessions_is_a_part_of_it(tmp_path: Path) -> None:
    own = write(tmp_path / "agent-a1.jsonl", *agent_lines(isSidechain=True, agentId="a1"))
    check([own, write(tmp_path / f"{SESSION}.jsonl", *main_run())])


def test_quoted_messages_count_and_the_result_tells_of_the_last_call(tmp_path: Path) -> None:
    quoted = [progress(5, "a1", "t1", line) for line in agent_lines()[:3] if isinstance(line, dict)]
    records = read(IMPORTER, write(tmp_path / f"{SESSION}.jsonl", *main_run(*quoted)))
    check([tmp_path / f"{SESSION}.jsonl"])
    last = by_time(spans(records, "chat"))[2]
    assert last.attributes["gen_ai.response.model"] == MODEL
    assert (last.start_ns, last.end_ns) == (ns(3), ns(9))


def test_quoted_messages_of_an_agent_with_its_own_file_are_not_counted_again(
    tmp_path: Path,
) -> None:
    lines = agent_lines(isSidechain=True, agentId="a1")
    quoted = [progress(5, "a1", "t1", line) for line in agent_lines()[:3] if isinstance(line, dict)]
    own = write(tmp_path / SESSION / "subagents" / "agent-a1.jsonl", *lines)
    check([own, write(tmp_path / f"{SESSION}.jsonl", *main_run(*quoted))])


def test_an_agent_without_any_record_has_an_unknown_cost_and_no_tokens(tmp_path: Path) -> None:
    card = the_card(read(IMPORTER, write(tmp_path / f"{SESSION}.jsonl", *main_run())))
    (agent,) = steps(card, "agent")
    assert (agent["usd"], agent["unpriced"], agent["llm_calls"]) == (None, "no_usage", 0)
    assert not [step for step in card["steps"] if step.get("under") == agent["n"]]
    assert (card["total"]["llm_calls"], card["total"]["unpriced_calls"]) == (2, 1)
    assert card["total"]["tokens"]["input"] == 300


def test_an_agent_that_was_sent_off_has_not_ended_when_its_launch_was_told(tmp_path: Path) -> None:
    told: Json = {"isAsync": True, "status": "async_launched", "agentId": "a1"}
    records = read(IMPORTER, write(tmp_path / f"{SESSION}.jsonl", *main_run(told=told)))
    (agent,) = [span for span in spans(records, "invoke_agent") if span.parent_id]
    assert agent.end_ns == 0
    assert the_card(records)["total"]["unpriced_calls"] == 1


def test_agents_side_by_side_keep_their_calls_apart(tmp_path: Path) -> None:
    both = [
        asked(0),
        said(1, "m1", TASK, call("t2", "Task", prompt="read", subagent_type="Plan")),
        progress(2, "a1", "t1", said(2, "s1", tokens=usage(fresh=1))),
        progress(3, "a2", "t2", said(3, "s2", tokens=usage(fresh=2))),
        progress(4, "a1", "t1", said(4, "s1", tokens=usage(fresh=10))),
        progress(5, "a2", "t2", said(5, "s3", tokens=usage(fresh=20))),
    ]
    card = the_card(read(IMPORTER, write(tmp_path / f"{SESSION}.jsonl", *both)))
    calls = {agent["agent"]: agent["llm_calls"] for agent in steps(card, "agent")}
    assert calls == {"Explore": 1, "Plan": 2}
    assert card["total"]["tokens"]["input"] == 10 + 10 + 2 + 20


def test_agents_that_claude_code_runs_for_itself_are_named_by_their_purpose(tmp_path: Path) -> None:
    lines = agent_lines(isSidechain=True, agentId="acompact-0f1e2d")
    own = write(tmp_path / SESSION / "subagents" / "agent-acompact-0f1e2d.jsonl", *lines)
    path = write(tmp_path / f"{SESSION}.jsonl", asked(0), said(1, "m1"))
    (agent,) = steps(the_card(read(IMPORTER, own, path)), "agent")
    assert agent["agent"] == "compact"
    assert "by" not in agent
