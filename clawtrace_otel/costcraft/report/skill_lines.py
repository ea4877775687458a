"""The evolved skill line by line, with what was added to the base skill and what it lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from clawtrace_otel.tracecard.lines import clean

MAX_LINE_CHARS = 2_000

Kind = Literal["same", "added", "removed"]
MARKS: Mapping[Kind, str] = {"same": "  ", "added": "+ ", "removed": "- "}
"""What stands before a line."""


@dataclass(frozen=True, slots=True)
class SkillLine:
    """A line of the skill."""

    kind: Kind
    text: str


def skill_lines(base: str, evolved: str) -> list[SkillLine]:
    """The lines of both texts, in the order of the evolved one."""
    before, after = _lines(base), _lines(evolved)
    lines: list[SkillLine] = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag == "equal":
            lines += [SkillLine("same", text) for text in after[start:end]]
        else:
            lines += [SkillLine("removed", text) for text in before[first:last]]
            lines += [SkillLine("added", text) for text in after[start:end]]
    return lines


def _lines(text: str) -> list[str]:
    """Printable ones, with their indentation."""
    expanded = (line.expandtabs(4) for line in text.splitlines())
    return [" " * (len(e) - len(e.lstrip(" "))) + clean(e, MAX_LINE_CHARS) for e in expanded]
