"""Skill files in the Agent Skills format: ``SKILL.md`` with front matter (agentskills.io).

What a base skill says is kept as it is, byte for byte; rules are added at the end of the section
that they belong to, and sections that it lacks at the end of the file.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from clawtrace_otel.costcraft.model import SECTIONS, Rule, Section
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.yaml_io import Loader

EMPTY = """\
---
name: learned-rules
description: Rules that recorded runs of this agent support. Use them in every run.
---
"""
"""What there is where no base skill is given."""

MAX_NAME_CHARS = 64
MAX_DESCRIPTION_CHARS = 1024
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LEVEL = 2


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill file, read.

    Attributes:
        text: all of it.
        name: of the skill.
        ends: section -> the line, from 0, before which a rule is added to it.
        statements: the paragraphs and list items, each as one line of text.
    """

    text: str
    name: str
    ends: Mapping[Section, int]
    statements: Sequence[str]


def read_skill(path: Path) -> Skill:
    """The skill in a file.

    Raises:
        CostCraftError: it cannot be read, or is no skill; the message says what is missing.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        msg = f"cannot read the skill {path}: {e}"
        raise CostCraftError(msg) from e
    return parse_skill(text, str(path))


def parse_skill(text: str, where: str) -> Skill:
    """The skill in a text.

    Raises:
        CostCraftError: see :func:`read_skill`.
    """
    tokens = _parser().parse(text)
    name = _read_front_matter(tokens, where)
    return Skill(
        text=text,
        name=name,
        ends=_find_ends(tokens, text.splitlines()),
        statements=[" ".join(t.content.split()) for t in tokens if t.type == "inline"],
    )


def evolve(skill: Skill, rules: Sequence[Rule]) -> str:
    """The text of a skill with rules added; without any it is what it was."""
    if not rules:
        return skill.text
    lines = skill.text.splitlines()
    for section, end in sorted(skill.ends.items(), key=lambda pair: pair[1], reverse=True):
        added = [f"- {rule.text}" for rule in rules if rule.section == section]
        if added:
            is_list = bool(lines[end - 1 : end]) and lines[end - 1].lstrip().startswith("- ")
            lines[end:end] = added if is_list else ["", *added]
    for section in SECTIONS:
        if section not in skill.ends:
            added = [f"- {rule.text}" for rule in rules if rule.section == section]
            lines += ["", f"{'#' * _LEVEL} {section}", *(["", *added] if added else [])]
    return "\n".join(lines) + "\n"


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").use(front_matter_plugin)


def _read_front_matter(tokens: Sequence[Token], where: str) -> str:
    """The name of the skill."""
    front = next((token for token in tokens if token.type == "front_matter"), None)
    if front is None:
        msg = f"{where} has no front matter: a skill begins with `---`, `name:`, `description:`"
        raise CostCraftError(msg)
    try:
        fields = msgspec.convert(yaml.load(front.content, Loader), dict[str, object])
    except (yaml.YAMLError, msgspec.ValidationError, ValueError, RecursionError) as e:
        msg = f"{where}: the front matter is no YAML mapping: {e}"
        raise CostCraftError(msg) from e
    name, description = fields.get("name"), fields.get("description")
    if not isinstance(name, str) or len(name) > MAX_NAME_CHARS or not _NAME.fullmatch(name):
        msg = (
            f"{where}: name is {name!r}; it has at most {MAX_NAME_CHARS} lower-case letters, digits"
            " and single hyphens"
        )
        raise CostCraftError(msg)
    if not isinstance(description, str) or not 0 < len(description) <= MAX_DESCRIPTION_CHARS:
        msg = f"{where}: description has 1 to {MAX_DESCRIPTION_CHARS} characters"
        raise CostCraftError(msg)
    return name


def _find_ends(tokens: Sequence[Token], lines: Sequence[str]) -> dict[Section, int]:
    headings = [
        (opened.map[0], opened.map[1], int(opened.tag[1:]), inline.content.strip().casefold())
        for opened, inline in pairwise(tokens)
        if opened.type == "heading_open" and opened.map and opened.level == 0
    ]
    ends: dict[Section, int] = {}
    for n, (_, after, level, title) in enumerate(headings):
        section = next((known for known in SECTIONS if known.casefold() == title), None)
        if section is None or section in ends:
            continue
        end = next((start for start, _, other, _ in headings[n + 1 :] if other <= level), None)
        end = len(lines) if end is None else end
        while end > after and not lines[end - 1].strip():
            end -= 1
        ends[section] = end
    return ends
