"""Benches of the tests: files of tasks, orders, and what came of them."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from clawtrace_otel.costcraft.bench.command import CommandLine
from clawtrace_otel.costcraft.bench.one_run import Agent
from clawtrace_otel.costcraft.bench.plan import Plan
from clawtrace_otel.costcraft.bench.report import Report
from clawtrace_otel.costcraft.bench.results import Limits, Result, Results
from clawtrace_otel.costcraft.bench.run_bench import Listener, Order, run_bench

TINY_AGENT = Path(__file__).with_name("tiny_agent.py")
TINY = f"{sys.executable} {TINY_AGENT}"

SKILL = """\
---
name: saver
description: For tests.
---

Spend half as much.
"""


def write_tasks(path: Path, tasks: Sequence[Mapping[str, object]], **more: object) -> Path:
    """A file of tasks."""
    path.write_text(yaml.safe_dump({"tasks": list(tasks), **more}), encoding="utf-8")
    return path


def write_skill(folder: Path, text: str = SKILL) -> str:
    """A skill in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SKILL.md").write_text(text, encoding="utf-8")
    return str(folder / "SKILL.md")


def order(
    tasks: Path,
    skills: Sequence[str] = (),
    *,
    command: str = TINY,
    time_limit: float | None = 60.0,
    run_usd: float | None = None,
    max_usd: float | None = None,
    own_home: bool = False,
    jobs: int = 2,
    repeats: int = 1,
) -> Order:
    """An order for a bench in the folder ``out`` beside the tasks."""
    agent = Agent(CommandLine.parse(command, Path.cwd()), Limits(time_limit, run_usd), own_home)
    return Order(
        tasks, agent, skills, tasks.parent / "out", repeats=repeats, jobs=jobs, max_usd=max_usd
    )


def bench(wanted: Order) -> tuple[Report, list[Result], Plan]:
    """Run it; the report, the results that are new, and the plan."""
    plans: list[Plan] = []
    ended: list[Result] = []
    report = run_bench(wanted, Listener(plans.append, ended.append))
    return report, ended, plans[0]


def kept(wanted: Order) -> list[Result]:
    """All results in the folder of a bench."""
    return Results(wanted.folder).all()


def is_alive(pid: int) -> bool:
    """Whether there is a process that runs: a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return stat.parent.parent.is_dir() is False
