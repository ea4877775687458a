"""All of a bench: what is needed is found out, done, compared and written down."""

import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout
from msgspec import structs

from clawtrace_otel.costcraft.bench.bench import Bench, Done
from clawtrace_otel.costcraft.bench.compare import compare, summarise
from clawtrace_otel.costcraft.bench.conditions import Condition, read_conditions
from clawtrace_otel.costcraft.bench.one_run import RUNS, Agent
from clawtrace_otel.costcraft.bench.plan import Plan, agent_digest, make_plan, wanted_runs
from clawtrace_otel.costcraft.bench.report import Report, markdown
from clawtrace_otel.costcraft.bench.results import Result, Results
from clawtrace_otel.costcraft.bench.service import BackgroundService, service_settings
from clawtrace_otel.costcraft.bench.spending import Spending
from clawtrace_otel.costcraft.bench.tasks import Task, load_tasks
from clawtrace_otel.errors import CostCraftError

CARDS = "cards"
JOURNAL = "journal.db"
LOG = "service.log"
LOCK = ".lock"
PAGE = "report.md"


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for.

    Attributes:
        tasks: the file of tasks.
        skills: files or folders, or ``NAME=PATH``; each is a condition.
        folder: for results, cards and the runs' folders.
        max_usd: of the whole bench.
        settings: of the service that makes the cards; ``None`` values are not given.
    """

    tasks: Path
    agent: Agent
    skills: Sequence[str]
    folder: Path
    repeats: int = 1
    jobs: int = 1
    max_usd: float | None = None
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told how far a bench is.

    Attributes:
        planned: is told the plan, before the first run.
        ended: is told each result.
    """

    planned: Callable[[Plan], None] = lambda _: None
    ended: Callable[[Result], None] = lambda _: None


def run_bench(order: Order, listener: Listener) -> Report:
    """Do what is missing of a bench, and compare all that is there.

    Raises:
        ClawTraceError: a task, a skill, the agent or the folder cannot be used.
    """
    tasks = load_tasks(order.tasks)
    conditions = read_conditions(order.skills)
    order.agent.command.check_files({file.name for task in tasks for file in _top(task)})
    agent = agent_digest(
        order.agent.command,
        repr(order.agent.own_home),
        *order.agent.skill_folders,
    )
    wanted = list(wanted_runs(tasks, conditions, agent, order.agent.limits, order.repeats))
    with _folder(order.folder):
        results = Results(order.folder)
        spending = Spending(order.folder / CARDS)
        _look_again(results, spending)
        plan = make_plan(wanted, results.all())
        listener.planned(plan)
        done = _do(order, plan, results, spending, listener)
        _look_again(results, spending)
        report = _report(order, tasks, conditions, make_plan(wanted, results.all()), done, spending)
        _write(order.folder / PAGE, markdown(report))
    return report


def _top(task: Task) -> Iterator[Path]:
    """What is at the top of the task's folder."""
    for source in task.files:
        yield from source.iterdir() if source.is_dir() else (source,)


def _do(order: Order, plan: Plan, results: Results, spending: Spending, listener: Listener) -> Done:
    if not plan.todo and not plan.regrade:
        return Done("", 0)
    settings = service_settings(order.folder / CARDS, order.folder / JOURNAL, order.settings)
    with BackgroundService(settings, order.folder / LOG) as service:
        bench = Bench(order.folder, order.agent, service, results, spending, order.max_usd)
        return bench.run(plan, order.jobs, listener.ended)


@contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """The folder of the bench, made and locked: two at once would do each run twice."""
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        (folder / CARDS).mkdir(parents=True, exist_ok=True)
        (folder / RUNS).mkdir(exist_ok=True)
        lock.acquire()
    except Timeout as e:
        msg = f"another bench is at work in {folder}"
        raise CostCraftError(msg) from e
    except OSError as e:
        msg = f"cannot use the folder {folder}: {e}"
        raise CostCraftError(msg) from e
    try:
        yield
    finally:
        lock.release()


def _look_again(results: Results, spending: Spending) -> None:
    """Costs of runs whose cards were not whole when they were looked at, or not all there."""
    spending.look()
    for result in results.all():
        spent = spending.of(result.run)
        if result.ending == "exited" and spent.cards and spent != result.spent:
            results.add(structs.replace(result, spent=spent))


def _report(
    order: Order,
    tasks: Sequence[Task],
    conditions: Sequence[Condition],
    plan: Plan,
    done: Done,
    spending: Spending,
) -> Report:
    by_condition: dict[str, list[Result]] = {each.name: [] for each in conditions}
    for result in plan.done:
        by_condition[result.condition].append(result)
    pairs = itertools.combinations(by_condition, 2)
    return Report(
        tasks=len(tasks),
        repeats=order.repeats,
        stop=done.stop,
        missing=done.missing,
        total_usd=spending.total_usd(),
        conditions=[summarise(name, runs) for name, runs in by_condition.items()],
        comparisons=[compare(first, second, by_condition) for first, second in pairs],
        folder=str(order.folder),
    )


def _write(path: Path, text: str) -> None:
    """Write a file as a whole, or not at all."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        file.write(text)
    Path(file.name).replace(path)
