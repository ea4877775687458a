"""What a rate would need, if each span costs what it cost here."""

from tests.scale.measure import Result

RATE = 1_000_000
"""Spans a second."""

USED_AT_MOST = 0.6
"""Of a CPU, so that there is room for peaks, a replica that is lost, and catching up."""

_WHAT = {
    "collector": "Collector",
    "clawtrace": "clawtrace, one CPU each",
    "postgresql": "PostgreSQL",
}


def needed(result: Result, rate: int = RATE) -> str:
    """A table in Markdown.

    Args:
        result: of a run.
        rate: spans a second.
    """
    rows: list[tuple[str, ...]] = [
        (f"for {rate:,} spans/s", "CPUs", f"CPUs, used to {USED_AT_MOST:.0%}", "written")
    ]
    rows.append(("---",) * len(rows[0]))
    for who, name in _WHAT.items():
        cpus = rate / 1000 * result.cpu(who)
        disk = f"{rate * result.written(who) / 1e9:,.1f} GB/s"
        rows.append((name, f"{cpus:,.0f}", f"{cpus / USED_AT_MOST:,.0f}", disk))
    cards = rate * result.cards / max(1, result.spans)
    rows.append(("cards", "", "", f"{cards:,.0f} a second"))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
