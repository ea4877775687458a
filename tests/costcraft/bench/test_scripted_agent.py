"""The example agent against a scripted model: what a skill says shows in costs and grades."""

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from clawtrace_otel.costcraft.bench.compare import Comparison, Measured, Quality
from clawtrace_otel.costcraft.bench.report import Report
from clawtrace_otel.costcraft.bench.results import Result
from clawtrace_otel.costcraft.bench.run_bench import CARDS
from clawtrace_otel.demo.model_server import ModelServer
from clawtrace_otel.tracecard.read import card_paths, read_card
from tests.costcraft.bench import orders
from tests.costcraft.bench.scripted_model import READS, script

EXAMPLE = Path(__file__).parents[3] / "examples" / "bench"
AGENT = f"{sys.executable} {EXAMPLE / 'agent.py'}"
PRICE_IN, PRICE_OUT = (
    2.5e-6,
    15e-6,
)  # gpt-5.4's, in USD a token; test_demo has them from genai-prices

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # nine agents that import much


class Benched(NamedTuple):
    report: Report
    results: dict[tuple[str, str], Result]
    cards: Path


@pytest.fixture(scope="module")
def benched(tmp_path_factory: pytest.TempPathFactory) -> Benched:
    """The example's tasks without a skill, with one that saves, and with one that does harm."""
    folder = tmp_path_factory.mktemp("bench")
    for name in ("tasks.yaml", "check.py"):
        shutil.copy(EXAMPLE / name, folder)
    shutil.copytree(EXAMPLE / "data", folder / "data")
    skills = [str(EXAMPLE / "skills" / name) for name in ("read-once", "round-first")]
    wanted = orders.order(folder / "tasks.yaml", skills, command=AGENT, time_limit=100)
    with pytest.MonkeyPatch.context() as patch, ModelServer(script) as model:
        patch.setenv("OPENAI_BASE_URL", model.url)
        patch.setenv("OPENAI_API_KEY", "scripted")
        patch.setenv("OPENAI_MODEL", "gpt-5.4")
        report, results, _ = orders.bench(wanted)
    return Benched(report, {(r.task, r.condition): r for r in results}, wanted.folder / CARDS)


def against(found: Benched, skill: str) -> Comparison:
    """The comparison of a skill with no skill."""
    return next(c for c in found.report.comparisons if (c.first, c.second) == ("without", skill))


def quality(found: Benched, skill: str) -> Quality:
    compared = against(found, skill).quality
    assert compared is not None
    return compared


def measure(found: Benched, skill: str, name: str) -> Measured:
    return next(each for each in against(found, skill).measures if each.name == name)


def test_a_skill_that_spares_repeated_reads_costs_less_and_loses_no_task(benched: Benched) -> None:
    assert quality(benched, "read-once").regressions == []
    assert quality(benched, "read-once").second == 1.0
    calls = measure(benched, "read-once", "tool_calls")
    assert (calls.first, calls.second) == (READS + 1, 2)
    cost = measure(benched, "read-once", "cost_usd")
    assert cost.ratio is not None
    assert cost.ratio_interval is not None
    assert cost.ratio_interval[0] <= cost.ratio <= cost.ratio_interval[1] < 1


def test_a_skill_that_does_harm_is_cheaper_and_fails_tasks_all_the_same(benched: Benched) -> None:
    found = quality(benched, "round-first")
    assert [change.task for change in found.regressions] == ["small", "mixed"]
    cost = measure(benched, "round-first", "cost_usd")
    assert cost.ratio is not None
    assert cost.ratio < 1
    passed = measure(benched, "round-first", "cost_usd_if_passed")
    assert passed.tasks == 1  # rounding does no harm to tens


def test_skills_are_compared_with_one_another_too(benched: Benched) -> None:
    compared = [(c.first, c.second) for c in benched.report.comparisons]
    assert compared == [
        ("without", "read-once"),
        ("without", "round-first"),
        ("read-once", "round-first"),
    ]


def test_costs_are_those_of_the_tokens_with_the_skills_own(benched: Benched) -> None:
    for result in benched.results.values():
        spent = result.spent
        expected = spent.input_tokens * PRICE_IN + spent.output_tokens * PRICE_OUT
        assert spent.usd == pytest.approx(expected)
    # The last answer of each run is asked for with the same results, but with the skill before.
    without = benched.results["small", "without"].spent
    saved = benched.results["small", "read-once"].spent
    turns = saved.llm_calls
    skill = (EXAMPLE / "skills" / "read-once" / "SKILL.md").read_text()
    base = without.input_tokens / without.llm_calls
    assert saved.input_tokens / turns > base * 0.9 + len(skill) / 4 * 0.1


def test_the_waste_that_cards_show_is_gone_with_the_skill(benched: Benched) -> None:
    waste = measure(benched, "read-once", "waste_usd")
    assert waste.first > 0
    assert waste.second == 0


def test_cards_have_the_outcomes_and_the_agent_below_the_run(benched: Benched) -> None:
    cards = [read_card(path) for path in card_paths(benched.cards)]
    assert len(cards) == len(benched.results) == 9
    by_run = {card["run"]: card for card in cards}
    for (task, _), result in benched.results.items():
        card = by_run[result.run]
        assert (card["task"], card["status"]) == (task, "complete")
        assert card["outcome"]["passed"] is result.passed
        assert card["root"]["name"] == "bench run"
