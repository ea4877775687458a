"""Harbor's task folders without the skills that they bring.

SkillsBench's tasks have skills in ``environment/skills``, which their Dockerfile copies to where
each agent looks; ``skills_dir`` in ``task.toml`` is Harbor's own way. A copy of a task without any
of them is what a skill is compared with.

Source: https://github.com/benchflow-ai/skillsbench, ``CONTRIBUTING.md``; ``EnvironmentConfig`` in
``harbor/models/task/config.py`` of Harbor 0.24.
"""

import re
import shutil
from pathlib import Path

from clawtrace_otel.errors import CostCraftError

TASK_FILE = "task.toml"

_SKILLS = Path("environment", "skills")
_DOCKERFILE = Path("environment", "Dockerfile")
_COPIED = re.compile(
    r"^[ \t]*(?:COPY|ADD)[ \t]+(?:--\S+[ \t]+)*(?:\./)?skills(?:/\S*)?[ \t]+\S+[ \t]*\n?",
    re.IGNORECASE | re.MULTILINE,
)
_SKILLS_DIR = re.compile(r"^[ \t]*skills_dir[ \t]*=.*\n?", re.MULTILINE)


def task_folders(tasks: Path) -> list[Path]:
    """The tasks in a folder, or the one that it is.

    Raises:
        CostCraftError: it has none.
    """
    found = [tasks] if (tasks / TASK_FILE).is_file() else _below(tasks)
    if not found:
        msg = f"{tasks} has no task of Harbor: no {TASK_FILE} in it, nor in a folder of it"
        raise CostCraftError(msg)
    return found


def _below(tasks: Path) -> list[Path]:
    if not tasks.is_dir():
        return []
    return sorted(folder for folder in tasks.iterdir() if (folder / TASK_FILE).is_file())


def copy_without_skills(tasks: Path, target: Path) -> None:
    """Copy tasks, each without the skills that it brings.

    Args:
        tasks: a folder of tasks, or a task.
        target: becomes the folder of the copies; what was there is replaced.

    Raises:
        CostCraftError: there is no task, or a file cannot be read or written.
    """
    try:
        shutil.rmtree(target, ignore_errors=True)
        for task in task_folders(tasks):
            _copy(task, target / task.name)
    except OSError as e:
        msg = f"cannot copy the tasks in {tasks}: {e}"
        raise CostCraftError(msg) from e


def _copy(task: Path, target: Path) -> None:
    shutil.copytree(task, target, symlinks=True)
    shutil.rmtree(target / _SKILLS, ignore_errors=True)
    _drop(target / _DOCKERFILE, _COPIED)
    _drop(target / TASK_FILE, _SKILLS_DIR)


def _drop(path: Path, lines: re.Pattern[str]) -> None:
    if path.is_file():
        before = path.read_text(encoding="utf-8")
        after = lines.sub("", before)
        if after != before:
            path.write_text(after, encoding="utf-8")
