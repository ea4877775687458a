"""E6, net: what a skill costs by being read on every turn, beside what it saves."""

from collections.abc import Iterator, Sequence

from clawtrace_otel.costcraft.distill import Task, distill
from clawtrace_otel.costcraft.model import Net
from clawtrace_otel.costcraft.run import Run
from tests.corpora.folder import CORPORA
from tests.evidence.distilled import distilled
from tests.evidence.e2 import AS_IF, OTHERS, at_list_prices
from tests.evidence.recorded_runs import (
    DOMAINS,
    KNOWN,
    TAU_BENCH,
    Known,
    files_of,
    runs_in,
    runs_of,
    short,
)
from tests.evidence.scores import table

HEAD = (
    *("distilled from", "tools", "rules", "tokens", "turns", "USD a token", "costs a run"),
    *("saves low", "saves high", "net low", "net high", "pays up to, turns"),
)


def tables() -> str:
    """The table of E6, in Markdown."""
    found = [(name, known, distilled(runs)) for known in KNOWN for name, runs in _sources(known)]
    runs, pricer = at_list_prices()
    found += [(AS_IF, known, distill(runs[known], Task(pricer=pricer)).file) for known in KNOWN]
    rows = [
        (name, known, len(file.rules), *net_row(file.net))
        for name, known, file in found
        if file.net is not None and file.rules
    ]
    without = [f"{name} ({known})" for name, known, file in found if not file.rules]
    return f"{table(HEAD, rows)}\nNo rule came of: {', '.join(without) or 'none'}.\n"


def _sources(known: Known) -> Iterator[tuple[str, Sequence[Run]]]:
    for domain in DOMAINS:
        for path in files_of(domain):
            yield short(path), runs_of(path, known)
        yield f"all of {domain}", runs_in(domain, known)
    yield "tau-bench airline", runs_of(TAU_BENCH, known)
    for name in OTHERS:
        yield f"`{name}`", runs_of(CORPORA / name, known)


def net_row(net: Net) -> tuple[object, ...]:
    """The sums of a skill; what is not known is said to be."""
    saves, nets, turns = net.saves_usd, net.net_usd, net.break_even_turns
    return (
        net.skill_tokens,
        f"{net.turns:g}",
        "unknown" if net.rate_usd is None else f"{net.rate_usd:.3g}",
        _usd(net.costs_usd),
        *map(_usd, saves or (None, None)),
        *map(_usd, nets or (None, None)),
        f"{turns[0]:.1f} to {turns[1]:.1f}" if turns else "unknown",
    )


def _usd(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.6f}"
