"""Recorded runs to a folder of cards: only what changed, in parallel where that is worth it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from clawtrace_otel.exporters.card_folder import CardFolder, CardMark
from clawtrace_otel.importers.compile_group import Summary
from clawtrace_otel.importers.last_run import LastRun, fingerprint
from clawtrace_otel.importers.plan import Group, Plan
from clawtrace_otel.importers.pool import Pool, jobs_for
from clawtrace_otel.importers.worker import Here, Result, Runner, SpanWatcher, Worker
from clawtrace_otel.settings import Settings
from clawtrace_otel.storage.urls import Where
from clawtrace_otel.tracecard.factory import make_compiler

Tell = Callable[[int], None]

Engine = Callable[[Settings, Where, Tell], Runner]
"""Makes a runner, given the settings and folder of a run and what is to be told of progress."""


def _ignore(size: int) -> None:
    del size


@dataclass(slots=True)
class Outcome:
    """What a run did.

    Attributes:
        unchanged: groups that were left alone.
    """

    summary: Summary = field(default_factory=Summary)
    unchanged: list[Group] = field(default_factory=list)

    @property
    def unchanged_files(self) -> int:
        """Files of those groups."""
        return sum(len(group.paths) for group in self.unchanged)


class FolderRun:
    """One run of ``clawtrace compile``.

    Args:
        plan: what is to be read.
        folder: path or URL; takes the cards.
        settings: for the compiler.
        jobs: processes; 0 is as many as are worth it.
        force: read everything, as if nothing had been compiled before.
        watcher: is shown each span; then all is read in this process.
        engine: makes what reads instead of this machine.

    Attributes:
        size: bytes that are to be read.

    Raises:
        ConfigError: the URL cannot be used.
        PriceError: the price file is wrong.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Where,
        settings: Settings,
        *,
        jobs: int = 0,
        force: bool = False,
        watcher: SpanWatcher | None = None,
        engine: Engine | None = None,
    ) -> None:
        self._groups = plan.groups
        self._folder = folder
        self._settings = settings
        self._jobs = 1 if watcher else jobs
        self._engine = engine
        cards = CardFolder(folder)
        self._worker = Worker(make_compiler(settings), cards, watcher)
        self._last = LastRun(cards, fingerprint(settings))
        self._outcome = Outcome(Summary(problems=list(plan.problems)))
        if not force:
            self._outcome.unchanged = self._last.unchanged(plan.groups)
        left_alone = {group.key for group in self._outcome.unchanged}
        self._changed = [group for group in plan.groups if group.key not in left_alone]
        self.size = sum(group.size for group in self._changed)

    def run(self, tell: Tell = _ignore) -> Outcome:
        """Compile what changed.

        Args:
            tell: is called with the bytes that were read so far, out of :attr:`size`.

        Raises:
            ClawTraceError: a card, or the notes on this run, cannot be written.
            ModuleNotFoundError: packages of an extra are missing.
        """
        results: dict[str, Result] = {}
        try:
            meter = _Meter(tell)
            for group, result in self._runner(meter).run(self._changed):
                results[group.key] = result
                meter.finish(group.size)
                self._note(group, result.summary)
            self._join(results)
        finally:
            self._last.save()
        for group in self._groups:
            if group.key in results:
                self._outcome.summary.add(results[group.key].summary)
        return self._outcome

    def _runner(self, meter: "_Meter") -> Runner:
        if self._engine is not None:
            return self._engine(self._settings, self._folder, meter.at)
        jobs = jobs_for(self._changed, self._jobs)
        if jobs > 1:
            return Pool(self._settings, self._folder, jobs, meter.at)
        return Here(self._worker, meter.add)

    def _note(self, group: Group, summary: Summary) -> None:
        """What gave nothing is tried again the next time, and its problems told again."""
        if summary.spans:
            self._last.note(group, summary.cards)
        else:
            self._last.forget(group)

    def _join(self, results: dict[str, Result]) -> None:
        """Read groups together that turned out to hold the same traces: copies of a file, say."""
        for joined in sharing(self._groups, lambda group: self._cards(group, results)):
            read = [results[group.key] for group in joined if group.key in results]
            if not read:
                continue
            whole = self._worker.run(joined, _ignore, earliest(result.before for result in read))
            for group in joined:
                results[group.key] = Result(Summary(), {})
            results[joined[0].key] = whole

    def _cards(self, group: Group, results: dict[str, Result]) -> list[str]:
        done = results.get(group.key)
        return done.summary.cards if done else self._last.cards(group)


class _Meter:
    """How much was read: as the readers say, and at least all groups that were finished."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._read = 0
        self._finished = 0

    def at(self, read: int) -> None:
        self._read = read
        self._tell(max(self._read, self._finished))

    def add(self, size: int) -> None:
        self.at(self._read + size)

    def finish(self, size: int) -> None:
        self._finished += size
        self.at(self._read)


def sharing(groups: list[Group], cards: Callable[[Group], list[str]]) -> list[list[Group]]:
    """The groups that have cards in common, put together; those that have none are left out."""
    first: dict[str, int] = {}
    leader = list(range(len(groups)))

    def lead(n: int) -> int:
        while leader[n] != n:
            n = leader[n]
        return n

    for n, group in enumerate(groups):
        for card in cards(group):
            low, high = sorted((lead(first.setdefault(card, n)), lead(n)))
            leader[high] = low
    together: dict[int, list[Group]] = {}
    for n, group in enumerate(groups):
        together.setdefault(lead(n), []).append(group)
    return [joined for joined in together.values() if len(joined) > 1]


def earliest(marks: Iterable[dict[str, CardMark]]) -> dict[str, CardMark]:
    """What stood there before the run, of several accounts of it: the one that is the oldest."""
    found: dict[str, CardMark] = {}
    for before in marks:
        for trace_id, mark in before.items():
            known = found.get(trace_id, mark)
            found[trace_id] = min(known, mark, key=lambda m: (bool(m.digest), m.revision))
    return found
