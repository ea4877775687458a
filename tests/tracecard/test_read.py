"""Card files that are none, or that are made to do harm."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from clawtrace_otel.cli import main
from clawtrace_otel.errors import CardError
from clawtrace_otel.tracecard.model import Outcome
from clawtrace_otel.tracecard.read import read_card
from clawtrace_otel.tracecard.write import dump_card
from tests.tracecard.prices import compiled
from tests.tracecard.traces import TraceBuilder


def write(tmp_path: Path, more: str = "", was: str = "", now: str = "") -> Path:
    """A card file with something put behind it, and something in it exchanged."""
    trace = TraceBuilder()
    trace.llm(model="round")
    text = dump_card(compiled(trace.end()))
    assert was in text
    path = tmp_path / "card.yaml"
    path.write_text(text.replace(was, now, 1) + more, encoding="utf-8")
    return path


def outcome(score: float) -> Outcome:
    return {"passed": None, "by": "judge", "evidence": [], "score": score}


def test_keys_that_nobody_knows_are_kept_and_printed(tmp_path: Path) -> None:
    path = write(tmp_path, "later: {a: [1, 2.5, null, true, text], 7: x}\n")
    card: dict[str, object] = {**read_card(path)}
    assert card["later"] == {"a": [1, 2.5, None, True, "text"], 7: "x"}
    shown = CliRunner().invoke(main, ["cards", "show", "--json", str(path)])
    assert json.loads(shown.output)["later"] == {"a": [1, 2.5, None, True, "text"], "7": "x"}


def test_a_date_stays_the_text_that_it_is(tmp_path: Path) -> None:
    path = write(tmp_path, "day: 2026-11-02\n", was='"2026-11-02T10:00:00.000Z"', now="2026-11-02")
    card: dict[str, object] = {**read_card(path)}
    assert (card["started"], card["day"]) == ("2026-11-02", "2026-11-02")


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("x: " + "[" * 100_000, id="deep"),
        "x: &a [*a]",
        "x: !!binary aGk=",
        "x: !!set {a}",
        "x: !!python/object/apply:os.getcwd []",
        "x: .nan",
        "x: -.inf",
        pytest.param("x: 0x" + "f" * 5000, id="digits"),
        "--- {}",
    ],
)
def test_what_json_cannot_hold_is_no_card(tmp_path: Path, more: str) -> None:
    with pytest.raises(CardError, match=r"cannot read .*card\.yaml"):
        read_card(write(tmp_path, more))


@pytest.mark.parametrize("score", [1.7976931348623157e308, -5e-324, 2.2250738585072014e-308])
def test_any_score_that_is_written_can_be_read(tmp_path: Path, score: float) -> None:
    text = dump_card({**read_card(write(tmp_path)), "outcome": outcome(score)})
    path = tmp_path / "scored.yaml"
    path.write_text(text)
    assert read_card(path)["outcome"]["score"] == score


def test_no_cost_is_infinite(tmp_path: Path) -> None:
    path = write(tmp_path, was="cost_usd: 0.0105", now="cost_usd: .inf")
    with pytest.raises(CardError, match=r"\.inf is no number"):
        read_card(path)
