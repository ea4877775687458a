"""E7, ablations: what the gates are good for, by executed deletion and on held-out runs."""

from collections.abc import Iterator

from clawtrace_otel.costcraft.gates.context import StepName
from tests.evidence.deletions import executed
from tests.evidence.distilled import VARIANTS, prunes, steps_of
from tests.evidence.e4 import LEVELS, counted
from tests.evidence.firing import false_prunes
from tests.evidence.recorded_runs import DOMAINS, Known
from tests.evidence.scores import table
from tests.evidence.shares import share_of
from tests.evidence.splits import Split, fired, splits

KNOWN: Known = "tools configured"
"""With nothing known hardly anything is accepted, and there is nothing to take away from."""


def tables() -> str:
    """The table of E7, in Markdown."""
    rows = [row for name, parts in splits(KNOWN).items() for row in _rows(name, parts)]
    head = ("learned from, fired on", "variant", "prunes", "steps", "deleted, unchanged")
    return table((*head, "false prunes, pattern", "false prunes, miner"), rows)


def _rows(name: str, parts: list[Split]) -> Iterator[tuple[object, ...]]:
    changed = {step: what for domain in DOMAINS for step, what in executed(domain).changed.items()}
    for variant in VARIANTS:
        accepted = [patch for part in parts for patch in prunes(part.learned, variant)]
        steps = list(dict.fromkeys(step for patch in accepted for step in steps_of(patch)))
        yield (
            name,
            variant,
            f"{len(accepted) / len(parts):g}",
            len(steps),
            counted(share_of(_is_unchanged(steps, changed))),
            *(counted(false_prunes(fired(KNOWN, name, level, variant))) for level in LEVELS),
        )


def _is_unchanged(steps: list[StepName], changed: dict[StepName, str]) -> Iterator[bool]:
    yield from (not changed[step] for step in steps if step in changed)
