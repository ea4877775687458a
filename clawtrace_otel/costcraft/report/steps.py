"""Steps and runs as a report names them, with what their cards say."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clawtrace_otel.costcraft.model import StepRef
from clawtrace_otel.costcraft.report.words import UNKNOWN, line, usd, usd_interval
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.tracecard.model import StepLine

MAX_STEPS = 5
"""That are shown of a patch; patches.yaml has all."""

_OUTCOMES = {True: "passed", False: "failed", None: UNKNOWN}


@dataclass(frozen=True, slots=True)
class StepView:
    """A step.

    Attributes:
        what: its tool, model or agent; empty if its card is not here.
        args: a sample of its arguments, as the card has it.
        run: the anchor of its run; empty if that is not here.
    """

    trace_id: str
    n: int
    what: str
    args: str
    saves: str
    check: str
    outcome: str
    run: str


@dataclass(frozen=True, slots=True)
class Steps:
    """A few of some steps, and how many more there are."""

    shown: Sequence[StepView]
    more: int

    @property
    def count(self) -> int:
        """Of all of them."""
        return len(self.shown) + self.more


@dataclass(frozen=True, slots=True)
class RunView:
    """A run that steps are of."""

    anchor: str
    trace_id: str
    task: str
    outcome: str
    cost: str
    where: str


class StepViews:
    """Makes views of steps, and knows which runs they are of.

    Args:
        runs: whose cards are here.
    """

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = {run.trace_id: run for run in runs}
        self._cited: set[str] = set()

    def first(self, refs: Sequence[StepRef]) -> Steps:
        """The first few, of as many runs as may be."""
        chosen = _of_different_runs(refs)[:MAX_STEPS]
        return Steps([self._view(ref) for ref in chosen], len(refs) - len(chosen))

    def cited(self) -> list[RunView]:
        """The runs of all steps that were shown, by trace id."""
        return [_run_view(self._runs[trace_id]) for trace_id in sorted(self._cited)]

    def link(self, trace_id: str) -> str:
        """The anchor of a run, which will be among the cited ones; empty if it is not here."""
        if trace_id not in self._runs:
            return ""
        self._cited.add(trace_id)
        return _anchor(trace_id)

    def _view(self, ref: StepRef) -> StepView:
        run = self._runs.get(ref.trace_id)
        step = run.by_number.get(ref.n) if run else None
        return StepView(
            trace_id=ref.trace_id,
            n=ref.n,
            what=_what(step) if step else "",
            args=line(step.get("args", "")) if step else "",
            saves=usd_interval(ref.saves_usd),
            check=line(ref.check),
            outcome=_OUTCOMES[ref.passed],
            run=self.link(ref.trace_id),
        )


def _of_different_runs(refs: Sequence[StepRef]) -> list[StepRef]:
    """The first step of each run, then the second of each, and so on."""
    seen: Counter[str] = Counter()
    rounds = []
    for ref in refs:
        rounds.append(seen[ref.trace_id])
        seen[ref.trace_id] += 1
    return [ref for _, ref in sorted(zip(rounds, refs, strict=True), key=lambda pair: pair[0])]


def _what(step: StepLine) -> str:
    return line(step.get("tool") or step.get("agent") or step.get("llm") or "")


def _anchor(trace_id: str) -> str:
    return f"run-{trace_id}"


def _run_view(run: Run) -> RunView:
    return RunView(
        anchor=_anchor(run.trace_id),
        trace_id=run.trace_id,
        task=line(run.card.get("task") or "not named"),
        outcome=_OUTCOMES[run.passed],
        cost=usd(run.cost),
        where=line(run.where),
    )
