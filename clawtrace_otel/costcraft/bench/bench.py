"""A bench from its first run to its last: several at a time, within limits, kept as they end."""

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from msgspec import structs

from clawtrace_otel.costcraft.bench.environment import kept
from clawtrace_otel.costcraft.bench.graders.grade import grade
from clawtrace_otel.costcraft.bench.graders.verdict import Ended, Verdict
from clawtrace_otel.costcraft.bench.one_run import RUNS, Agent, RunnerOfOne
from clawtrace_otel.costcraft.bench.plan import Plan, Wanted
from clawtrace_otel.costcraft.bench.results import Result, Results
from clawtrace_otel.costcraft.bench.run_folder import RunFolder
from clawtrace_otel.costcraft.bench.service import BackgroundService
from clawtrace_otel.costcraft.bench.spending import Spending

Stop = Literal["", "money limit", "interrupted"]
"""Why runs are missing; empty if none is."""

_WAKE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Done:
    """What a bench has done.

    Attributes:
        missing: runs that were not started, or were broken off.
    """

    stop: Stop
    missing: int


class Bench:
    """Does the runs of a plan.

    Args:
        folder: of the bench.
        agent: is run.
        service: takes its spans.
        results: take what is known of each run.
        spending: knows the cards.
        max_usd: no run is started when all have cost as much together.
    """

    def __init__(
        self,
        folder: Path,
        agent: Agent,
        service: BackgroundService,
        results: Results,
        spending: Spending,
        max_usd: float | None,
    ) -> None:
        self._folder = folder
        self._results = results
        self._spending = spending
        self._max_usd = max_usd
        self._interrupted = threading.Event()
        self._failed = threading.Event()
        self._at_limit = threading.Event()
        self._one = RunnerOfOne(folder, agent, service, spending, self._must_stop)

    def run(self, plan: Plan, jobs: int, on_result: Callable[[Result], None]) -> Done:
        """Do what the plan has to be done. Ctrl-C ends the runs under way; the rest is kept.

        Args:
            plan: what is to be done.
            jobs: runs at a time.
            on_result: is told each result, on any thread.

        Raises:
            CostCraftError: the agent cannot be started, or a result not be written.
        """
        self._regrade(plan, on_result)
        todo = deque(plan.todo)
        left = len(todo)
        late: list[Result] = []
        lock = threading.Lock()

        def work() -> None:
            nonlocal left
            while not self._must_stop() and not self._is_at_limit():
                try:
                    wanted = todo.popleft()
                except IndexError:
                    return
                result = self._one.run(wanted)
                if result is None:
                    return
                self._results.add(result)
                with lock:
                    left -= 1
                    if result.spent.usd is None and result.ending == "exited":
                        late.append(result)
                on_result(result)

        self._together(work, jobs)
        self._look_again(late)
        stop: Stop = "interrupted" if self._interrupted.is_set() else "money limit"
        return Done(stop if left else "", left)

    def _together(self, work: Callable[[], None], jobs: int) -> None:
        with ThreadPoolExecutor(jobs, thread_name_prefix="bench") as pool:
            running: set[Future[None]] = {pool.submit(work) for _ in range(jobs)}
            try:
                while running:
                    done, running = wait(running, _WAKE_SECONDS, FIRST_EXCEPTION)
                    for each in done:
                        each.result()
            except KeyboardInterrupt:
                self._interrupted.set()
            except BaseException:
                self._failed.set()
                raise

    def _must_stop(self) -> bool:
        return self._interrupted.is_set() or self._failed.is_set()

    def _is_at_limit(self) -> bool:
        if self._max_usd is not None and self._spending.total_usd() >= self._max_usd:
            self._at_limit.set()
        return self._at_limit.is_set()

    def _look_again(self, late: Sequence[Result]) -> None:
        """Cards that came after their run was given up on."""
        for result in late:
            spent = self._spending.of(result.run)
            if spent != result.spent:
                verdict = Verdict(result.passed, result.score, result.why)
                self._one.tell(result.task, result.run, spent, verdict)
                self._results.add(structs.replace(result, spent=spent))

    def _regrade(self, plan: Plan, on_result: Callable[[Result], None]) -> None:
        """Grade runs whose grader has changed; those whose folder is gone are done again."""
        for wanted, result in plan.regrade:
            folder = RunFolder(self._folder / RUNS / result.run, None)
            if not folder.work.is_dir():
                plan.todo.append(wanted)
                continue
            verdict = _verdict_again(wanted, result, folder)
            graded = structs.replace(
                result,
                grader=wanted.grader,
                passed=verdict.passed,
                score=verdict.score,
                why=verdict.why,
            )
            self._one.tell(result.task, result.run, result.spent, verdict)
            self._results.add(graded)
            on_result(graded)


def _verdict_again(wanted: Wanted, result: Result, folder: RunFolder) -> Verdict:
    if result.ending != "exited":
        return Verdict(result.passed, result.score, result.why)
    ended = Ended(folder.work, folder.stdout, result.exit_code, kept(os.environ))
    return grade(wanted.task.grader, ended)
