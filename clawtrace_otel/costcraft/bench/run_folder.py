"""The folder of one run: the task's files fresh, the skill where agents look for skills."""

import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clawtrace_otel.costcraft.bench.conditions import Condition
from clawtrace_otel.costcraft.bench.tasks import Task
from clawtrace_otel.errors import CostCraftError

SKILL_FOLDERS = (".agents/skills", ".claude/skills")
"""Below a project, by the Agent Skills convention and by Claude Code's own."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run takes place. Its name tells nothing of the condition.

    Attributes:
        root: the whole; the rest is in it.
        skill: the skill's ``SKILL.md``; ``None`` without one.
    """

    root: Path
    skill: Path | None

    @property
    def work(self) -> Path:
        """The agent's working folder."""
        return self.root / "work"

    @property
    def home(self) -> Path:
        """Home folder of an agent that gets its own."""
        return self.root / "home"

    @property
    def temporary(self) -> Path:
        """For temporary files; empty when the agent starts."""
        return self.root / "tmp"

    @property
    def prompt(self) -> Path:
        """File with the prompt."""
        return self.root / "prompt.md"

    @property
    def stdout(self) -> Path:
        """What the agent printed."""
        return self.root / "stdout.log"

    @property
    def stderr(self) -> Path:
        """What it said besides."""
        return self.root / "stderr.log"

    def remove(self) -> None:
        """Remove it, with what the agent left."""
        shutil.rmtree(self.root, ignore_errors=True)


def make_run_folder(
    root: Path, task: Task, condition: Condition, skill_folders: Sequence[str]
) -> RunFolder:
    """Make the folder of a run.

    Args:
        root: is made.
        task: its files are copied.
        condition: its skill is copied.
        skill_folders: each gets a copy of the skill.

    Raises:
        CostCraftError: something cannot be copied.
    """
    try:
        folder = RunFolder(root, None)
        for each in (folder.work, folder.home, folder.temporary):
            each.mkdir(parents=True)
        for source in task.files:
            _copy(source, folder.work)
        _make_writable(folder.work)
        folder.prompt.write_text(task.prompt, encoding="utf-8")
        copies = [condition.install(folder.work / name) for name in skill_folders]
    except (OSError, shutil.Error) as e:
        shutil.rmtree(root, ignore_errors=True)
        msg = f"cannot make the folder of a run of task {task.id!r}: {e}"
        raise CostCraftError(msg) from e
    return RunFolder(root, copies[0] if copies else None)


def _copy(source: Path, folder: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, folder, dirs_exist_ok=True)
    else:
        shutil.copy2(source, folder / source.name)


def _make_writable(folder: Path) -> None:
    """A task's files may be read-only where they are kept; the agent is to change its copies."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (stat.S_IRWXU if path.is_dir() else stat.S_IWUSR))
