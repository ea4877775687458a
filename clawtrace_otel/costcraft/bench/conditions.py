"""With which skill the agent runs: one condition a skill, and one without any."""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from clawtrace_otel.costcraft.bench.digest import digest_of_files
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.yaml_io import Loader

WITHOUT = "without"
"""The condition without a skill."""

SKILL_FILE = "SKILL.md"

_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""Of a skill. Source: Agent Skills specification, ``name``."""

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Of a condition that the user names."""

_MAX_NAME_CHARS = 64


@dataclass(frozen=True, slots=True)
class Condition:
    """What a run is given beside its task.

    Attributes:
        name: in reports.
        skill: the skill's name, which is that of its folder; empty without one.
        source: its file, or the folder that it is in; ``None`` without one.
        digest: of all its files.
    """

    name: str
    skill: str = ""
    source: Path | None = None
    digest: str = ""

    def install(self, skills: Path) -> Path | None:
        """Copy the skill to a folder of skills; return the path of its ``SKILL.md``."""
        if self.source is None:
            return None
        place = skills / self.skill
        if self.source.is_dir():
            shutil.copytree(self.source, place, dirs_exist_ok=True)
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.source, place / SKILL_FILE)
        return place / SKILL_FILE


def read_conditions(skills: Sequence[str]) -> list[Condition]:
    """The condition without a skill, then one for each.

    A skill is a file, or a folder with a ``SKILL.md``, of which all is given to the agent. It is
    called as its front matter says, else as its folder or file. So is its condition, unless it is
    given as ``NAME=PATH``; of equal names the later ones get a number.

    Raises:
        CostCraftError: a skill cannot be read, is empty, or is given twice.
    """
    found = [Condition(WITHOUT)]
    for text in skills:
        name, path = _parted(text)
        condition = _condition(name, path, {each.name for each in found})
        same = next((each for each in found if each.digest == condition.digest), None)
        if same is not None:
            msg = f"the skills {same.source} and {path} are the same"
            raise CostCraftError(msg)
        found.append(condition)
    return found


def _parted(text: str) -> tuple[str, Path]:
    """Name, empty if there is none, and path."""
    name, equals, rest = text.partition("=")
    if not equals or Path(text).exists() or not _LABEL.fullmatch(name):
        return "", Path(text)
    return name, Path(rest)


def _condition(label: str, path: Path, taken: set[str]) -> Condition:
    file = path / SKILL_FILE if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        msg = f"cannot read the skill {file}: {e}"
        raise CostCraftError(msg) from e
    if not text.strip():
        msg = f"the skill {file} is empty"
        raise CostCraftError(msg)
    skill = _skill_name(text) or _name_by_path(file)
    name = next(each for each in _numbered(label or skill) if each not in taken)
    return Condition(name, skill, path.resolve(), digest_of_files([path]))


def _skill_name(text: str) -> str:
    """The name in the front matter; empty if there is none that may be a folder's."""
    front = _FRONT_MATTER.match(text)
    if front is None:
        return ""
    try:
        content = yaml.load(front[1], Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return ""
    name = content.get("name") if isinstance(content, dict) else None
    fits = isinstance(name, str) and len(name) <= _MAX_NAME_CHARS and _NAME.fullmatch(name)
    return str(name) if fits else ""


def _name_by_path(file: Path) -> str:
    name = file.resolve().parent.name if file.name == SKILL_FILE else file.stem
    words = re.findall(r"[a-z0-9]+", name.lower())
    return "-".join(words)[:_MAX_NAME_CHARS].strip("-") or "skill"


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1
