"""How exact the cards are, measured on recorded runs: `make accuracy` writes docs/accuracy.md."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from statistics import correlation

from clawtrace_otel.importers.formats.claude_code import importer as claude_code
from clawtrace_otel.importers.formats.openclaw import importer as openclaw
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.attribution import attribute
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.items import Item, build_items
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.tree import build_tree
from tests.corpora import test_sessions as sessions
from tests.corpora import test_tau2 as tau2
from tests.corpora.folder import CORPORA
from tests.importers.compile_files import compile_files
from tests.importers.sessions import read, spans
from tests.tracecard.combinations import double_counting

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "accuracy.md"
"""Where the table stands."""

_LIMIT = Decimal("1e-9")
_DEEPSEEK = "{model: deepseek-chat, input: 0.28, cache_read: 0.028, output: 0.42}"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table."""

    check: str
    must_be: str
    measured: str
    holds: bool


def rows() -> Iterator[Row]:
    """All lines, in the order of the table."""
    for check in _CHECKS:
        yield from check()


def exact(usd: float | None) -> Decimal:
    """USD as they stand in a card."""
    return Decimal(repr(usd or 0.0))


def _count(check: str, must_be: str, good: int, of: int) -> Row:
    return Row(check, must_be, f"{good:,} of {of:,}", good == of)


def _recorded_per_simulation() -> Iterator[Row]:
    for file in tau2.FILES:
        if not file.usd:
            continue
        recorded = {s["id"]: Decimal(str(s.get("agent_cost") or 0)) for s in tau2.raw(file)}
        supplied: dict[str, Decimal] = {}
        for step in tau2.of_kind(file, "llm"):
            cost = Decimal(step.supplied or 0) / 10**12
            supplied[step.session] = supplied.get(step.session, Decimal(0)) + cost
        good = sum(abs(supplied.get(s, Decimal(0)) - usd) < _LIMIT for s, usd in recorded.items())
        yield _count(f"recorded USD a simulation, `{file.name}`", "equal", good, len(recorded))


def _pi_session() -> Iterator[Row]:
    (card,) = _cards_of("openclaw-pi-sessions", "*.jsonl")
    cost = card["total"]["cost_usd"]
    yield Row("recorded USD of the pi session", "42.5959075", f"{cost}", cost == 42.5959075)


def _anthropic() -> Iterator[Row]:
    steps = tau2.of_kind(tau2.FILES[0], "llm")
    yield _priced("tokens x rates and recorded USD, Anthropic's tau2 file", steps, Pricer())


def _deepseek() -> Iterator[Row]:
    steps = [s for s in tau2.of_kind(tau2.FILES[5], "llm") if s.model == "deepseek-chat"]
    with tempfile.TemporaryDirectory() as folder:
        prices = Path(folder) / "prices.yaml"
        prices.write_text(f"prices: 1\nmodels:\n- {_DEEPSEEK}\n")
        recorded = [step for step in steps if step.supplied]
        yield _priced("the same, deepseek's calls of the cascade file", recorded, Pricer(prices))


def _priced(check: str, steps: list[Step], pricer: Pricer) -> Row:
    prices = [pricer.price(step) for step in steps]
    gaps = [abs((p.cost or 0) - p.computed) for p in prices if p.computed is not None]
    good = sum(Decimal(gap) / 10**12 < _LIMIT for gap in gaps)
    return _count(check, "equal on every call", good, len(steps))


def _claude_code() -> Iterator[Row]:
    good = of = 0
    for session in sessions.CLAUDE_CODE:
        recorded = sessions.recorded_totals(session)
        if recorded is not None:
            found = spans(read(claude_code.IMPORTER, session))
            of += 1
            good += sessions.totals_of(found) == recorded
    yield _count("tokens of Claude Code's sessions that have totals", "equal", good, of)


def _repeats() -> Iterator[Row]:
    for file in tau2.FILES:
        found = tau2.calls_again(tau2.of_kind(file, "tool"))
        flagged = tau2.found_again([s for s in tau2.steps(file) if s.tool or s.read_only is False])
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(flagged.items()))
        yield Row(
            f"repeats and those with an equal result, `{file.name}`",
            f"{file.repeats}, {file.same}",
            f"{found[0]}, {found[1]}" + (f" ({verdicts})" if verdicts else ""),
            found == (file.repeats, file.same) and flagged.total() == file.repeats,
        )


def _calls_without_arguments() -> Iterator[Row]:
    (path,) = (CORPORA / "openclaw-uniclawbench").glob("*.json")
    cards = compile_files([path], Compiler()).cards
    calls = sum(card["total"]["tool_calls"] for card in cards)
    flagged = sum("repeat" in step for card in cards for step in card["steps"])
    flagged += sum("redundant" in card for card in cards)
    yield Row(
        "calls without arguments taken for repeats",
        "0",
        f"{flagged} of {calls}",
        flagged == 0 < calls,
    )


def _decomposition() -> Iterator[Row]:
    for name, cards in (("recorded runs", _all_cards()), ("captured spans", _captured_cards())):
        gaps = [abs(gap) for card in cards for gap in split_gaps(card)]
        yield Row(
            f"parts of a cost less the cost: {name}, {len(cards)} cards, {len(gaps)} splits",
            "0",
            f"{max(gaps).normalize()}",
            max(gaps) == 0,
        )


def _double_counting() -> Iterator[Row]:
    measured = double_counting()
    made = sum(calls for _, calls, _ in measured)
    counted = sum(calls for _, _, calls in measured)
    yield Row(
        f"calls counted, {len(measured)} pairs and triples of instrumentations",
        "each once",
        f"{counted} of {made} made",
        all(calls == seen for _, calls, seen in measured),
    )


def _results() -> Iterator[Row]:
    """By turn, so that sharing a turn's growth out by bytes has no part in it."""
    (path,) = (CORPORA / "openclaw-pi-sessions").glob("*.jsonl")
    compiler = Compiler()
    tree = build_tree(normalize(span) for span in spans(read(openclaw.IMPORTER, path)))
    items = build_items(tree, compiler.pricer, compiler.new_index())
    tokens: Counter[Item] = Counter()
    sizes: Counter[Item] = Counter()
    for item, readings in attribute(items).readings.items():
        if item.by is not None:
            tokens[item.by] += readings[0].tokens
            sizes[item.by] += item.step.result_size
    r = correlation([float(tokens[turn]) for turn in sizes], [float(s) for s in sizes.values()])
    yield Row(
        f"tokens of results against their bytes, {len(sizes)} turns of the pi session",
        "r over 0.99",
        f"r = {r:.4f}",
        r > 0.99,
    )


def split_gaps(card: Card) -> Iterator[Decimal]:
    """What the parts of a card's cost, and of each sub-agent's, miss of it."""
    total = card["total"]
    if "split" in total:
        yield _sum(total["split"]) - exact(total["cost_usd"])
    for step in card["steps"]:
        if "split" in step:
            yield _sum(step["split"]) - exact(step["usd"])


def _sum(split: object) -> Decimal:
    assert isinstance(split, dict)
    return sum((exact(part) for part in split.values()), Decimal(0))


@cache
def _all_cards() -> list[Card]:
    return compile_files([CORPORA], Compiler()).cards


@cache
def _captured_cards() -> list[Card]:
    # Ids are numbered in every capture: each file is a world of its own.
    files = sorted((ROOT / "tests" / "fixtures" / "otlp").rglob("*.jsonl"))
    return [card for file in files for card in compile_files([file], Compiler()).cards]


def _cards_of(folder: str, pattern: str) -> list[Card]:
    return compile_files(sorted((CORPORA / folder).glob(pattern)), Compiler()).cards


_CHECKS: tuple[Callable[[], Iterator[Row]], ...] = (
    _recorded_per_simulation,
    _pi_session,
    _anthropic,
    _deepseek,
    _claude_code,
    _repeats,
    _calls_without_arguments,
    _decomposition,
    _results,
    _double_counting,
)


def table(measured: Iterable[Row]) -> str:
    """The rows in Markdown."""
    lines = ["| check | must be | measured | holds |", "|---|---|---|---|"]
    for row in measured:
        holds = "yes" if row.holds else "NO"
        lines.append(f"| {row.check} | {row.must_be} | {row.measured} | {holds} |")
    return "\n".join(lines) + "\n"


def with_table(page: str, text: str) -> str:
    """The page with the table in its place."""
    head, _, rest = page.partition(_BEGIN)
    return f"{head}{_BEGIN}\n{text}{_END}{rest.partition(_END)[2]}"


def main() -> int:
    """Print the table and write it into the page."""
    measured = list(rows())
    text = table(measured)
    print(text, end="")
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 0 if all(row.holds for row in measured) else 1


_BEGIN, _END = "<!-- table -->", "<!-- /table -->"

if __name__ == "__main__":
    raise SystemExit(main())
