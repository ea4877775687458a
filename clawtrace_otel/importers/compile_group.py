"""Records to cards: what becomes of the files of one group."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clawtrace_otel.errors import ClawTraceError
from clawtrace_otel.importers.importer import Importer, Problem, Record, Told, TraceEnd
from clawtrace_otel.importers.trace_store import MAX_STEPS, TraceStore
from clawtrace_otel.money import PER_USD, total
from clawtrace_otel.semconv.read_step import read_step
from clawtrace_otel.semconv.step import Evaluation, Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.record_places import RecordPlaces

MAX_PROBLEMS = 1000
"""Listed of one group; of further ones only the number is told."""

Keep = Callable[[Callable[[int], Card | None]], Card | None]
"""Takes what compiles a card, given its revision; keeps the card and returns it."""

See = Callable[[Span, Step], None]
"""Is shown each span and what was read from it."""


@dataclass(slots=True)
class Summary:
    """What became of files.

    Attributes:
        cards: trace ids, in the order in which the cards were made.
        cost: of all cards, in 1e-12 USD; ``None`` if none has a known one.
        unpriced: model -> calls without a price.
        problems: what could not be read.
        unlisted: problems beyond those.
    """

    spans: int = 0
    traces: int = 0
    cards: list[str] = field(default_factory=list)
    cost: int | None = None
    unpriced: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    unlisted: int = 0

    def add_problem(self, problem: Problem) -> None:
        """List a problem, or count it if the list is full."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)
        else:
            self.unlisted += 1

    def add_card(self, card: Card) -> None:
        """Count a card."""
        self.cards.append(card["trace_id"])
        usd = card["total"]["cost_usd"]
        self.cost = total((self.cost, None if usd is None else round(usd * PER_USD)))
        for unpriced in card.get("unpriced", ()):
            self.unpriced[unpriced["model"]] += unpriced["calls"]

    def add(self, other: "Summary") -> None:
        """Add what became of other files."""
        self.spans += other.spans
        self.traces += other.traces
        self.cards += other.cards
        self.cost = total((self.cost, other.cost))
        self.unpriced.update(other.unpriced)
        self.problems += other.problems
        self.unlisted += other.unlisted


def keep_none(compiled: Callable[[int], Card | None]) -> Card | None:
    """Keeps no card: it is only compiled."""
    return compiled(1)


def read(importer: Importer, paths: Sequence[Path]) -> Iterator[Record]:
    """The records of files. Whatever goes wrong is a problem, and what was read before is kept.

    Raises:
        ModuleNotFoundError: packages of an extra are missing.
    """
    try:
        yield from importer.read(paths)
    except ModuleNotFoundError:
        raise
    except OSError as e:
        path = Path(e.filename) if e.filename else paths[0]
        yield Problem(path, 0, e.strerror or str(e))
    except Exception as e:  # one file that nobody thought of must not end a run over thousands
        text = f"reading it as {importer.name} failed, which is a fault of ours: {e!r}"
        yield Problem(paths[0], 0, text)


def compile_records(
    records: Iterable[Record],
    compiler: Compiler,
    keep: Keep = keep_none,
    see: See | None = None,
    max_steps: int = MAX_STEPS,
    where: Path = Path(),
) -> Summary:
    """Compile the traces of records that belong together.

    A trace is compiled when its end is told, else when all was read.

    Args:
        records: in the order in which they were read.
        compiler: makes the cards.
        keep: is given each card.
        see: is shown each span.
        max_steps: kept in memory at a time.
        where: a file of the records, for problems that belong to none of them.

    Raises:
        ClawTraceError: a card or the temporary file cannot be written.
    """
    done = Summary()
    build = _Build(compiler, keep, done, where)
    places = RecordPlaces()
    with TraceStore(max_steps) as store:
        for record in records:
            if isinstance(record, Span):
                step = read_step(record, compiler.content)
                for placed in places.place(step):
                    store.add(placed)
                done.spans += 1
                if see is not None:
                    see(record, step)
            elif isinstance(record, Told):
                store.tell(record)
            elif isinstance(record, Problem):
                done.add_problem(record)
            else:
                _end(store, record, build)
        for trace_id in store.traces():
            same = store.same(trace_id)
            done.traces += 1
            if same[0] == trace_id:
                _compile(store, same, build)
    return done


@dataclass(frozen=True, slots=True)
class _Build:
    """How cards are made of the traces of one group."""

    compiler: Compiler
    keep: Keep
    done: Summary
    where: Path


def _end(store: TraceStore, end: TraceEnd, build: _Build) -> None:
    """Compile a trace that is complete, unless one that is still to come may show its call."""
    if not store.holds(end.trace_id) or store.is_lone(end.trace_id):
        return
    _compile(store, [end.trace_id], build)
    store.forget(end.trace_id)
    build.done.traces += 1


def _compile(store: TraceStore, same: Sequence[str], build: _Build) -> None:
    steps: list[Step] = []
    told: list[Evaluation] = []
    for trace_id in same:
        more_steps, more_told = store.take(trace_id)
        steps += more_steps
        told += more_told
    try:
        card = build.keep(lambda revision: build.compiler.compile(steps, told, revision))
    except ClawTraceError:
        raise
    except Exception as e:  # as in the service: it holds up no other
        text = f"trace {same[0]} cannot be compiled, which is a fault of ours: {e!r}"
        build.done.add_problem(Problem(build.where, 0, text))
        return
    if card is not None:
        build.done.add_card(card)
