"""Runs from cards and from recorded runs. What cannot be used is told and loses nothing else."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.errors import CardError, CostCraftError
from clawtrace_otel.importers.compile_group import compile_records, read
from clawtrace_otel.importers.importer import Record
from clawtrace_otel.importers.plan import make_plan
from clawtrace_otel.importers.registry import importer
from clawtrace_otel.processors.tool_effects import ToolEffects
from clawtrace_otel.semconv.step import Evaluation, Step
from clawtrace_otel.semconv.texts import Texts, read_texts
from clawtrace_otel.settings import Settings
from clawtrace_otel.span import Span
from clawtrace_otel.storage.urls import Where
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.factory import make_compiler
from clawtrace_otel.tracecard.items import Item
from clawtrace_otel.tracecard.lines import step_line
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import read_cards


@dataclass
class Runs:
    """What was read.

    Attributes:
        runs: one a trace, in the order of their trace ids.
        problems: what could not be used, each with where it is.
    """

    runs: list[Run] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_runs(
    cards: Sequence[Where], recorded: Sequence[Path] = (), settings: Settings | None = None
) -> Runs:
    """Runs by their cards, and by what was recorded of them.

    Args:
        cards: folders of cards, cards, or URLs of either.
        recorded: files and folders of recorded runs, of the formats of ``clawtrace compile``.
        settings: those that the cards were compiled with.

    Raises:
        CostCraftError: there is no run at all.
        ClawTraceError: a folder cannot be read.
    """
    found = Runs()
    by_trace: dict[str, Run] = {}
    for run in (*_from_cards(cards, found), *_from_files(recorded, found, settings)):
        known = by_trace.get(run.trace_id)
        by_trace[run.trace_id] = run if known is None else _joined(known, run, found)
    found.runs = [by_trace[trace_id] for trace_id in sorted(by_trace)]
    for run in found.runs:
        _check_outcome(run, found)
    if not found.runs:
        problems = "; ".join(found.problems[:3])
        msg = f"no run was found in {', '.join(map(str, (*cards, *recorded)))}"
        raise CostCraftError(f"{msg}: {problems}" if problems else msg)
    return found


def _from_cards(cards: Sequence[Where], found: Runs) -> Iterator[Run]:
    for folder in cards:
        for where, card in read_cards(folder):
            if isinstance(card, CardError):
                found.problems.append(f"left out: {card}")
            else:
                yield Run(card, where)


def _joined(known: Run, new: Run, found: Runs) -> Run:
    """One run of two records of a trace: steps of the one that was recorded, any outcome."""
    if not new.is_recorded and not known.is_recorded:
        found.problems.append(f"left out: {new.where}: {known.where} is of the same trace")
        return known
    run, other = (new, known) if new.is_recorded else (known, new)
    said = {r.passed for r in (run, other)} - {None}
    if len(said) > 1:
        run.is_contradictory = True
    elif run.passed is None and "outcome" in other.card:
        run.card["outcome"] = other.card["outcome"]
    return run


def _check_outcome(run: Run, found: Runs) -> None:
    outcome = run.card.get("outcome")
    if outcome and run.passed is not None and "score" in outcome:
        run.is_contradictory = outcome["score"] == (0 if run.passed else 1)
    if run.is_contradictory:
        text = f"{run.where}: trace {run.trace_id} is said to have passed and to have failed"
        found.problems.append(f"{text}; its outcome is taken for unknown")


class _RunMaker(Compiler):
    """Keeps all that is known of each run that it compiles a card of."""

    made: list[tuple[Card, list[Item]]]

    @classmethod
    def like(cls, compiler: Compiler) -> "_RunMaker":
        maker = cls(
            compiler.pricer, compiler.effects, compiler.near_threshold, content=compiler.content
        )
        maker.made = []
        return maker

    def compile(
        self, steps: Iterable[Step], evaluations: Iterable[Evaluation] = (), revision: int = 1
    ) -> Card | None:
        compiled = self.compile_items(steps, evaluations, revision)
        if compiled is None:
            return None
        card, items = compiled
        card["steps"] = [step_line(item, self.content) for item in items]
        self.made.append((card, items))
        return card


def _from_files(paths: Sequence[Path], found: Runs, settings: Settings | None) -> Iterator[Run]:
    if not paths:
        return
    plan = make_plan(paths)
    found.problems += map(str, plan.problems)
    found.problems += [f"left out: {path} is of no known format" for path in plan.unknown]
    compiler = make_compiler(settings or Settings())
    for group in plan.groups:
        records = read(importer(group.kind), group.paths)
        yield from runs_of(records, compiler, group.paths[0], found)


def runs_of(
    records: Iterable[Record], compiler: Compiler, where: Path, found: Runs
) -> Iterator[Run]:
    """Recorded runs.

    Args:
        records: those that belong together.
        compiler: makes their cards.
        where: a file that they come from.
        found: is told of problems.
    """
    maker, said = _RunMaker.like(compiler), _Said()
    done = compile_records(records, maker, see=said.see, where=where)
    found.problems += map(str, done.problems)
    for card, items in maker.made:
        by_number = {item.n: item for item in items}
        texts = {n: said.of(item) for n, item in by_number.items()}
        yield Run(card, str(where), by_number, texts, _reading(items, compiler.effects))


def _reading(items: Iterable[Item], effects: ToolEffects) -> frozenset[int]:
    """Tool calls that are known to change nothing."""
    items = list(items)
    hinted = {tool for item in items for tool in item.step.read_only_tools}
    tools = (item for item in items if item.step.kind == "tool")
    return frozenset(i.n for i in tools if effects.changes_state(i.step, hinted) is False)


class _Said:
    """What was said in spans. Of the prompts of a trace only the first is kept: all begin so."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], Texts] = {}
        self._asked: set[str] = set()

    def see(self, span: Span, step: Step) -> None:
        del step
        texts = read_texts(span)
        if texts.asked and span.trace_id in self._asked:
            texts = texts._replace(asked="")
        elif texts.asked:
            self._asked.add(span.trace_id)
        if any(texts):
            self._texts[span.trace_id, span.span_id] = texts

    def of(self, item: Item) -> Texts:
        return self._texts.get((item.step.trace_id, item.step.span_id), Texts())
