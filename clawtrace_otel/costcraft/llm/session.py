"""A distillation by a model: one limit, one journal, one trace, whatever it is asked."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from clawtrace_otel.costcraft.llm.analyst import Analyst, actions_for
from clawtrace_otel.costcraft.llm.answers import Proposal
from clawtrace_otel.costcraft.llm.endpoint import Endpoint
from clawtrace_otel.costcraft.llm.failures import StoppedError, UnansweredError
from clawtrace_otel.costcraft.llm.journal import FILE_NAME, Journal
from clawtrace_otel.costcraft.llm.options import LlmOptions
from clawtrace_otel.costcraft.llm.own_trace import OwnTrace
from clawtrace_otel.costcraft.llm.propose import Names, make_patches, usable
from clawtrace_otel.costcraft.llm.reword import reword
from clawtrace_otel.costcraft.llm.spending import Spending
from clawtrace_otel.costcraft.model import Patch, Rule
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.wording import counted
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.money import PER_USD

_SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmResult:
    """What came out.

    Attributes:
        patches: to be judged by the gates.
        problems: runs that taught nothing because something went wrong, and what.
        asked: runs that were read by the model, now or earlier.
        unasked: runs that were not, because of a limit or an endpoint that failed.
        cost_usd: of what was asked now, as far as it is known; ``None`` if nothing of it is.
        earlier_usd: of what was asked by earlier calls with this output folder.
        calls: answers that were paid for now.
        unpriced: those of which the cost is not known.
        reused: answers that were there already.
        nonsense: answers that could not be read.
        cards: of the distillation's own trace; there once the session has been closed.
    """

    patches: list[Patch] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    asked: int = 0
    unasked: int = 0
    cost_usd: float | None = None
    earlier_usd: float = 0.0
    calls: int = 0
    unpriced: int = 0
    reused: int = 0
    nonsense: int = 0
    cards: list[Path] = field(default_factory=list)


@dataclass(slots=True)
class _Read:
    """What became of a run."""

    run: Run
    proposals: list[Proposal] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    is_unasked: bool = False


class LlmSession:
    """Asks a model, within the limits of one distillation. A context manager.

    Args:
        options: bounds.
        out: folder of the answers and of the distillation's own card.

    Raises:
        CostCraftError: a limit cannot be kept, there is no key, or earlier answers cannot be read.
        PriceError: a price file is wrong.
    """

    def __init__(self, options: LlmOptions, out: Path) -> None:
        self._options = options
        self._journal = Journal(out / FILE_NAME)
        self._earlier_usd = self._journal.spent_usd
        self._spending = Spending(options)
        self._endpoint = Endpoint(options, self._journal, self._spending)
        self._own = OwnTrace(out, options)
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._runner.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        try:
            self._runner.run(self._endpoint.close())
        finally:
            self._own.close()
            self._runner.__exit__(kind, error, where)

    @property
    def cost_usd(self) -> float | None:
        """What was asked so far cost, as far as it is known; ``None`` if nothing of it is."""
        endpoint = self._endpoint
        if endpoint.calls and not endpoint.costs:
            return None
        return sum(endpoint.costs) / PER_USD

    def analyse(self, runs: Sequence[Run], base_skill_text: str) -> LlmResult:
        """Have the model read runs.

        Args:
            runs: in any order.
            base_skill_text: the skill that they had.

        Raises:
            CostCraftError: the endpoint refused everything from the start, or an answer cannot be
                noted.
        """
        ordered = sorted(runs, key=lambda run: run.trace_id)
        wanted = [run for run in ordered if actions_for(run, self._options)]
        analyst = Analyst(self._endpoint, self._own, base_skill_text, self._options)
        done = self._runner.run(self._read_all(analyst, wanted, Names.of(ordered)))
        endpoint = self._endpoint
        if endpoint.stopped and not (endpoint.calls or endpoint.reused):
            raise CostCraftError(endpoint.stopped)
        unasked = sum(read.is_unasked for read in done)
        return LlmResult(
            patches=make_patches(((read.run, read.proposals) for read in done), ordered),
            problems=self._problems(done, unasked),
            asked=len(done) - unasked,
            unasked=unasked,
            cost_usd=self.cost_usd,
            earlier_usd=self._earlier_usd,
            calls=endpoint.calls,
            unpriced=endpoint.unpriced,
            reused=endpoint.reused,
            nonsense=endpoint.nonsense,
            cards=[self._own.card],
        )

    def reword(self, rules: Sequence[Rule]) -> tuple[list[Rule], list[str]]:
        """The rules in fewer words where a program agrees, and what it did not agree to."""
        with self._own.analyst("rewording") as branch:
            return self._runner.run(reword(rules, self._endpoint, branch))

    async def _read_all(self, analyst: Analyst, runs: Sequence[Run], names: Names) -> list[_Read]:
        slots = asyncio.Semaphore(self._options.concurrency)
        tasks = [asyncio.create_task(self._read(analyst, run, names, slots)) for run in runs]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _read(
        self, analyst: Analyst, run: Run, names: Names, slots: asyncio.Semaphore
    ) -> _Read:
        async with slots:
            read = _Read(run)
            try:
                proposals = await analyst.read(run)
            except StoppedError:
                read.is_unasked = True
            except UnansweredError as e:
                read.problems.append(f"trace {run.trace_id}: no proposals: {e}")
            else:
                actions = actions_for(run, self._options)
                read.proposals, read.problems = usable(run, proposals, actions, names)
            return read

    def _problems(self, done: Sequence[_Read], unasked: int) -> list[str]:
        problems = [problem for read in done for problem in read.problems]
        if len(problems) > _SHOWN_PROBLEMS:
            more = len(problems) - _SHOWN_PROBLEMS
            problems[_SHOWN_PROBLEMS:] = [f"and {counted(more, 'problem')} more of this kind"]
        if unasked:
            problems.append(
                f"{counted(unasked, 'run')} not read by the model: {self._endpoint.stopped}; what "
                "was answered is kept, and the same command asks the rest"
            )
        if self._endpoint.nonsense:
            problems.append(f"{counted(self._endpoint.nonsense, 'answer')} could not be read")
        if self._journal.damaged:
            lines = counted(self._journal.damaged, "line")
            problems.append(f"{lines} of {self._journal.path} left out: no answer in it")
        return problems


def analyse(runs: Sequence[Run], base_skill_text: str, options: LlmOptions, out: Path) -> LlmResult:
    """Have a model read runs; see :class:`LlmSession`, which can also reword.

    Raises:
        CostCraftError, PriceError: see :class:`LlmSession`.
    """
    with LlmSession(options, out) as session:
        return session.analyse(runs, base_skill_text)
