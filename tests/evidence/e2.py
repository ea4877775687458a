"""E2, re-priced waste: what the recorded runs would have cost without the harmless steps."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import fsum
from pathlib import Path

from clawtrace_otel.costcraft.miners.registry import PRUNE
from clawtrace_otel.costcraft.read_runs import read_runs
from clawtrace_otel.costcraft.reprice import reprice, together
from clawtrace_otel.costcraft.run import Interval, Run
from clawtrace_otel.costcraft.stats import ratio_interval
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.settings import Settings
from tests.corpora.folder import CORPORA
from tests.evidence.found import occurrences, too_long
from tests.evidence.known_tools import READ_ONLY
from tests.evidence.recorded_runs import (
    DOMAINS,
    KNOWN,
    TAU_BENCH,
    Known,
    files_of,
    runs_of,
    short,
)
from tests.evidence.scores import table

OTHERS = (
    "openclaw-pi-sessions",
    "claude-code-sessions",
    "openclaw-telemetry",
    "otlp-agent-prism",
    "langfuse-framework-traces",
)
"""Folders of the corpora with runs that have a price, but for tau2's."""

BY_WORDS = "unused_result"
"""Says of a result that it was unused if no word of it comes up later; reading says otherwise."""

TUNED = "ft-gpt-4.1_telecom_1trial"
LIST_PRICES = "{model: 'ft:gpt-4.1-2025-04-14*', input: 3.00, cache_read: 0.75, output: 12.00}"
"""USD a million tokens. Source: ``ft:gpt-4.1-2025-04-14`` in LiteLLM's
``model_prices_and_context_window.json``."""

AS_IF = f"`{TUNED}`, as if at list prices"


@dataclass(frozen=True, slots=True)
class Without:
    """A run, and what it would be without its harmless steps.

    Attributes:
        run: as it was.
        steps: their numbers, each with the name of the miner that found it first.
        saved: of each of them; steps of unknown cost are missing.
        shortened: what shorter results would save at most, of results that are needed in part.
    """

    run: Run
    steps: Mapping[int, str]
    saved: Mapping[int, Interval]
    shortened: float = 0.0

    @property
    def usd(self) -> Interval:
        """Saved in all: nothing is counted twice."""
        return together(self.saved.values())


def without(run: Run, *, by_words: bool = False) -> Without:
    """All harmless steps of all miners left out of a run together.

    Args:
        run: as it was.
        by_words: also those of ``BY_WORDS``.
    """
    steps: dict[int, str] = {}
    for occurrence in occurrences(run):
        miner = occurrence.pattern.miner
        wanted = ("harmless", "likely") if by_words else ("harmless",)
        if occurrence.verdict in wanted:
            for n in occurrence.steps:
                steps.setdefault(n, miner)
    return Without(run, steps, reprice(run, steps), _shortened(run, steps))


def _shortened(run: Run, gone: Mapping[int, str]) -> float:
    found = [o for o in too_long(run) if o.verdict == "harmless" and o.steps[0] not in gone]
    shares = {o.steps[0]: o.share or 0.0 for o in found}
    saved = reprice(run, shares)
    return fsum(saved[n][1] * share for n, share in shares.items() if n in saved)


def tables() -> str:
    """All tables of E2, in Markdown."""
    return "\n".join(
        (
            "In USD, of all miners but `unused_result`; the interval of a share is over runs.\n",
            _priced(),
            "By miner, of all together, tools configured:\n",
            _by_miner(),
            "In tokens, where calls have no price:\n",
            _in_tokens(),
        )
    )


@cache
def _sources() -> dict[str, dict[Known, Sequence[Run]]]:
    """Name in the tables -> the runs, by what is known of the tools."""
    paths = {short(path): path for domain in DOMAINS for path in files_of(domain)}
    paths |= {f"`{name}`": CORPORA / name for name in OTHERS}
    return {name: {known: runs_of(path, known) for known in KNOWN} for name, path in paths.items()}


@cache
def at_list_prices() -> tuple[dict[Known, Sequence[Run]], Pricer]:
    """The runs of ``TUNED`` as if they had cost ``LIST_PRICES``, and what prices them so."""
    path = next(path for path in files_of("telecom") if path.stem == TUNED)
    with tempfile.TemporaryDirectory() as folder:
        prices = Path(folder) / "prices.yaml"
        prices.write_text(f"prices: 1\nmodels:\n- {LIST_PRICES}\n", encoding="utf-8")
        runs: dict[Known, Sequence[Run]] = {
            known: read_runs((), (path,), Settings(prices=str(prices), read_only_tools=tools)).runs
            for known, tools in zip(KNOWN, ((), READ_ONLY), strict=True)
        }
        return runs, Pricer(prices)


def _priced() -> str:
    rows = [row for name, by in _sources().items() for row in _priced_rows(name, by)]
    rows += _priced_rows(AS_IF, at_list_prices()[0])
    head = ("runs of", "tools", "runs", "cost", "steps", "saved low", "saved high", "low", "high")
    return table(head, rows)


def _priced_rows(name: str, by: Mapping[Known, Sequence[Run]]) -> Iterator[tuple[object, ...]]:
    for known, runs in by.items():
        priced = [run for run in runs if run.cost]
        if priced:
            yield name, known, *_priced_row(priced)


def _priced_row(priced: Sequence[Run]) -> tuple[object, ...]:
    found = [without(run) for run in priced]
    low, high = together(each.usd for each in found)
    return (
        len(priced),
        f"{_cost(priced):.6f}",
        sum(len(each.steps) for each in found),
        f"{low:.6f}",
        f"{high:.6f}",
        share([each.usd[0] for each in found], priced),
        share([each.usd[1] for each in found], priced),
    )


def share(saved: Sequence[float], runs: Sequence[Run]) -> str:
    """What is saved of what runs cost, with its bootstrap interval over runs."""
    costs = [run.cost or 0.0 for run in runs]
    found = ratio_interval(saved, costs)
    interval = f" [{found[0]:.2%}, {found[1]:.2%}]" if found else ""
    return f"{fsum(saved) / fsum(costs):.2%}{interval}"


def _cost(runs: Iterable[Run]) -> float:
    return fsum(run.cost or 0.0 for run in runs)


def _by_miner() -> str:
    sources = {name: by["tools configured"] for name, by in _sources().items()}
    sources[AS_IF] = at_list_prices()[0]["tools configured"]
    rows: list[tuple[object, ...]] = []
    for name, runs in sources.items():
        found = [without(run, by_words=True) for run in runs if run.cost]
        for miner in PRUNE:
            rows += _miner_row(name, miner.name, found)
        shortened = fsum(each.shortened for each in found)
        if shortened:
            rows.append((name, "shorter results", "-", "0.000000", f"{shortened:.6f}"))
    return table(("runs of", "miner", "steps", "saved low", "saved high"), rows)


def _miner_row(name: str, miner: str, found: Sequence[Without]) -> Iterator[tuple[object, ...]]:
    steps = [(each, n) for each in found for n, by in each.steps.items() if by == miner]
    if steps:
        low, high = together(each.saved[n] for each, n in steps if n in each.saved)
        yield name, miner, len(steps), f"{low:.6f}", f"{high:.6f}"


def _in_tokens() -> str:
    head = ("runs of", "tools", "input tokens", "steps", "read once", "read again", "of all input")
    unpriced = {
        name: by for name, by in _sources().items() if not any(r.cost for r in by["nothing known"])
    }
    unpriced[f"`{TAU_BENCH.stem}` (tau-bench)"] = {k: runs_of(TAU_BENCH, k) for k in KNOWN}
    rows = [
        (name, known, *_token_row(runs))
        for name, by in unpriced.items()
        for known, runs in by.items()
    ]
    return table(head, rows)


def _token_row(runs: Sequence[Run]) -> tuple[object, ...]:
    steps = [(run, n) for run in runs for n in without(run).steps]
    whole = sum(run.card["total"]["tokens"]["input"] for run in runs)
    if not whole:
        return ("unknown", len(steps), "unknown", "unknown", "unknown")
    once = sum(run.items[n].result_tokens for run, n in steps)
    all_of_it = sum(run.items[n].result_tokens * readings(run, n) for run, n in steps)
    return (f"{whole:,}", len(steps), f"{once:,}", f"{all_of_it:,}", f"{all_of_it / whole:.2%}")


def readings(run: Run, n: int) -> int:
    """How many LLM calls of the same agent read the result of a tool call, as nothing is lost."""
    under = run.by_number[n].get("under")
    return sum("llm" in step and step["n"] > n and step.get("under") == under for step in run.steps)
