"""E4, held-out rules: distilled on some tasks, fired on runs of others."""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import fsum

from clawtrace_otel.costcraft.model import Pattern
from clawtrace_otel.costcraft.stats import mean_interval
from tests.evidence.distilled import prunes
from tests.evidence.firing import Fired, Level, false_prunes
from tests.evidence.meanwhile import undisturbed
from tests.evidence.recorded_runs import KNOWN
from tests.evidence.scores import Share, table
from tests.evidence.splits import domain_fired_on, fired, splits

LEVELS: tuple[Level, ...] = ("pattern", "miner")


def tables() -> str:
    """All tables of E4, in Markdown."""
    return "\n".join(
        (
            "Accepted prunes, and of how many parts of the tasks they are learned:\n",
            _rules(),
            "Fired on runs of tasks that they were not learned from:\n",
            _fired(),
            "Saved per held-out run with a price, USD; the intervals are over runs:\n",
            _saved(),
        )
    )


def _rules() -> str:
    rows = []
    for known in KNOWN:
        for name, parts in splits(known).items():
            found = Counter(patch.pattern for part in parts for patch in prunes(part.learned))
            for pattern, count in sorted(found.items(), key=lambda pair: str(pair[0])):
                rows.append((name, known, shown(pattern), f"{count} of {len(parts)}"))
            if not found:
                rows.append((name, known, "none", f"0 of {len(parts)}"))
    return table(("learned from, fired on", "tools", "pattern", "learned"), rows)


def shown(pattern: Pattern) -> str:
    """A pattern in a table."""
    return " ".join(f"`{part}`" for part in (pattern.miner, pattern.tool, pattern.detail) if part)


def _fired() -> str:
    rows = [
        (name, known, level, *fired_row(name, found)) for name, known, level, found in _all_fired()
    ]
    head = ("learned from, fired on", "tools", "level", "runs", "fired in", "steps")
    lost = ("result changed", "used later", "false prunes", "of those with nothing in between")
    return table((*head, *lost), rows)


def _all_fired() -> Iterator[tuple[str, str, Level, list[Fired]]]:
    for level in LEVELS:
        for known in KNOWN:
            for name in splits(known):
                yield name, known, level, fired(known, name, level)


def fired_row(name: str, found: Sequence[Fired]) -> tuple[object, ...]:
    """Runs, those that rules fired in, steps, and how many of them were false prunes."""
    lost = [loss for each in found for loss in each.losses.values()]
    return (
        len(found),
        sum(bool(each.losses) for each in found),
        len(lost),
        lost.count("result changed"),
        lost.count("used later"),
        false_prunes(found),
        counted(false_prunes(found, undisturbed(domain_fired_on(name)))),
    )


def counted(share: Share) -> str:
    """A share with its counts."""
    return f"{share.good} of {share.of}: {share}" if share.of else "-"


def _saved() -> str:
    rows: list[tuple[object, ...]] = []
    for name, known, level, found in _all_fired():
        priced = [each.saved for each in found if each.saved is not None]
        if any(high for _, high in priced):
            ends = ([saved[end] for saved in priced] for end in (0, 1))
            rows.append((name, known, level, len(priced), *map(_mean, ends)))
    if not rows:
        return "Nothing, for no run with a price was fired on.\n"
    head = ("learned from, fired on", "tools", "level", "runs with a price", "low", "high")
    return table(head, rows)


def _mean(values: Sequence[float]) -> str:
    found = mean_interval(values)
    mean = fsum(values) / len(values)
    return f"{mean:.6f}" + (f" [{found[0]:.6f}, {found[1]:.6f}]" if found else "")
