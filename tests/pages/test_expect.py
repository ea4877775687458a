"""The check of a try's cards can fail: it is shown a card that it knows, and changed ones."""

from pathlib import Path
from typing import cast

import msgspec
import pytest
import yaml

from clawtrace_otel.demo.model_script import Reply
from clawtrace_otel.tracecard.model import Card
from tests.pages.expect import Expected, Served, problems

GOLDEN = Path(__file__).parents[1] / "tracecard" / "golden" / "openai_official.yaml"

SERVED = [
    Served("openai", "gpt-5", Reply(input_tokens=1200, output_tokens=48)),
    Served("openai", "gpt-5", Reply(input_tokens=1500, output_tokens=32, cache_read_tokens=1024)),
    Served(
        "openai",
        "gpt-5",
        Reply(input_tokens=1800, output_tokens=120, cache_read_tokens=1408, reasoning_tokens=64),
    ),
]
"""What the script answers a planner (`tests/fixtures/script.py`)."""


def card() -> Card:
    text = GOLDEN.read_text(encoding="utf-8").split("---\n")[0]
    return cast("Card", yaml.safe_load(text))


def test_a_card_of_what_was_served_has_no_problems() -> None:
    assert problems(Expected(), [card()], SERVED) == []


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (Expected(cards=2), "cards"),
        (Expected(tools=3), "tool_calls"),
        (Expected(agents=("researcher",)), "agents"),
        (Expected(verdicts=("unverified",)), "verdicts"),
        (Expected(session="conversation-1"), "session"),
        (Expected(passed=True), "passed"),
        (Expected(lost=("reasoning_tokens",)), "reasoning_tokens"),
        (Expected(lost=("cache_read_tokens",)), "cost"),
    ],
)
def test_what_is_not_as_expected_is_told(expected: Expected, said: str) -> None:
    assert said in " ".join(problems(expected, [card()], SERVED))


def test_a_call_that_is_counted_twice_is_told() -> None:
    told = " ".join(problems(Expected(), [card()], [*SERVED, SERVED[0]]))
    assert "llm_calls" in told
    assert "cost" in told


def test_a_cost_that_is_a_millionth_off_is_told() -> None:
    dearer = card()
    dearer["total"]["cost_usd"] = cast("float", dearer["total"]["cost_usd"]) + 1e-6
    assert any("cost" in told for told in problems(Expected(), [dearer], SERVED))


def test_tokens_in_the_cache_for_an_hour_cost_more() -> None:
    short = Reply(input_tokens=1000, output_tokens=1, cache_write_tokens=1000)
    long = msgspec.structs.replace(short, cache_write_1h_tokens=1000)
    told = [
        problems(Expected(), [], [Served("anthropic", "claude-sonnet-4-5", reply)])
        for reply in (short, long)
    ]
    assert [cost for said in told for cost in said if "cost:" in cost] == [
        "cost: expected 0.003765, found 0",
        "cost: expected 0.006015, found 0",
    ]
