"""Files to cards, in this process; nothing is written."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from clawtrace_otel.importers.compile_group import Summary, compile_records, read
from clawtrace_otel.importers.importer import Record
from clawtrace_otel.importers.plan import AUTO, make_plan
from clawtrace_otel.importers.registry import importer
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card


@dataclass(slots=True)
class Compiled:
    """What became of files.

    Attributes:
        cards: in the order in which they were made.
        summary: counts, and what could not be read.
    """

    cards: list[Card] = field(default_factory=list)
    summary: Summary = field(default_factory=Summary)

    @property
    def spans(self) -> int:
        """How many were read."""
        return self.summary.spans

    @property
    def problems(self) -> list[str]:
        """What could not be read, each with file and line."""
        return [str(problem) for problem in self.summary.problems]

    def keep(self, compiled: Callable[[int], Card | None]) -> Card | None:
        """Compile a card and keep it."""
        card = compiled(1)
        if card is not None:
            self.cards.append(card)
        return card


def compile_files(paths: Iterable[Path], compiler: Compiler, kind: str = AUTO) -> Compiled:
    """The cards of recorded runs.

    Args:
        paths: files, or folders that are searched.
        compiler: makes the cards.
        kind: name of the format, or ``AUTO``.

    Raises:
        ModuleNotFoundError: packages of an extra are missing.
    """
    done = Compiled()
    plan = make_plan(paths, kind)
    done.summary.problems += plan.problems
    for group in plan.groups:
        records = read(importer(group.kind), group.paths)
        done.summary.add(compile_records(records, compiler, done.keep))
    return done


def cards_of(records: Iterable[Record], compiler: Compiler) -> list[Card]:
    """The cards of records that were already read."""
    done = Compiled()
    compile_records(records, compiler, done.keep)
    return done.cards
