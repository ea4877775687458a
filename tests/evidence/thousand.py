"""Distilling 1,000 cards: seconds and memory of the command, as a process of its own.

The cards are those of tau2's and tau-bench's runs, again and again with other trace ids.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, run
from typing import cast

from clawtrace_otel.ids import TRACE_BYTES, derived_id
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.write import dump_card
from tests.evidence.recorded_runs import DOMAINS, TAU_BENCH, files_of
from tests.evidence.scores import table
from tests.importers.compile_files import compile_files

CARDS = 1_000


def tables() -> str:
    """What was measured, in Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        cards = Path(folder) / "cards"
        written = write_cards(cards, CARDS)
        size = sum(path.stat().st_size for path in cards.iterdir())
        taken = distil(cards, Path(folder) / "distilled")
    row = (f"{written:,}", f"{size / 1e6:.1f}", *(f"{value:.1f}" for value in taken))
    return table(("cards", "MB of YAML", "seconds", "of the processor", "peak MiB"), [row])


def write_cards(folder: Path, cards: int) -> int:
    """Write so many cards; the same in every run."""
    folder.mkdir()
    for card in _again(cards):
        (folder / f"{card['trace_id']}.yaml").write_text(dump_card(card), encoding="utf-8")
    return cards


def _again(cards: int) -> Iterator[Card]:
    known = compile_files([*_files(), TAU_BENCH], Compiler()).cards
    for n in range(cards):
        card = known[n % len(known)]
        trace_id = derived_id(TRACE_BYTES, card["trace_id"], str(n // len(known)))
        yield cast("Card", {**card, "trace_id": trace_id})


def _files() -> Iterator[Path]:
    """All simulations of tau2."""
    for domain in DOMAINS:
        yield from files_of(domain)


def distil(cards: Path, output: Path) -> list[float]:
    """Run the command.

    Returns:
        Seconds, seconds of the processor, and its peak of memory in MiB.

    Raises:
        CalledProcessError: it failed.
    """
    program = str(Path(sys.executable).with_name("clawtrace"))
    command = [program, "costcraft", "distill", str(cards), "-o", str(output)]
    measured = run(
        [sys.executable, "-m", "tests.evidence.child", *command],
        check=True,
        stdout=PIPE,
        cwd=Path(__file__).parents[2],
    )
    taken: dict[str, float] = json.loads(measured.stdout)
    return [taken[name] for name in ("seconds", "processor", "mebibytes")]
