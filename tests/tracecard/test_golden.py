"""The cards of the captured spans, to the byte. ``make golden`` writes them again."""

import sys
from pathlib import Path

import pytest

from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.write import dump_card
from tests.importers.compile_files import compile_files

FIXTURES = Path(__file__).parents[1] / "fixtures" / "otlp"
GOLDEN = Path(__file__).parent / "golden"
SCENARIOS = sorted(path.stem for path in FIXTURES.glob("*.jsonl"))


def cards_of(scenario: str) -> str:
    """All cards of a scenario, by trace id."""
    compiled = compile_files([FIXTURES / f"{scenario}.jsonl"], Compiler())
    assert compiled.problems == []
    cards = sorted(compiled.cards, key=lambda card: card["trace_id"])
    return "---\n".join(dump_card(card) for card in cards)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_captured_spans_of_a_library_give_the_same_cards_as_ever(scenario: str) -> None:
    assert cards_of(scenario) == (GOLDEN / f"{scenario}.yaml").read_text(encoding="utf-8")


def test_there_is_no_golden_file_without_a_fixture() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.yaml")) == SCENARIOS


if __name__ == "__main__":
    for name in sys.argv[1:] or SCENARIOS:
        (GOLDEN / f"{name}.yaml").write_text(cards_of(name), encoding="utf-8")
