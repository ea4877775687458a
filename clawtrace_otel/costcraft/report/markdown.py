"""A report as Markdown. Texts from elsewhere stay the texts that they are: no markup, no HTML."""

import re
from functools import cache

from jinja2 import Template

from clawtrace_otel.costcraft.report.patches import RUNGS
from clawtrace_otel.costcraft.report.skill_lines import MARKS
from clawtrace_otel.costcraft.report.templating import environment
from clawtrace_otel.costcraft.report.view import MAX_PROBLEMS, Shown
from clawtrace_otel.costcraft.report.words import code_spans

_SPECIAL = re.compile(
    r"[\\`*\[\]<>&|~#!{}]|\$(?!\d)|(?<![^\W_])_|_(?![^\W_])|^[-+=]|^\d+(?=[.)](?:\s|$))"
)
"""What Markdown, with the extensions of GitHub, could take for markup."""
_TICKS = re.compile("`+")
_MIN_FENCE = 3


def render_markdown(shown: Shown) -> str:
    """The text of ``report.md``."""
    return _template().render(
        {name: getattr(shown, name) for name in Shown.__dataclass_fields__},
        rungs=RUNGS,
        max_problems=MAX_PROBLEMS,
        marks=MARKS,
        fence="`" * max(_MIN_FENCE, *(_longest_ticks(line.text) + 1 for line in shown.skill), 0),
    )


def plain(text: str) -> str:
    """A line as Markdown that shows it."""
    return _SPECIAL.sub(_escaped, text)


def code(text: str, in_table: bool = False) -> str:
    """A line as a code span."""
    ticks = "`" * (_longest_ticks(text) + 1)
    space = " " if "`" in text or not text.strip() else ""
    shown = f"{ticks}{space}{text or '(empty)'}{space}{ticks}"
    return shown.replace("|", "\\|") if in_table else shown


def prose(text: str, in_table: bool = False) -> str:
    """A line that may have code spans: they stay, all else is plain."""
    return "".join(
        code(part, in_table) if is_code else plain(part) for is_code, part in code_spans(text)
    )


@cache
def _template() -> Template:
    made = environment(escapes_html=False)
    made.filters.update(md=plain, code=code, prose=prose)
    return made.get_template("report.md.j2")


def _escaped(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"


def _longest_ticks(text: str) -> int:
    return max((len(ticks) for ticks in _TICKS.findall(text)), default=0)
