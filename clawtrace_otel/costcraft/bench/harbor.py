"""Tasks of Harbor, such as those of SkillsBench and Terminal-Bench, with and without a skill.

Harbor runs them: each condition is one job of it, whose folder is then read as cards and compared.
Harbor goes on with a job that was interrupted, and does nothing where all trials have ended; the
job's name has a digest of all that it depends on, so that what has changed is run anew.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from clawtrace_otel.costcraft.bench.compare import compare, summarise
from clawtrace_otel.costcraft.bench.conditions import Condition, read_conditions
from clawtrace_otel.costcraft.bench.digest import digest_of, digest_of_files
from clawtrace_otel.costcraft.bench.harbor_tasks import copy_without_skills, task_folders
from clawtrace_otel.costcraft.bench.report import Report
from clawtrace_otel.costcraft.bench.results import Result
from clawtrace_otel.costcraft.bench.spending import spent
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.importers.compile_folder import FolderRun
from clawtrace_otel.importers.formats.harbor.trial import Trial
from clawtrace_otel.importers.importer import Problem
from clawtrace_otel.importers.plan import make_plan
from clawtrace_otel.settings import load_settings
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths, read_card

BUNDLED = "bundled"
"""The condition with the skills that the tasks bring themselves."""

CARDS = "cards"
JOBS = "jobs"
LOGS = "logs"
SKILLS = "skills"
TASKS = "tasks"

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_TIMEOUT = "AgentTimeoutError"
_LOG_LINES = 20


@dataclass(frozen=True, slots=True)
class HarborOrder:
    """What is asked for.

    Attributes:
        tasks: a folder of tasks, or a task.
        agent: as Harbor names it, or ``module:Class`` of one's own.
        folder: for jobs, cards and logs.
        model: for the agent, with its provider: ``anthropic/claude-opus-4-5``.
        skills: files or folders, or ``NAME=PATH``; each is a condition.
        bundled: whether the tasks as they are make a condition.
        repeats: runs of each task and condition.
        jobs: trials at a time.
        endpoint: where agents send OTLP; a URL that is reached from the tasks' containers.
        arguments: further ones for ``harbor run``.
        environment: for Harbor itself, beside this process's own.
        settings: for the cards; ``None`` values are not given.
    """

    tasks: Path
    agent: str
    folder: Path
    model: str = ""
    skills: Sequence[str] = ()
    bundled: bool = False
    repeats: int = 1
    jobs: int = 1
    endpoint: str = ""
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)


def run_harbor(order: HarborOrder) -> Report:
    """Run the tasks with Harbor, in each condition, and compare.

    Raises:
        ClawTraceError: there is no Harbor, no task, a skill cannot be used, or Harbor failed.
        ModuleNotFoundError: packages of an extra are missing.
    """
    program = find_harbor(order.environment)
    tasks = task_folders(order.tasks)
    conditions = read_conditions(order.skills)
    if order.bundled:
        if any(each.name == BUNDLED for each in conditions):
            msg = f"a skill is called {BUNDLED!r}, as the tasks' own are: name it, NAME=PATH"
            raise CostCraftError(msg)
        conditions.append(Condition(BUNDLED))
    copy_without_skills(order.tasks, order.folder / TASKS)
    for condition in conditions:
        _run_job(order, condition, [program, *arguments(order, condition)])
    by_condition = {each.name: list(read_job(order, each)) for each in conditions}
    return _report(order, len(tasks), by_condition)


def find_harbor(environment: Mapping[str, str] | None = None) -> str:
    """The path of Harbor.

    Args:
        environment: whose ``PATH`` counts before that of this process.

    Raises:
        CostCraftError: it is not installed; the message says how it is.
    """
    program = shutil.which("harbor", path=(environment or {}).get("PATH"))
    if program is None:
        msg = (
            "there is no program 'harbor' in PATH: pip install 'clawtrace-otel[harbor]' with "
            "Python 3.12 or newer, or install PyPI's 'harbor' on its own; it needs Docker as well"
        )
        raise CostCraftError(msg)
    return program


def arguments(order: HarborOrder, condition: Condition) -> list[str]:
    """The arguments of Harbor for one condition.

    A skill is copied into the order's folder first, as Harbor wants the folder of one.
    """
    tasks = _tasks_of(order, condition)
    skill = condition.install(order.folder / SKILLS / condition.name)
    told = [
        ("--path", str(tasks.resolve())),
        ("--jobs-dir", str((order.folder / JOBS).resolve())),
        ("--job-name", job_name(order, condition)),
        ("--agent", order.agent),
        ("--model", order.model),
        ("--n-attempts", str(order.repeats)),
        ("--n-concurrent", str(order.jobs)),
        ("--skill", str(skill.parent.resolve()) if skill else ""),
        ("--agent-env", f"{_ENDPOINT}={order.endpoint}" if order.endpoint else ""),
    ]
    given = [word for name, value in told if value for word in (name, value)]
    return ["run", *given, "--quiet", "--yes", *order.arguments]


def _tasks_of(order: HarborOrder, condition: Condition) -> Path:
    is_bundled = condition.name == BUNDLED and condition.source is None
    return order.tasks if is_bundled else order.folder / TASKS


def job_name(order: HarborOrder, condition: Condition) -> str:
    """Of the job of a condition; another task, skill, agent or argument gives another one."""
    asked = (order.agent, order.model, order.endpoint, str(order.repeats), str(order.jobs))
    files = digest_of_files([_tasks_of(order, condition)])
    return f"{condition.name}-{digest_of(*asked, *order.arguments, files, condition.digest)[:8]}"


def _run_job(order: HarborOrder, condition: Condition, command: Sequence[str]) -> None:
    log = order.folder / LOGS / f"{condition.name}.txt"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            done = subprocess.run(
                command,
                env={**os.environ, **order.environment},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            )
    except OSError as e:
        msg = f"cannot run {command[0]}: {e}"
        raise CostCraftError(msg) from e
    if done.returncode:
        said = "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
        msg = f"harbor ended with {done.returncode} for {condition.name!r}; {log} ends:\n{said}"
        raise CostCraftError(msg)


def read_job(order: HarborOrder, condition: Condition) -> Iterator[Result]:
    """The runs of a condition, from the folder of its job; their cards are written.

    Raises:
        ClawTraceError: a card cannot be written or read.
        ModuleNotFoundError: packages of an extra are missing.
    """
    name = job_name(order, condition)
    job, folder = order.folder / JOBS / name, order.folder / CARDS / name
    if not job.is_dir():
        msg = f"harbor left no folder {job}"
        raise CostCraftError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    FolderRun(make_plan([job], "harbor"), str(folder), load_settings(order.settings), jobs=1).run()
    by_run: dict[str, list[Card]] = {}
    for card in map(read_card, card_paths(folder)):
        by_run.setdefault(card.get("run", ""), []).append(card)
    yield from _results(job, condition.name, by_run)


def _results(job: Path, condition: str, cards: Mapping[str, Sequence[Card]]) -> Iterator[Result]:
    trials = [trial for folder in sorted(job.iterdir()) if (trial := _trial(folder)) is not None]
    counts: dict[str, int] = {}
    for trial in sorted(trials, key=lambda each: each.text("started_at")):
        repeat = counts.setdefault(trial.task, 0)
        counts[trial.task] += 1
        yield _result(trial, condition, repeat, list(cards.get(trial.name, ())))


def _trial(folder: Path) -> Trial | None:
    """A trial that has ended; ``None`` if the folder is none."""
    trial = Trial(folder)
    is_read = folder.is_dir() and not any(isinstance(p, Problem) for p in trial.read())
    return trial if is_read else None


def _result(trial: Trial, condition: str, repeat: int, cards: list[Card]) -> Result:
    outcome = next((card["outcome"] for card in cards if "outcome" in card), None)
    failure = trial.failure
    is_timeout = failure is not None and failure.kind == _TIMEOUT
    started = trial.time_ns("agent_execution.started_at")
    ended = trial.time_ns("agent_execution.finished_at")
    evidence = "; ".join(outcome["evidence"]) if outcome else ""
    return Result(
        task=trial.task,
        condition=condition,
        repeat=repeat,
        run=trial.name,
        started=trial.text("started_at"),
        digests={"task": trial.text("task_checksum")},
        grader="harbor",
        ending="time limit" if is_timeout else "exited",
        exit_code=1 if failure else 0,
        seconds=max(ended - started, 0) / 1e9,
        passed=outcome["passed"] if outcome else _passed(trial),
        score=outcome.get("score") if outcome else None,
        why=evidence or (f"{failure.kind}: {failure.text}" if failure else ""),
        spent=spent(cards),
    )


def _passed(trial: Trial) -> bool | None:
    """Of a trial that called no model, and so has no card."""
    return all(reward == 1 for reward in trial.rewards.values()) if trial.rewards else None


def _report(order: HarborOrder, tasks: int, runs: Mapping[str, Sequence[Result]]) -> Report:
    wanted = tasks * order.repeats * len(runs)
    every = [result for results in runs.values() for result in results]
    return Report(
        tasks=tasks,
        repeats=order.repeats,
        stop="",
        missing=wanted - len(every),
        total_usd=sum(result.spent.at_least_usd for result in every),
        conditions=[summarise(name, results) for name, results in runs.items()],
        comparisons=[compare(first, second, runs) for first, second in combinations(runs, 2)],
        folder=str(order.folder),
    )
