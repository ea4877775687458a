"""One run of the agent: folder, environment, limits, grade, cards."""

import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs

from clawtrace_otel.costcraft.bench.command import CommandLine
from clawtrace_otel.costcraft.bench.environment import kept, otel_environment, told
from clawtrace_otel.costcraft.bench.graders.grade import grade
from clawtrace_otel.costcraft.bench.graders.verdict import Ended, Verdict
from clawtrace_otel.costcraft.bench.plan import Wanted
from clawtrace_otel.costcraft.bench.process import Ending, Exit, Place, StartError, run_program
from clawtrace_otel.costcraft.bench.results import Limits, Result, Spent
from clawtrace_otel.costcraft.bench.run_folder import SKILL_FOLDERS, RunFolder, make_run_folder
from clawtrace_otel.costcraft.bench.service import SETTLE_SECONDS, BackgroundService
from clawtrace_otel.costcraft.bench.spending import Spending
from clawtrace_otel.costcraft.bench.telemetry import RunSpan, evaluation, new_span
from clawtrace_otel.errors import CostCraftError

RUNS = "runs"

NO_CARD_SECONDS = 2.0
"""After a run has ended: if there is no card then, there will hardly be one. It is looked for again
when all runs have ended."""

CARD_SECONDS = 15.0
"""For a card that is there to be complete."""

_QUIET_SECONDS = SETTLE_SECONDS + 0.5
"""After a run has ended: a run may have several traces, and each has a card by then."""

_POLL_SECONDS = 0.1

_IN_HOME = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
"""Variables that lead into the user's home folder."""


@dataclass(frozen=True, slots=True)
class Agent:
    """The user's agent, and how it is run.

    Attributes:
        limits: of a run, where its task has none.
        own_home: whether each run has an empty home folder of its own.
        skill_folders: in the working folder; each gets a copy of the skill.
    """

    command: CommandLine
    limits: Limits = field(default_factory=Limits)
    own_home: bool = False
    skill_folders: Sequence[str] = SKILL_FOLDERS


class RunnerOfOne:
    """Does one run at a time, on whatever thread asks.

    Args:
        folder: of the bench.
        agent: is run.
        service: takes its spans.
        spending: knows its cards.
        is_interrupted: whether all runs have to end.
    """

    def __init__(
        self,
        folder: Path,
        agent: Agent,
        service: BackgroundService,
        spending: Spending,
        is_interrupted: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._agent = agent
        self._service = service
        self._spending = spending
        self._is_interrupted = is_interrupted

    def run(self, wanted: Wanted) -> Result | None:
        """Do a run; ``None`` if it was interrupted: then nothing is left of it but its cards.

        Raises:
            CostCraftError: the agent cannot be started, or a folder not be made.
        """
        run = f"{wanted.task.id}.{secrets.token_hex(5)}"
        root = self._folder / RUNS / run
        folder = make_run_folder(root, wanted.task, wanted.condition, self._agent.skill_folders)
        span = new_span(wanted.task.id, run)
        self._spending.expect(span.trace_id, run)
        try:
            result = self._run(wanted, folder, span)
        except BaseException:
            folder.remove()
            raise
        if result is None:
            folder.remove()
        return result

    def _run(self, wanted: Wanted, folder: RunFolder, span: RunSpan) -> Result | None:
        environment = self._environment(wanted, folder, span)
        found = self._start(wanted, folder, environment, span.run)
        shutil.rmtree(folder.temporary, ignore_errors=True)
        if found.ending == "interrupted":
            return None
        self._service.post("traces", span.request(failed=found.exit_code != 0))
        verdict = self._verdict(wanted, found, folder, environment)
        spent = _spent(self._await_cards(span.run), found)
        self.tell(span.task, span.run, spent, verdict)
        return Result(
            task=wanted.task.id,
            condition=wanted.condition.name,
            repeat=wanted.repeat,
            run=span.run,
            started=_iso(span.started_ns),
            digests=dict(wanted.digests),
            grader=wanted.grader,
            limits=wanted.limits,
            ending=found.ending,
            exit_code=found.exit_code,
            seconds=round(found.seconds, 3),
            passed=verdict.passed,
            score=verdict.score,
            why=verdict.why,
            spent=spent,
        )

    def tell(self, task: str, run: str, spent: Spent, verdict: Verdict) -> None:
        """Have the cards of a run say how it was graded.

        Raises:
            CostCraftError: the service does not take it.
        """
        if verdict.passed is None:
            return
        for trace_id in spent.cards:
            self._service.post("logs", evaluation(task, run, trace_id, verdict))

    def _environment(self, wanted: Wanted, folder: RunFolder, span: RunSpan) -> dict[str, str]:
        found = kept(os.environ) | {"TMPDIR": str(folder.temporary)}
        if self._agent.own_home:
            found = {key: value for key, value in found.items() if key not in _IN_HOME}
            found["HOME"] = str(folder.home)
        found |= otel_environment(os.environ, span, self._service)
        return found | told(span, wanted.task.prompt, folder.prompt, folder.skill)

    def _start(
        self, wanted: Wanted, folder: RunFolder, environment: Mapping[str, str], run: str
    ) -> Exit:
        command = self._agent.command.fill(
            {
                "prompt": wanted.task.prompt,
                "prompt_file": str(folder.prompt),
                "skill": str(folder.skill or ""),
                "folder": str(folder.work),
                "task": wanted.task.id,
            }
        )
        place = Place(folder.work, environment, folder.stdout, folder.stderr)
        max_usd = wanted.limits.max_usd

        def must_end() -> Ending | None:
            if self._is_interrupted():
                return "interrupted"
            if max_usd is not None and self._spending.known_usd(run) > max_usd:
                return "money limit"
            return None

        try:
            return run_program(command, place, wanted.limits.time_limit, must_end)
        except StartError as e:
            msg = f"the agent {e}"
            raise CostCraftError(msg) from e

    def _verdict(
        self, wanted: Wanted, found: Exit, folder: RunFolder, environment: Mapping[str, str]
    ) -> Verdict:
        if found.ending != "exited":
            return Verdict(passed=False, why=f"ended by its {found.ending}")
        ended = Ended(folder.work, folder.stdout, found.exit_code, environment)
        return grade(wanted.task.grader, ended)

    def _await_cards(self, run: str) -> Spent:
        """Wait until the run's cards say all; not for long where there is none."""
        ended = time.monotonic()
        while not self._is_interrupted():
            waited = time.monotonic() - ended
            if waited > _QUIET_SECONDS and self._spending.is_settled(run):
                break
            if waited > (CARD_SECONDS if self._spending.of(run).cards else NO_CARD_SECONDS):
                break
            time.sleep(_POLL_SECONDS)
        return self._spending.of(run)


def _spent(spent: Spent, found: Exit) -> Spent:
    """Of a run that was ended, what its last call has cost is not known."""
    if found.ending == "exited" or spent.usd is None:
        return spent
    return structs.replace(spent, usd=None, why=f"it was ended by its {found.ending}")


def _iso(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="milliseconds")
