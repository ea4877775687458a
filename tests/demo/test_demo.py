"""`clawtrace demo` from end to end: collector, agent and card are all real."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from genai_prices import Usage, calc_price

from clawtrace_otel.demo import scenario
from clawtrace_otel.demo.model_server import Reply
from clawtrace_otel.demo.run import run

MODELS = {"planner": "gpt-5.4", "researcher": "gpt-5.4-mini"}


def price(model: str, reply: Reply) -> Decimal:
    usage = Usage(
        input_tokens=reply.input_tokens,
        cache_read_tokens=reply.cache_read_tokens,
        output_tokens=reply.output_tokens,
    )
    return calc_price(usage, model, provider_id="openai").total_price


def expected_usd() -> float:
    prices = (
        price(MODELS[a], reply) for a, replies in scenario.REPLIES.items() for reply in replies
    )
    return float(sum(prices, Decimal(0)))


def expected_tokens() -> dict[str, int]:
    replies = [reply for replies in scenario.REPLIES.values() for reply in replies]
    return {
        "input": sum(reply.input_tokens for reply in replies),
        "cache_read": sum(reply.cache_read_tokens for reply in replies),
        "cache_write": 0,
        "output": sum(reply.output_tokens for reply in replies),
        "reasoning": sum(reply.reasoning_tokens for reply in replies),
    }


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the cards after one run of the demo."""
    folder = tmp_path_factory.mktemp("demo") / "cards"
    assert run(folder) == 0
    return folder


@pytest.fixture(scope="module")
def card(cards: Path) -> Any:
    (path,) = cards.glob("*.yaml")
    return yaml.safe_load(path.read_text())


@pytest.mark.slow
def test_card_tells_whose_trace_it_is(card: Any) -> None:
    assert card["status"] == "complete"
    assert card["root"]["name"] == "invoke_agent planner"
    assert card["root"]["service"] == "clawtrace-demo"
    assert card["session"].startswith("conv_")
    assert sorted(card["models"]) == sorted(MODELS.values())


@pytest.mark.slow
def test_totals_are_those_of_the_script(card: Any) -> None:
    total = card["total"]
    assert total["llm_calls"] == scenario.LLM_CALLS
    assert total["tool_calls"] == scenario.TOOL_CALLS
    assert total["unpriced_calls"] == 0
    assert total["tokens"] == expected_tokens()
    assert total["cost_usd"] == pytest.approx(expected_usd(), abs=1e-6)


@pytest.mark.slow
def test_the_repeated_read_is_the_only_repeat(card: Any) -> None:
    (repeat,) = card["redundant"]
    assert repeat["tool"] == "read_file"
    assert repeat["verdict"] == "same"
    assert len(repeat["steps"]) == 2


@pytest.mark.slow
def test_failed_tests_are_repaired_by_a_later_call(card: Any) -> None:
    (failed,) = (step for step in card["steps"] if "error" in step)
    assert failed["tool"] == "run_tests"
    assert "Decimal('0.25') != Decimal('0.26')" in failed["error"]
    (repairer,) = (step for step in card["steps"] if step["n"] == failed["repaired_by"])
    assert repairer["tool"] == "run_tests"


@pytest.mark.slow
def test_sub_agent_has_its_share(card: Any) -> None:
    (step,) = (step for step in card["steps"] if step.get("agent") == "researcher")
    assert step["llm_calls"] == len(scenario.REPLIES["researcher"])
    expected = sum(price("gpt-5.4-mini", reply) for reply in scenario.REPLIES["researcher"])
    assert step["usd"] == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.slow
def test_demo_finds_its_card_among_those_of_earlier_runs(
    cards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(cards.glob("*.yaml"))
    assert run(cards) == 0
    (new,) = set(cards.glob("*.yaml")) - before
    out = capsys.readouterr().out
    assert new.read_text() in out
    assert f"clawtrace cards show {new}" in out


def test_folder_that_cannot_be_made_is_an_error_and_not_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    occupied = tmp_path / "cards"
    occupied.write_text("")
    assert run(occupied) == 1
    assert "clawtrace demo failed" in capsys.readouterr().err
