"""The recorded sessions of coding agents come to what their recorders wrote down."""

import json
from pathlib import Path

import pytest

from clawtrace_otel.importers.formats.claude_code import importer as claude_code
from clawtrace_otel.importers.formats.openclaw import importer as openclaw
from clawtrace_otel.importers.formats.openclaw_telemetry import importer as openclaw_telemetry
from clawtrace_otel.importers.registry import recognise
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Usage
from clawtrace_otel.span import Span
from tests.corpora.folder import CORPORA, reads_corpora
from tests.importers.sessions import cards, problems, read, spans, steps, the_card

pytestmark = reads_corpora

CLAUDE_CODE = sorted((CORPORA / "claude-code-sessions").glob("*.jsonl"))
WITH_TOTALS = ("10a740e118e0", "48b429896bcb", "dc49cb8a2a42")
"""The sessions whose recorder wrote totals down."""

QUOTED_SUB_AGENT = "10a740e118e0"


def _main_run(found: list[Span]) -> list[Usage]:
    """The usages of the main agent's calls: the recorder left sub-agents out."""
    (root,) = [span for span in found if not span.parent_id]
    calls = (normalize(span) for span in found if span.parent_id == root.span_id)
    return [step.usage for step in calls if step.kind == "llm" and step.usage is not None]


def totals_of(found: list[Span]) -> dict[str, int]:
    """The sums over the main agent's calls, as the recorder names them."""
    usages = _main_run(found)
    return {
        "input_tokens": sum(usage.fresh for usage in usages),
        "cache_creation_tokens": sum(usage.cache_write for usage in usages),
        "cache_read_tokens": sum(usage.cache_read for usage in usages),
        "output_tokens": sum(usage.output for usage in usages),
        "api_call_count": len(usages),
    }


def recorded_totals(session: Path) -> dict[str, int] | None:
    told = json.loads(session.with_suffix(".metadata.json").read_text())
    totals: dict[str, int] | None = told.get("token_usage")
    return totals


def _distinct_messages(session: Path) -> int:
    """Counted in another way: by the ids of messages, whatever stands around them."""
    text = session.read_text()
    lines = [json.JSONDecoder().raw_decode(line)[0] for line in text.splitlines() if line.strip()]
    return len({line["message"]["id"] for line in lines if line["type"] == "assistant"})


@pytest.mark.parametrize("session", CLAUDE_CODE, ids=lambda path: path.stem)
def test_tokens_of_claude_codes_sessions_are_those_of_their_recorder(session: Path) -> None:
    records = read(claude_code.IMPORTER, session)
    usages = _main_run(spans(records))
    assert problems(records) == []
    assert len(usages) == _distinct_messages(session)
    recorded = recorded_totals(session)
    assert (recorded is not None) is (session.stem in WITH_TOTALS)
    if recorded is not None:
        assert recorded == totals_of(spans(records))


def test_every_session_of_claude_code_is_one_card() -> None:
    found = cards(read(claude_code.IMPORTER, *CLAUDE_CODE))
    assert len(found) == len(CLAUDE_CODE) == 8
    assert all(card["total"]["cost_usd"] for card in found)


def test_sub_agents_without_a_record_are_unpriced_and_those_quoted_are_not() -> None:
    for session in CLAUDE_CODE:
        card = the_card(read(claude_code.IMPORTER, session))
        agents = steps(card, "agent")
        costs = [agent["usd"] for agent in agents]
        if session.stem == QUOTED_SUB_AGENT:
            assert [agent["llm_calls"] for agent in agents] == [11]
            assert card["total"]["unpriced_calls"] == 0
        else:
            assert costs == [None] * len(agents)
            assert not any(agent["llm_calls"] for agent in agents)
            assert card["total"]["unpriced_calls"] == len(agents)
        assert all("by" in agent for agent in agents)


def test_the_pi_session_comes_to_its_recorded_cost_and_tokens() -> None:
    (path,) = (CORPORA / "openclaw-pi-sessions").glob("*.jsonl")
    records = read(openclaw.IMPORTER, path)
    total = the_card(records)["total"]
    assert (total["llm_calls"], total["tool_calls"]) == (484, 454)
    assert total["cost_usd"] == 42.5959075
    assert total["unpriced_calls"] == 0
    assert total["tokens"]["input"] == 3_689 + 54_693_675 + 1_685_320
    assert total["tokens"]["cache_read"] == 54_693_675
    assert total["tokens"]["cache_write"] == 1_685_320
    assert total["tokens"]["output"] == 187_895
    marked = [s for s in spans(records) if "gen_ai.conversation.compacted" in s.attributes]
    assert len(marked) == 2
    assert problems(records) == []


def test_openclaws_sub_agents_are_under_the_orchestrators_calls_that_ran_them() -> None:
    (path,) = (CORPORA / "openclaw-telemetry").glob("*.jsonl")
    records = read(openclaw_telemetry.IMPORTER, path)
    card = the_card(records)
    agents = steps(card, "agent")
    assert {agent["agent"] for agent in agents} == {
        "weather-west",
        "weather-central",
        "weather-east",
    }
    tools = {step["n"]: step for step in steps(card, "tool")}
    assert {tools[agent["by"]]["tool"] for agent in agents} == {"sessions_spawn"}
    assert sorted(agent["tool_calls"] for agent in agents) == [1, 1, 3]
    assert card["total"]["tool_calls"] == 14
    calls = steps(card, "llm")
    assert len(calls) == card["total"]["llm_calls"] == 6
    assert sum(step["out"] for step in calls) == card["total"]["tokens"]["output"] == 1257
    assert {agent["unpriced"] for agent in agents} == {"no_usage"}
    assert card["total"]["unpriced_calls"] == 4  # those of the orchestrator's last run, besides
    assert problems(records) == []


def test_calls_whose_arguments_were_left_out_are_no_repeats() -> None:
    (path,) = (CORPORA / "openclaw-uniclawbench").glob("*.json")
    card = the_card(read(openclaw.IMPORTER, path))
    assert (card["total"]["llm_calls"], card["total"]["tool_calls"]) == (61, 59)
    assert "redundant" not in card
    assert not [step for step in card["steps"] if "repeat" in step or "retry_of" in step]
    assert card["outcome"]["passed"] is True
    assert card["outcome"]["score"] == 0.94
    assert card["total"]["cost_usd"] is None


def test_each_session_is_recognised_among_all_formats() -> None:
    formats = {
        "claude-code-sessions": "claude-code",
        "openclaw-pi-sessions": "openclaw",
        "openclaw-telemetry": "openclaw-telemetry",
        "openclaw-uniclawbench": "openclaw",
    }
    for folder, name in formats.items():
        for path in (CORPORA / folder).iterdir():
            if path.name.endswith(".metadata.json"):
                continue
            found = recognise(path)
            assert found is not None
            assert found.name == name
